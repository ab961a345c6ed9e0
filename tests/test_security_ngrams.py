"""Word n-grams from outside: nothing is unpickled, no memory is filled, and no search goes on for ever."""

import io
import pickle
import subprocess
import time
import tracemalloc
import zipfile

import numpy as np
import pytest

from keras_stt.decoding.language_model import WordNgrams
from keras_stt.errors import InputError

TEXTS = ["THE CAT SAT", "THE CAT RAN", "A DOG RAN"]


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """The arrays of a language model."""
    path = tmp_path_factory.mktemp("good") / "words.npz"
    WordNgrams.learn(TEXTS).save(path)
    with np.load(path) as file:
        return dict(file)


class Runs:
    """Unpickled, it writes the canary."""

    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        return subprocess.call, (["touch", str(self.canary)],)


def refused(path) -> str:
    """What is said of a file, in one line, soon, and without much memory."""
    tracemalloc.start()
    began = time.monotonic()
    try:
        with pytest.raises(InputError) as error:
            WordNgrams.load(path)
        assert tracemalloc.get_traced_memory()[1] < 100e6
    finally:
        tracemalloc.stop()
    assert time.monotonic() - began < 10
    assert "\n" not in str(error.value)
    assert str(error.value).startswith(f"{path}: is no language model; make one with")
    return str(error.value)


def test_a_good_one_loads_the_same(good, tmp_path):
    np.savez_compressed(tmp_path / "words.npz", **good)
    assert WordNgrams.load(tmp_path / "words.npz").score("THE DOG SAT") == WordNgrams.learn(TEXTS).score("THE DOG SAT")


@pytest.mark.parametrize("name", ["words", "words_keys"])
def test_pickled_arrays_are_not_unpickled(good, name, tmp_path):
    evil = np.array([Runs(tmp_path / "canary")], object)
    np.savez(tmp_path / "words.npz", **{**good, name: evil})
    refused(tmp_path / "words.npz")
    assert not (tmp_path / "canary").exists()


def test_a_pickle_is_none(tmp_path):
    (tmp_path / "words.npz").write_bytes(pickle.dumps(Runs(tmp_path / "canary")))
    refused(tmp_path / "words.npz")
    np.save(tmp_path / "words.npy", np.array([Runs(tmp_path / "canary")], object))
    refused(tmp_path / "words.npy")
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize("size", [100_000_000, None])
def test_a_bomb_is_not_unpacked(good, size, tmp_path):
    """Whether it claims its size or only its array does."""
    zeros = np.zeros(size or 10, np.uint8)
    buffer = io.BytesIO()
    np.save(buffer, zeros)
    content = buffer.getvalue()
    if size is None:
        content = content.replace(b"(10,), }           ", b"(9000000000000,), }")
        assert b"9000000000000" in content
    with zipfile.ZipFile(tmp_path / "words.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in good.items():
            buffer = io.BytesIO()
            np.save(buffer, array)
            archive.writestr(f"{name}.npy", content if name == "words" else buffer.getvalue())
    refused(tmp_path / "words.npz")


def first(value):
    """Sets the first number of an array."""

    def change(array):
        array.ravel()[0] = value

    return change


def last(value):
    """Sets the last number of an array."""

    def change(array):
        array.ravel()[-1] = value

    return change


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("words_suffixes", last(1_000_000)),
        ("words_suffixes", last(20)),  # of itself: a walk to shorter n-grams would never end
        ("words_suffixes", first(0)),
        ("words_suffixes", first(-2)),
        ("letters_suffixes", first(0)),
        ("words_keys", first(-5)),
        ("words_keys", last(0)),
        ("words_keys", last(2**62)),
        ("words_size", first(0)),
        ("words_size", first(-1)),
        ("words_size", first(10**6)),
        ("words_size", first(5)),
        ("words_log_probabilities", last(np.nan)),
        ("words_log_backoffs", first(np.nan)),
        ("words", first(ord("\n"))),
        ("words", first(0xFF)),
        ("words", first(ord("Z"))),
        ("alphabet", first(ord("Z"))),
        ("order", first(0)),
        ("order", first(100)),
    ],
)
def test_numbers_that_make_no_language_model(good, name, change, tmp_path):
    changed = {key: array.copy() for key, array in good.items()}
    change(changed[name])
    assert not np.array_equal(changed[name], good[name], equal_nan=False)
    np.savez(tmp_path / "words.npz", **changed)
    refused(tmp_path / "words.npz")


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("words_suffixes", lambda array: array[:-1]),
        ("words_log_backoffs", lambda array: array[None]),
        ("words_keys", lambda array: array.astype(str)),
        ("words_keys", lambda array: array.astype("c16")),
        ("words_keys", lambda array: array.astype([("a", "i8")])),
        ("words_size", lambda array: np.array([7, 7])),
    ],
)
def test_arrays_of_another_shape_or_type(good, name, make, tmp_path):
    np.savez(tmp_path / "words.npz", **{**good, name: make(good[name])})
    refused(tmp_path / "words.npz")


@pytest.mark.parametrize("change", [{"extra": np.zeros(1)}, {"../words": np.zeros(1)}])
def test_members_that_do_not_belong(good, change, tmp_path):
    np.savez(tmp_path / "words.npz", **good, **change)
    refused(tmp_path / "words.npz")


def test_a_member_missing(good, tmp_path):
    np.savez(tmp_path / "words.npz", **{name: array for name, array in good.items() if name != "alphabet"})
    refused(tmp_path / "words.npz")
