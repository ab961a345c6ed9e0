"""Phone times of TextGrids as labels of audio steps."""

import types

import numpy as np
import pytest

from keras_stt.data.phones import PhoneLabels
from keras_stt.errors import FlagError, InputError
from keras_stt.formats.textgrid import write_textgrid

PHONES = [(0.1, 0.2, "HH"), (0.2, 0.4, "AH0"), (0.4, 0.5, "spn"), (0.6, 0.7, "AH1")]
WORDS = [(0.1, 0.4, "huh"), (0.6, 0.7, "a")]


@pytest.fixture
def labels():
    filled = [(0.0, 0.1, ""), *PHONES[:3], (0.5, 0.6, "sil"), *PHONES[3:], (0.7, 1.0, "")]
    return PhoneLabels({3: filled})


def named(labels, row, seconds):
    return [None if i < 0 else labels.names[i] for i in labels.at(row, np.array(seconds)).tolist()]


def test_the_phone_at_every_time(labels):
    assert labels.names == ["sil", "AH", "HH"]
    times = [0.0, 0.099, 0.1, 0.15, 0.2, 0.39, 0.45, 0.55, 0.65, 0.75]
    assert named(labels, 3, times) == ["sil", "sil", "HH", "HH", "AH", "AH", None, "sil", "AH", "sil"]
    assert labels.at(3, np.array(times)).dtype == np.int32


def test_nothing_is_known_after_the_end_and_of_other_utterances(labels):
    assert named(labels, 3, [1.0, 5.0]) == [None, None]
    assert named(labels, 0, [0.15, 0.3]) == [None, None]
    assert labels.known == 1


def test_no_utterance_no_phones():
    labels = PhoneLabels({})
    assert (labels.names, labels.known) == ([], 0)


def index(*ids):
    return [types.SimpleNamespace(id=name) for name in ids]


def test_text_grids_are_found_by_the_record_in_any_folder(tmp_path):
    (tmp_path / "84" / "121").mkdir(parents=True)
    write_textgrid(tmp_path / "84" / "121" / "84-121-0.TextGrid", {"words": WORDS, "phones": PHONES}, 1.0)
    write_textgrid(tmp_path / "84-121-2.TextGrid", {"words": WORDS}, 1.0)
    write_textgrid(tmp_path / "b.TextGrid", {"anna - words": WORDS[:1], "anna - phones": PHONES[:1]}, 0.5)
    labels = PhoneLabels.read(index("84-121-0", "84-121-1", "84-121-2", "corpus/b"), str(tmp_path))
    assert labels.known == 2
    assert labels.names == ["sil", "AH", "HH"]
    assert named(labels, 0, [0.05, 0.15, 0.3, 0.65]) == ["sil", "HH", "AH", "AH"]
    assert named(labels, 2, [0.15]) == [None]
    assert named(labels, 3, [0.15, 0.3]) == ["HH", "sil"]


def test_wrong_input_is_one_line(tmp_path):
    with pytest.raises(FlagError, match="^--alignment_dir: no folder '/nowhere'"):
        PhoneLabels.read(index("a"), "/nowhere")
    with pytest.raises(FlagError, match="^--alignment_dir: "):
        PhoneLabels.read(index("a"), "")
    (tmp_path / "a.TextGrid").write_text('"ooTextFile" "Pitch"')
    with pytest.raises(InputError, match="not a TextGrid"):
        PhoneLabels.read(index("a"), str(tmp_path))
    assert PhoneLabels.read(index("b"), str(tmp_path)).names == []
