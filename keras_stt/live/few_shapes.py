"""A model that is given batches of few lengths only, each of which is compiled once."""

import numpy as np

from keras_stt.features import HOP_LENGTH

FRAMES = (480, 960, 1600, 3040)  # of 10 ms; what is longer comes as it is


class FewShapes:
    """An utterance model whose batches are padded to the next of `FRAMES`, which changes nothing that it says.

    Speech that is heard while it grows would else have another shape every second or two, each to be traced by
    TensorFlow or compiled by JAX while somebody speaks.
    """

    def __init__(self, model):
        self.model = model
        self.mel_bands, self.frames_per_step = model.mel_bands, model.frames_per_step
        self.token_set, self.step_seconds = model.token_set, model.step_seconds

    @property
    def sample_counts(self) -> tuple[int, ...]:
        """Samples of speech that fill each length."""
        return tuple(frames * HOP_LENGTH for frames in FRAMES)

    def draft_and_refine(self, features: np.ndarray, lengths: np.ndarray, passes: int):
        """As the model's own."""
        longest = next((frames for frames in FRAMES if frames >= features.shape[1]), features.shape[1])
        padded = np.pad(features, ((0, 0), (0, longest - features.shape[1]), (0, 0)))
        return self.model.draft_and_refine(padded, lengths, passes)
