"""The report: one safe file that stands alone, says what the run reached, and survives what a run may lack."""

import base64
import hashlib
import re
import sys
from html.parser import HTMLParser

import pytest

from keras_stt.errors import InputError
from keras_stt.report import UtteranceResult as Result
from keras_stt.report import write_report

EVIL = "<script>alert('\"x\"')</script>"
VOID = {"meta", "link", "img", "br", "hr", "input"}


class Page(HTMLParser):
    """The elements of a page with their attributes, its text, and whether every element is closed in turn."""

    def __init__(self, source: str):
        super().__init__()
        self.elements, self.attributes, self.pieces, self.open = [], [], [], []
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.pieces.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.pieces).split())


SUMMARY = {
    "task": "window",
    "dataset": "librispeech",
    "backend": "jax",
    "parameters": 1_234_567,
    "train_seconds": 11_532.7,
    "test_wer": 0.1239,
    "test_wer_interval": [0.11, 0.142],
    "test_cer": 0.05,
    "loss": 0.9,
    "unigram_loss": 6.02,
    "skipped_records": {"no words": 12},
    "versions": {"keras": "3.15.0"},
}
HISTORY = [
    {"epoch": 1, "loss": 5.5, "tokens_loss": 5.0, "dev_wer": 0.9, "dev_wer_with_sil": 0.7},
    {"epoch": 2, "loss": 3.0, "tokens_loss": 2.5, "dev_wer": None},
    {"epoch": 3, "loss": 1.5, "tokens_loss": 1.0, "dev_wer": 0.3, "dev_wer_with_sil": 0.2},
]


def results(count: int) -> list[Result]:
    """Twenty words each; the i-th has i of them wrong."""
    words = [f"W{i}" for i in range(20)]
    return [
        Result(f"utt-{i:02d}", f"s{i % 2}", 6.0, " ".join(words), " ".join(["X"] * i + words[i:])) for i in range(count)
    ]


def written(tmp_path, summary=SUMMARY, history=HISTORY, results=(), **options) -> str:
    path = tmp_path / "report.html"
    write_report(path, summary, history, results, **options)
    return path.read_text(encoding="utf-8")


def test_headline_says_what_was_reached(tmp_path):
    text = Page(written(tmp_path, results=results(4), notes=["Mind the gap."])).text
    assert "12.4 % test WER About 12 word errors for every 100 words spoken." in text
    assert re.search(r"lies between\s+11.0 %\s+and\s+14.2 %", text)
    assert "4 utterances of 2 speakers with 80 words: 6 substituted, 0 missed, 0 added" in text
    assert "Mind the gap." in text
    assert "1,234,567" in text
    assert "3 h 12 min" in text
    assert "unigram guess (" not in text


def test_a_model_no_better_than_word_frequencies_is_called_out(tmp_path):
    history = [{"epoch": 1, "loss": 9.0, "tokens_loss": 6.3}]
    assert "The loss on tokens (6.30) is not below that of the unigram guess (6.02)" in written(
        tmp_path, history=history
    )


def test_nothing_from_outside_becomes_markup(tmp_path):
    summary = {
        **SUMMARY,
        "task": EVIL,
        "backend": EVIL,
        EVIL: EVIL,
        "skipped_records": {EVIL: 1},
        "versions": {EVIL: EVIL},
    }
    evil = [Result(EVIL, EVIL, 1.0, EVIL, "B"), Result("u", "s", 1.0, "A", EVIL), Result("v", "s", 1.0, EVIL, "")]
    source = written(tmp_path, summary, results=evil, flags={EVIL: [EVIL]}, notes=[EVIL])
    page = Page(source)
    assert "script" not in page.elements
    assert page.text.count(EVIL) == 22  # all of them, and as text
    assert not [name for name, _ in page.attributes if name.startswith("on")]


def test_file_names_with_stray_bytes_and_dollars_are_written(tmp_path):
    name = b"caf\xe9 $title.flac".decode("utf-8", "surrogateescape")
    assert "caf? $title.flac" in written(tmp_path, flags={"data_dir": name})


def test_page_stands_alone(tmp_path):
    source = written(tmp_path, results=results(20))
    page = Page(source)
    assert not {"link", "img", "image", "iframe", "object", "script"} & set(page.elements)
    assert not [value for name, value in page.attributes if name in ("href", "src")]
    assert all(value.startswith("#") for name, value in page.attributes if name == "xlink:href")
    assert all(target.startswith("#") for target in re.findall(r"url\((.)", source))
    assert "@import" not in source
    assert "prefers-color-scheme: dark" in source


def test_equal_arguments_give_equal_bytes_and_the_file_is_replaced_whole(tmp_path):
    first = written(tmp_path, results=results(20))
    assert written(tmp_path, results=results(20)[::-1]) == first
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    with pytest.raises(InputError, match="check its folder"):
        write_report(tmp_path / "nowhere" / "report.html", SUMMARY, HISTORY, [])


def test_ids_are_unique(tmp_path):
    ids = [value for name, value in Page(written(tmp_path)).attributes if name == "id"]
    assert ids
    assert len(ids) == len(set(ids))


