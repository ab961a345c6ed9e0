"""The recogniser's flagfiles: their sizes, and that the large one takes a step."""

import dataclasses

import keras
import numpy as np
import pytest

from keras_stt.tokens import CharacterTokens
from keras_stt.train.utterance.batching import ctc_heads
from keras_stt.train.utterance.model import compiled_model
from keras_stt.train.utterance.setup import Setup


@pytest.fixture
def setup(options_of):
    """What a flagfile makes of three tones, said twice."""

    def make(flagfile: str) -> Setup:
        options = options_of(f"--flagfile=flags/{flagfile}.cfg")
        tokens = CharacterTokens("ABCDEFGHIJKLMNOPQRSTUVWXYZ'")
        views = 2 if options.consistency else 1
        frames = np.random.default_rng(0).normal(size=(2 * views, 96, options.mel_bands)).astype(np.float32)
        inputs = {"features": frames, "feature_lengths": np.full(2 * views, 96, np.int32)}
        ids = np.stack([tokens.encode("AB CD")] * len(frames))
        batches = OneBatch((inputs, dict.fromkeys(ctc_heads(options), ids)), ctc_heads(options))
        options = dataclasses.replace(options, phone_weight=0.0, steps_per_epoch=100)
        return Setup(options, {}, tokens, None, batches, None, {})

    return make


@dataclasses.dataclass
class OneBatch:
    batch: tuple
    heads: tuple
    texts: None = None

    def __getitem__(self, step):
        return self.batch

    def __len__(self):
        return 1


def test_the_recogniser_has_at_most_six_million_parameters(setup):
    made = setup("recognizer")
    assert 5e6 < compiled_model(made).count_params() < 6e6


def test_the_large_recogniser_takes_a_step(setup):
    made = setup("recognizer_large")
    model = compiled_model(made)
    assert 28e6 < model.count_params() < 34e6
    model.run_eagerly = True  # a graph of ten blocks takes longer to trace than to run once
    before = keras.ops.convert_to_numpy(model.trainable_variables[0])
    inputs, targets = made.batches[0]
    losses = [model.train_on_batch(inputs, targets) for _ in range(3)]
    assert np.isfinite(losses).all()
    assert not np.array_equal(before, keras.ops.convert_to_numpy(model.trainable_variables[0]))
