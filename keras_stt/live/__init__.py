"""Words while they are being said: audio is fed as it comes, what was heard is shown, corrected and at last final."""

from keras_stt.live.agreement import Correction, LiveWord
from keras_stt.live.transcriber import LiveTranscriber, Update

__all__ = ["Correction", "LiveTranscriber", "LiveWord", "Update"]
