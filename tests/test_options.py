"""Flags that make no sense are refused before any work, each with its own name."""

import sys
from pathlib import Path

import pytest

from keras_stt.errors import FlagError
from keras_stt.train.options import TrainOptions

sys.path.insert(0, str(Path(__file__).parent.parent))


@pytest.fixture(scope="module")
def defaults() -> dict:
    """The flags' own defaults, from the one place that defines them."""
    import train_main

    flags = train_main.flags.FLAGS
    return {flag.name: flag.default for flag in flags.get_flags_for_module("train_main")}


def test_the_defaults_make_sense_and_every_flag_is_an_option(defaults):
    TrainOptions(**defaults)


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("seed", -1),
        ("steps_per_epoch", -3),
        ("max_utterances", -1),
        ("noise", -4.0),
        ("audio_blocks", -1),
        ("test_utterances", -3),
        ("learning_rate", float("nan")),
        ("learning_rate", 0.0),
        ("vocabulary_size", 3),
        ("tempo", 1.0),
        ("dropout", 1.0),
        ("weight_average", 1.0),
        ("mask_from", 1.5),
        ("text_context", 0),
        ("passes", 0),
        ("audio_stride_ms", 25),
        ("attention_heads", 3),
        ("audio_pooling", "max"),
        ("position", "absolute"),
        ("view", "sentence"),
        ("normalization", "batch"),
        ("attention_activation", "loud"),
        ("relative_window", 0),
        ("blocks", -1),
        ("loss", "hinge"),
        ("label_smoothing", 1.0),
        ("class_weighting", "rare"),
        ("pad_token", "mask"),
        ("pad_side", "top"),
        ("pad_weight", -1.0),
        ("task", "translate"),
        ("optimizer", "newton"),
        ("schedule", "step"),
        ("keep", "first"),
        ("budget_cpu_s", -5.0),
        ("overfit_batches", -1),
        ("pad_weight", float("nan")),
        ("budget_cpu_s", float("inf")),
        ("clip_norm", float("nan")),
        ("attention_activation", "glu"),
        ("relative_window", 10**9),
        ("mel_bands", 400),
        ("mask_schedule", "steps"),
        ("output_dir", ""),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(defaults, flag, value):
    with pytest.raises(FlagError, match=f"^--{flag}: ") as caught:
        TrainOptions(**{**defaults, flag: value})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        ({"overfit_batches": 1, "pad_weight": 0.0}, "pad_weight"),
        ({"overfit_batches": 1, "export": True}, "overfit_batches"),
        ({"budget_cpu_s": 10.0, "resume": True}, "budget_cpu_s"),
        ({"warm_start": "librispeech-small"}, "warm_start"),
        ({"text_corpus": "text.txt"}, "text_corpus"),
        ({"train_hours": 1.0}, "train_hours"),
        ({"position": "rotary", "model_dim": 12, "attention_heads": 4}, "attention_heads"),
    ],
)
def test_flags_that_contradict_each_other_are_refused(defaults, flags, named):
    with pytest.raises(FlagError, match=f"^--{named}: "):
        TrainOptions(**{**defaults, **flags})
