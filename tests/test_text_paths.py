"""Texts without audio: what the refiner reads of them."""

import numpy as np
import pytest
from rapidfuzz.distance import LCSseq

from keras_stt.data.text_paths import TextPaths, read_texts
from keras_stt.errors import InputError
from keras_stt.tokens import learn_tokens

TEXTS = ["THE CAT SAT", "A BALL ROLLED DOWN THE HILL", "WELL", "SHE SELLS SEA SHELLS"] * 20
TOKENS = learn_tokens("characters", None, TEXTS)


def paths(**changes) -> TextPaths:
    return TextPaths(
        **{"texts": TEXTS, "tokens": TOKENS, "batch_steps": 300, "steps_per_token": 1.7, "seed": 3} | changes
    )


def test_a_step_is_the_same_whenever_it_is_read():
    first, again = paths(), paths()
    again[0]
    for name, values in first[5][0].items():
        np.testing.assert_array_equal(values, again[5][0][name])
    assert not np.array_equal(first[5][1], first[6][1])


def test_every_text_is_read_once_an_epoch():
    texts = [f"{a}{b}" for a in "ABCDEFGHIJ" for b in "KLMNOPQRST"]
    tokens = learn_tokens("characters", None, texts)
    some = paths(texts=texts, tokens=tokens, batch_steps=17)
    read = [tokens.decode(ids) for step in range(64) for ids in some[step][1]]
    assert len(read) == 64 * some.rows
    counts = [read.count(text) for text in texts]
    assert max(counts) - min(counts) <= 1


def test_paths_leave_room_for_what_they_ask():
    some = paths()
    for step in range(10):
        inputs, ids = some[step]
        for steps, row in zip(inputs["text_steps"], ids, strict=True):
            said = row[row > 0]
            assert steps >= len(said) + np.sum(said[1:] == said[:-1])


def test_what_is_shown_is_mostly_right_and_in_order():
    some = paths()
    right = shown = 0
    for step in range(30):
        inputs, ids = some[step]
        for path, row in zip(inputs["text_path"], ids, strict=True):
            seen = path[path != TOKENS.mask_id].tolist()
            right += LCSseq.similarity(seen, row[row > 0].tolist())
            shown += len(seen)
    assert 0.75 < right / shown < 0.999


def test_between_none_and_all_tokens_are_shown():
    some = paths(
        texts=["ABCDEFGHIJKLMNOPQRSTUVWXYZ" * 4] * 50,
        tokens=learn_tokens("characters", None, ["ABCDEFGHIJKLMNOPQRSTUVWXYZ"]),
    )
    shares = []
    for step in range(40):
        inputs, ids = some[step]
        shares += ((inputs["text_path"] != some.tokens.mask_id).sum(axis=1) / (ids > 0).sum(axis=1)).tolist()
    deciles = np.histogram(np.clip(shares, 0, 1), bins=5, range=(0, 1))[0] / len(shares)
    assert deciles.min() > 0.1


def test_lines_of_librispeech_lose_their_ids(tmp_path):
    file = tmp_path / "some.trans.txt"
    file.write_text("1-2-3 HELLO THERE\n1-2-4 it's me\n", encoding="utf-8")
    assert read_texts(str(file)) == ["HELLO THERE", "IT'S ME"]


@pytest.mark.parametrize("content", [None, "", "...\n"])
def test_no_text_is_one_clear_line(tmp_path, content):
    file = tmp_path / "text.txt"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match="text.txt"):
        read_texts(str(file))
