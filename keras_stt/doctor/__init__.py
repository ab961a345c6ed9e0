"""What is installed here and whether it works, found without believing that it does."""

from keras_stt.doctor.examine import examine
from keras_stt.doctor.finding import BROKEN, MISSING, OK, Finding

__all__ = ["BROKEN", "MISSING", "OK", "Finding", "examine"]