def test_best_median_and_worst_utterances(tmp_path):
    source = written(tmp_path, results=results(19))
    assert re.findall(r"<h3>(\w+)</h3>", source) == ["Best", "Median", "Worst"]
    shown = [int(number) for number in re.findall(r"<bdi>utt-(\d+)", source)]
    assert shown == [0, 1, 2, 3, 4, 7, 8, 9, 10, 11, 18, 17, 16, 15, 14]
    few = written(tmp_path, results=results(15))
    assert re.findall(r"<bdi>utt-(\d+)", few) == [f"{i:02d}" for i in range(15)]


def test_of_equal_rates_the_longer_utterance_is_shown_first(tmp_path):
    short, long = Result("short", "s", 1.0, "A", "A"), Result("long", "s", 1.0, "A B", "A B")
    source = written(tmp_path, results=[short, long])
    assert source.index("long") < source.index("short")


def test_words_are_aligned_and_errors_marked_without_colour(tmp_path):
    source = written(tmp_path, results=[Result("u", "s", 1.0, "A B C D E F", "A X C E F G")])
    pairs = source[source.index('<div class="words"') :]
    pairs = Page(pairs[: pairs.index("</div>") + 6]).text
    assert pairs == "A A B X S C C D – D E E F F – G I"
    assert "<del>D</del>" in source
    assert "<ins>G</ins>" in source


def test_speakers_worst_first_and_folded_when_many(tmp_path):
    source = written(tmp_path, results=[Result("u", "good", 30.0, "A B", "A B"), Result("v", "bad", 30.0, "A B", "A")])
    speakers = source[: source.index("WER by length")]
    assert re.findall(r"<th scope=row><bdi>(\w+)", speakers) == ["bad", "good"]
    assert "<details>" not in source
    many = [Result(f"u{i}", f"s{i}", 1.0, "A", "A") for i in range(21)]
    assert "21 speakers, worst first" in written(tmp_path, results=many)


def test_tables_hold_all_values(tmp_path):
    text = Page(written(tmp_path, flags={"mask_rate": 0.25, "empty": None})).text
    assert "versions.keras 3.15.0" in text
    assert "test_wer_interval 0.11, 0.142" in text
    assert "no words 12" in text
    assert "mask_rate 0.25" in text
    assert "model_dim 256" in Page(written(tmp_path, {"flags": {"model_dim": 256}})).text


def test_a_run_with_nothing_to_tell(tmp_path):
    page = Page(written(tmp_path, {}, []))
    assert "No test WER" in page.text
    assert "svg" not in page.elements


def test_silent_utterances_and_infinite_rates(tmp_path):
    silent = [Result("u", "", 1.0, "", "GHOST"), Result("v", None, 1.0, "", "")]
    text = Page(written(tmp_path, {"test_wer_interval": [0.0, float("inf")]}, [], silent)).text
    assert "No test WER" in text
    assert "no words said · u" in text
    assert "nothing said, nothing heard" in text
    assert "unknown" in text
    assert "between" not in text


def test_a_collapse_is_said_at_the_top(tmp_path):
    collapse = {"warning": "91 % of predictions are THE.", "kl": 2.5, "collapsed": True}
    source = written(tmp_path, {**SUMMARY, "collapse": collapse})
    assert source.index("91 % of predictions are THE.") < source.index("<dl class=facts>")
    assert "collapse.kl 2.5" in Page(source).text
    assert "<ul class=notes>" not in written(tmp_path, {**SUMMARY, "collapse": {"warning": None}})


def test_matplotlib_is_imported_by_plots_alone(monkeypatch, tmp_path):
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert "12.4 % test WER" in written(tmp_path, history=[])


def test_a_run_on_utterances_speaks_of_no_windows_and_of_no_guess(tmp_path):
    history = [
        {"epoch": i, "loss": 3.0 / i, "draft_loss": 2.0 / i, "dev_wer": 0.9 / i, "dev_wer_draft": 1.0 / i}
        for i in (1, 2)
    ]
    summary = {"view": "utterance", "test_wer": 0.5, "test_wer_draft": 0.55, "dev_wer": 0.45}
    page = written(tmp_path, summary, history)
    assert "Test WER of drafts" in page
    assert "55.0 %" in page
    assert "of the draft" in page
    assert "window" not in page.lower()
    assert "dashed" not in page


def test_cards_stand_after_learning_with_their_styles_and_the_only_script_that_may_run(tmp_path):
    script = "document.title = '$1';"
    source = written(tmp_path, results=results(4), cards="<section>CARD</section>", styles=".card{}", script=script)
    assert source.index("<h2>Learning") < source.index("CARD") < source.index("<h2>WER by speaker")
    assert "<h2>Test utterances" not in source
    assert source.index(".card{}") < source.index("</style>")
    hashed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = (value for name, value in Page(source).attributes if name == "content" and "default-src" in value)
    assert f"script-src 'sha256-{hashed}'; img-src data: blob:; media-src data: blob:" in policy
    assert f"<script>{script}</script>" in source
