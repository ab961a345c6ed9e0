"""`python -m keras_stt`: the command line."""

import sys

from keras_stt.cli.main import main

sys.exit(main())
