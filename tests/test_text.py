"""What becomes of a transcript: words as LibriSpeech writes them, and their ids."""

import json

import numpy as np
import pytest

from keras_stt.errors import InputError
from keras_stt.text import Vocabulary, normalize, split_words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("MRS RACHEL LYNDE'S HOLLOW", "MRS RACHEL LYNDE'S HOLLOW"),
        ("  Hello,\tworld!\n", "HELLO WORLD"),
        ("don\u2019t", "DON'T"),
        ("l\u02bceau \u2018tis rock \uff07n\uff07 roll", "L'EAU 'TIS ROCK 'N' ROLL"),
        ("the boys' caps", "THE BOYS' CAPS"),
        ("''quoted'' - ' -", "QUOTED"),
        ("well-known e.g. 3,5", "WELL KNOWN E G 3 5"),
        ("Ｆｕｌｌ ﬁsh ½", "FULL FISH 1 2"),
        ("straße Ångström Cafe\u0301", "STRASSE ÅNGSTRÖM CAFÉ"),
        ("Привет, мир", "ПРИВЕТ МИР"),
        ("हिन्दी में", "हिन्दी में"),
        ("你好,世界", "你好 世界"),
        ("", ""),
        ("... --- ...", ""),
    ],
)
def test_normalize(text, expected):
    assert normalize(text) == expected
    assert normalize(normalize(text)) == expected


def test_split_words():
    assert split_words(normalize("One,  two.")) == ["ONE", "TWO"]
    assert split_words("") == []


def test_vocabulary_orders_by_frequency_then_alphabet():
    vocabulary = Vocabulary.from_counts({"B": 2, "A": 2, "THE": 9, "RARE": 1})
    assert vocabulary.words == ["THE", "A", "B", "RARE"]
    assert vocabulary.to_list()[:5] == ["<pad>", "<mask>", "<unk>", "<sil>", "THE"]
    assert (vocabulary.pad_id, vocabulary.mask_id, vocabulary.unk_id, vocabulary.sil_id) == (0, 1, 2, 3)
    assert len(vocabulary) == 8


def test_every_special_token_either_fills_or_is_never_said():
    assert {*Vocabulary.fill_ids, *Vocabulary.unsaid_ids} == set(range(4))
    assert Vocabulary([]).decode(Vocabulary.fill_ids) == ["<pad>", "<sil>"]


def test_vocabulary_is_cut_by_size_and_by_count():
    counts = {"A": 3, "B": 2, "C": 1}
    assert Vocabulary.from_counts(counts, max_size=6).words == ["A", "B"]
    assert Vocabulary.from_counts(counts, min_count=2).words == ["A", "B"]
    with pytest.raises(InputError, match="at least 5"):
        Vocabulary.from_counts(counts, max_size=4)


def test_encode_and_decode():
    vocabulary = Vocabulary(["ONE", "TWO"])
    ids = vocabulary.encode(["TWO", "THREE", "ONE", "<sil>"])
    assert ids.dtype == np.int32
    assert ids.tolist() == [5, 2, 4, 3]
    assert vocabulary.decode(ids) == ["TWO", "<unk>", "ONE", "<sil>"]
    assert vocabulary.encode([]).shape == (0,)
    for outside in (-1, 6):
        with pytest.raises(IndexError):
            vocabulary.decode([outside])


def test_vocabulary_survives_json():
    vocabulary = Vocabulary.from_counts({"ÉTÉ": 1, "IT'S": 2})
    assert Vocabulary.from_list(json.loads(json.dumps(vocabulary.to_list()))) == vocabulary


def test_special_tokens_are_never_words():
    assert Vocabulary.from_counts({"<unk>": 5, "A": 1}).words == ["A"]
    with pytest.raises(InputError, match="twice"):
        Vocabulary(["A", "A"])
    with pytest.raises(InputError, match="must begin with <pad>"):
        Vocabulary.from_list(["A", "B"])
