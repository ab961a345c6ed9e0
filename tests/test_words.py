"""Word analysis: figures against ones computed by hand, and what the command reads, prints and writes."""

import json
import math

import numpy as np
import pytest
import soundfile

from keras_stt.cli.main import main
from keras_stt.cli.words import texts_of
from keras_stt.words import (
    START,
    BigramModel,
    UnigramModel,
    analyze,
    constant_guess_error,
    count_words,
    cross_entropy,
    entropy,
    exponential_fit,
    fit_ranks,
    frequency_table,
    zipf_fit,
)

# Small enough to count by hand: A 3, B 1, C 1; pairs <s>A 2, AB 1, AC 1, BA 1.
TEXT = count_words([["A", "B", "A"], [], ["A", "C"]])
UNKNOWN = "X"


def test_what_is_counted():
    assert (TEXT.words, TEXT.total, TEXT.utterances) == ({"A": 3, "B": 1, "C": 1}, 5, 2)
    assert TEXT.followers == {START: {"A": 2}, "A": {"B": 1, "C": 1}, "B": {"A": 1}}


def test_the_table_is_in_the_order_of_the_vocabulary():
    table = frequency_table(count_words([["C", "A", "B", "A"]]))
    assert table == [(1, "A", 2, 0.5, 0.5), (2, "B", 1, 0.25, 0.75), (3, "C", 1, 0.25, 1.0)]


def test_unigram_probabilities():
    model = UnigramModel(TEXT.words)
    assert model.probability(UNKNOWN) == pytest.approx(2.5 / 6)  # two words seen once, and a half
    assert model.probability("A") == pytest.approx(3.5 / 6 * 3 / 5)


def test_bigram_probabilities():
    model = BigramModel(TEXT)
    assert model.discount == pytest.approx(3 / (3 + 2 * 1))  # three pairs seen once, one seen twice
    # A was seen after two words, B and C after one: 1/4, 1/8, 1/8, and 1/2 for the unknown.
    assert model.probability("B", "A") == pytest.approx(0.4 / 2 + 0.6 * 1 / 8)
    assert model.probability("A", "A") == pytest.approx(0.6 * 1 / 4)
    assert model.probability(UNKNOWN, "A") == pytest.approx(0.6 * 1 / 2)
    assert model.probability("A", START) == pytest.approx(1.4 / 2 + 0.3 * 1 / 4)
    assert model.probability("C", UNKNOWN) == pytest.approx(1 / 8)


@pytest.mark.parametrize("previous", [START, "A", "B", "C", UNKNOWN])
def test_probabilities_sum_to_one(previous):
    for model in (UnigramModel(TEXT.words), BigramModel(TEXT)):
        assert sum(model.probability(word, previous) for word in ("A", "B", "C", UNKNOWN)) == pytest.approx(1)


def test_cross_entropy_counts_unknown_words_as_one():
    held_out = count_words([["A", UNKNOWN]])
    unigram = cross_entropy(UnigramModel(TEXT.words), held_out)
    assert unigram.known_nats == pytest.approx(-math.log(0.35))
    assert unigram.nats == pytest.approx(-(math.log(0.35) + math.log(2.5 / 6)) / 2)
    assert unigram.bits == pytest.approx(-(math.log2(0.35) + math.log2(2.5 / 6)) / 2)
    assert unigram.perplexity == pytest.approx((0.35 * 2.5 / 6) ** -0.5)
    bigram = cross_entropy(BigramModel(TEXT), held_out)
    assert bigram.nats == pytest.approx(-(math.log(0.775) + math.log(0.3)) / 2)


def test_a_text_of_unknown_words_alone_has_a_cross_entropy():
    held_out = count_words([[UNKNOWN, UNKNOWN]])
    for model in (UnigramModel(TEXT.words), BigramModel(TEXT)):
        found = cross_entropy(model, held_out)
        assert found.known_nats is None
        assert math.isfinite(found.nats)


def test_words_in_a_fixed_order_are_foreseen_by_pairs_alone():
    text = count_words([list("ABCD")] * 50)
    assert cross_entropy(UnigramModel(text.words), text).nats == pytest.approx(math.log(4), abs=0.01)
    assert cross_entropy(BigramModel(text), text).nats < 0.02


def test_entropy_of_equal_chances():
    assert entropy({"A": 7, "B": 7, "C": 7, "D": 7}) == pytest.approx(math.log(4))


