"""`python -m keras_stt`: the command line, run as a program so that nothing in the package imports it."""

import runpy

runpy.run_module("keras_stt.cli.main", run_name="__main__")