def test_the_commonest_word_everywhere():
    assert constant_guess_error("A", TEXT) == pytest.approx(2 / 5)
    assert constant_guess_error(UNKNOWN, TEXT) == 1


def test_each_law_fits_its_own_distribution():
    ranks = np.arange(1, 2001)
    zipf = zipf_fit(1e6 * ranks**-1.1)
    assert (zipf.slope, zipf.r_squared) == pytest.approx((-1.1, 1))
    assert math.exp(zipf.intercept) == pytest.approx(1e6)
    assert exponential_fit(1e6 * ranks**-1.1).r_squared < 0.7
    exponential = exponential_fit(1e6 * np.exp(-ranks / 300))
    assert (exponential.slope, exponential.r_squared) == pytest.approx((-1 / 300, 1))
    assert zipf_fit(1e6 * np.exp(-ranks / 300)).r_squared < 0.7


@pytest.mark.parametrize("frequencies", [[5], [5, 1], [7, 7, 7, 7], [7, 6, 5, 4]])
def test_no_law_where_any_would_fit(frequencies):
    assert zipf_fit(frequencies) is None
    assert exponential_fit(frequencies) is None


def test_ranks_of_the_fit_reach_from_first_to_last_word():
    assert fit_ranks(5).tolist() == [1, 2, 3, 4, 5]
    ranks = fit_ranks(10_000)
    assert (ranks[0], ranks[-1]) == (1, 10_000)
    assert 0 < len(ranks) - np.searchsorted(ranks, 1000) <= 22  # rare words do not outvote the others


def test_all_figures_of_a_text():
    held_out = {"dev": count_words([["A", "B", UNKNOWN, "C"]])}
    figures = analyze(TEXT, held_out, vocabulary_sizes=[6, 5, 7, 900])
    assert (figures["words"], figures["distinct_words"], figures["utterances"]) == (5, 3, 2)
    assert figures["type_token_ratio"] == pytest.approx(3 / 5)
    assert figures["seen_once_of_distinct"] == pytest.approx(2 / 3)
    assert figures["seen_once_of_words"] == pytest.approx(2 / 5)
    assert (figures["commonest_word"], figures["constant_guess_wer"]) == ("A", pytest.approx(2 / 5))
    assert figures["uniform_nats"] == pytest.approx(math.log(3))
    dev = figures["held_out"]["dev"]
    # Four tokens are special: 5 leaves room for A, 6 for A and B, and 7 holds all words.
    assert dev["unknown_share"] == {"5": 3 / 4, "6": 2 / 4, "7": 1 / 4}
    assert dev["constant_guess_wer"] == pytest.approx(3 / 4)
    assert dev["unigram"]["nats"] == cross_entropy(UnigramModel(TEXT.words), held_out["dev"]).nats
    json.dumps(figures, allow_nan=False)


def test_identifiers_are_no_words(tmp_path):
    path = tmp_path / "text"
    path.write_text("103-1240-0000 CHAPTER ONE\n\n103-1240-0001 THAT\n103-1240-0002\n")
    assert list(texts_of(path)) == ["CHAPTER ONE", "THAT", ""]
    path.write_text("forty-2 is one\nbut not every line begins so\n")
    assert list(texts_of(path)) == ["forty-2 is one", "but not every line begins so"]


@pytest.fixture
def texts(tmp_path):
    """A text with identifiers and one without: THE 4, CAT 2, DOG 1; then THE 1, FOX 1."""
    (tmp_path / "1-2.trans.txt").write_text("1-2-0000 THE CAT THE DOG\n1-2-0001 THE CAT THE\n")
    (tmp_path / "dev.txt").write_text("the fox.\n")
    return tmp_path / "1-2.trans.txt", tmp_path / "dev.txt"


def test_text_files(texts, tmp_path, capsys):
    text, held_out = map(str, texts)
    output = tmp_path / "out" / "words"
    assert main(["words", "--text", text, "--held_out", held_out, "--top=2", "--output_dir", str(output)]) == 0
    captured = capsys.readouterr()
    assert "7 words in 2 utterances, 3 distinct" in captured.out
    assert "57.14%   57.14%  THE" in captured.out
    assert "CAT" in captured.out
    assert "DOG" not in captured.out
    assert "always THE, one word in every slot: WER 42.86%" in captured.out
    assert "always THE: WER 50.00%" in captured.out
    assert captured.err == ""

    lines = (output / "words.tsv").read_text().splitlines()
    assert lines[0].split("\t") == ["rank", "word", "count", "share", "cumulative_share"]
    assert [line.split("\t")[1:3] for line in lines[1:]] == [["THE", "4"], ["CAT", "2"], ["DOG", "1"]]
    figures = json.loads((output / "words.json").read_text())
    assert figures["text"] == "1-2.trans.txt"
    assert figures["held_out"]["held-out text"]["unknown_share"] == {"7": 0.5}
    assert (output / "zipf.png").read_bytes().startswith(b"\x89PNG")


def test_without_held_out_text_no_cross_entropy_is_claimed(texts, capsys):
    assert main(["words", "--text", str(texts[0])]) == 0
    printed = capsys.readouterr().out
    assert "no held-out text" in printed
    assert "perplexity" not in printed


def test_equally_common_words_are_plotted_without_a_law(tmp_path, capsys):
    (tmp_path / "digits.txt").write_text("one two three four\n")
    assert main(["words", "--text", str(tmp_path / "digits.txt"), "--output_dir", str(tmp_path)]) == 0
    assert "no law of frequency fitted" in capsys.readouterr().out
    assert (tmp_path / "zipf.png").stat().st_size > 1000


def test_the_splits_of_a_corpus(tmp_path, capsys):
    lines = {"train-clean-100": "THE CAT", "dev-clean": "THE DOG", "test-clean": "A CAT"}
    for speaker, (subset, line) in enumerate(lines.items(), start=1):
        folder = tmp_path / subset / str(speaker) / "5"
        folder.mkdir(parents=True)
        soundfile.write(folder / f"{speaker}-5-0000.flac", np.zeros(1600), 16_000)
        (folder / f"{speaker}-5.trans.txt").write_text(f"{speaker}-5-0000 {line}\n{speaker}-5-0001 NO AUDIO\n")
    arguments = ["words", "librispeech_folder", f"--data_dir={tmp_path}", f"--output_dir={tmp_path}"]
    assert main(arguments) == 0
    captured = capsys.readouterr()
    assert "librispeech_folder train: 2 words" in captured.out
    assert "1 records skipped: 1 no audio file" in captured.err
    figures = json.loads((tmp_path / "words.json").read_text())
    assert {split: held_out["unknown_share"] for split, held_out in figures["held_out"].items()} == {
        "dev": {"6": 0.5},
        "test": {"6": 0.5},
    }
    assert main([*arguments, "--split=dev"]) == 0
    assert list(json.loads((tmp_path / "words.json").read_text())["held_out"]) == ["test"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--text: give either"),
        (["synthetic", "--text", "TEXT"], "--text: give either"),
        (["synthetic", "--held_out", "TEXT"], "--held_out: goes with --text"),
        (["sinthetic"], "did you mean synthetic?"),
        (["--text", "missing.txt"], "missing.txt: cannot be read"),
        (["--text", "BLANK"], "--text: no word in"),
        (["--text", "TEXT", "--held_out", "BLANK"], "--held_out: no word in"),
        (["--text", "TEXT", "--vocabulary_sizes", "4"], "--vocabulary_sizes: 4 leaves no room"),
        (["--text", "TEXT", "--top=-1"], "--top: -1 words"),
        (["--text", "TEXT", "--output_dir", "TEXT"], "--output_dir: "),
    ],
)
def test_bad_input_is_told_in_one_line(arguments, words, texts, tmp_path, capsys):
    (tmp_path / "blank.txt").write_text("\n ...\n")
    places = {"TEXT": str(texts[0]), "BLANK": str(tmp_path / "blank.txt")}
    assert main(["words", *(places.get(argument, argument) for argument in arguments)]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


@pytest.mark.data
def test_english_follows_zipf(real_data, tmp_path):
    place = f"--data_dir={real_data / 'librispeech'}"
    assert main(["words", "librispeech_folder", place, f"--output_dir={tmp_path}"]) == 0
    figures = json.loads((tmp_path / "words.json").read_text())
    assert figures["commonest_word"] == "THE"
    assert figures["zipf"]["slope"] == pytest.approx(-1, abs=0.15)
    assert figures["zipf"]["r_squared"] > 0.95 > figures["exponential"]["r_squared"]
    for held_out in figures["held_out"].values():
        assert held_out["bigram"]["nats"] < held_out["unigram"]["nats"] < figures["uniform_nats"]
