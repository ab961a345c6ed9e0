"""Nothing that comes with a corpus, a flag or a run makes an element or an attribute of a page: it is all text."""

import copy
from html.parser import HTMLParser

import pytest
from test_report import Result

from keras_stt.report import write_report
from keras_stt.report.compare import markdown, write_page
from keras_stt.report.words import write_zipf_plot

HARMLESS = "harmless"
# One word each, so that texts of them have equally many words.
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img/src=x/onerror=alert(1)>',
    "'onmouseover='alert(1)'",
    '"onfocus="alert(1)"autofocus="',
    "</style><script>alert(1)</script>",
    "</title></p></table><iframe/src=x>",
    '</script><script>{"a":1}',
    "javascript:alert(1)",
    "<svg/onload=alert(1)>",
    "<!--",
    "--><b>",
    "<![CDATA[",
    "]]><b>",
    "&lt;b&gt;&#60;b&#62;&quot;",
    "${title}$sections$$",
    "$\\frac{$",
    "{0}{name}%s%(x)s",
    "\u202e<b>",
    "\x00<b>",
    "\x9b<b>\udce9",
]


class Skeleton(HTMLParser):
    """The elements of a page, their attributes by name, and comments: what it is, without what it says."""

    def __init__(self, source: str):
        super().__init__()
        self.parts, self.values, self.text = [], [], ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.parts.append((tag, *(name for name, _ in attrs)))
        self.values += [value or "" for name, value in attrs]

    def handle_endtag(self, tag):
        self.parts.append(f"/{tag}")

    def handle_comment(self, data):
        self.parts.append("comment")

    def handle_decl(self, decl):
        self.parts.append("declaration")

    def unknown_decl(self, data):
        self.parts.append("declaration")

    def handle_pi(self, data):
        self.parts.append("instruction")

    def handle_data(self, data):
        self.text += data


def report_of(path, text: str) -> str:
    """A report with this text in every field that can hold one."""
    summary = {
        "task": text,
        "dataset": text,
        "backend": text,
        "view": text,
        "test_wer": 0.5,
        "test_wer_interval": [0.4, 0.6],
        "loss": 2.0,
        "unigram_loss": 1.0,
        "collapse": {"warning": text},
        "skipped_records": {text: 3},
        "versions": {text: text},
        "export": {"format": text, text: [text, None, [text]]},
        text: text,
    }
    layer = text if text.isprintable() else HARMLESS  # layers have names of ours; fonts have no control characters
    history = [
        {"epoch": i, "loss": 3.0 - i / 2, "dev_wer": 0.9 - i / 10, f"gradient_norm/{layer}": 1.0 + i, text: text}
        for i in range(5)
    ]
    results = [  # no two of equal quality, else their ids would tell the order
        Result(text, text, 1.0, text, "B"),
        Result(f"{text} 2", "", 1.0, f"A {text}", text),
        Result("3", text, 1.0, f"{text} {text}", ""),
        Result("4", "s", 1.0, text, text),
        Result("5", f"{text} 5", 1.0, "A", f"{text} {text}"),
    ]
    write_report(path, summary, history, results, flags={text: [text], "data_dir": f"/{text}"}, notes=[text])
    return path.read_text(encoding="utf-8")


def comparison(text: str) -> dict:
    """The results of a comparison with this text in every field that can hold one."""
    spread = {"mean": 0.5, "values": [0.5], "low": 0.4, "high": 0.6}
    row = {
        "name": text,
        "flagfile": text,
        "description": text,
        "task": "transcribe",
        "seeds": [1, 2],
        "figures": {"test_wer": spread, "dev_wer": spread, "loss": spread},
        "test_wer_of": "whole utterances",
        "verdicts": [],
        "warnings": [{"seed": 1, "warning": text}],
        "failures": [{"seed": 2, "error": text}],
    }
    epochs = [{"epoch": i, "loss": 3.0 - i / 2, "wer": 0.9 - i / 10} for i in range(5)]
    return {
        "header": {
            "datasets": [text],
            "budget_cpu_s": 10,
            "seeds": 2,
            "extra_flags": [text],
            "versions": {text: text},
            "hardware": [{"cores": 2, "cpu": text, "parallel": 1}],
        },
        "experiments": [
            row,
            {**copy.deepcopy(row), "description": "", "task": text, "test_wer_of": text},
            {**copy.deepcopy(row), "figures": {}, "verdicts": [{"seed": 1, "verdict": text}]},
        ],
        "runs": [{"experiment": text, "task": "transcribe", "seed": 1, "epochs": epochs}],
        "loss_of_epochs": "dev_nats",
        "fits": [{"name": text, "formula": text, "r2": 0.5}],
    }


def comparison_of(path, text: str) -> str:
    write_page(path, comparison(text))
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """The skeletons of both pages with a harmless text."""
    folder = tmp_path_factory.mktemp("pages")
    pages = {make: Skeleton(make(folder / "page.html", HARMLESS)) for make in (report_of, comparison_of)}
    assert all(page.text.count(HARMLESS) > 15 for page in pages.values())
    return pages


@pytest.mark.parametrize("make", [report_of, comparison_of])
@pytest.mark.parametrize("text", HOSTILE)
def test_a_page_is_the_same_page_whatever_its_text(make, text, expected, tmp_path):
    page = Skeleton(make(tmp_path / "page.html", text))
    assert page.parts == expected[make].parts
    assert not {"script", "img", "iframe", "a", "object", "embed", "form", "base"} & {part[0] for part in page.parts}
    shown = text.encode("utf-8", "replace").decode().replace("\x00", "")
    assert page.text.replace("\x00", "").count(shown) >= expected[make].text.count(HARMLESS) - 1  # the layer
    assert not [value for value in page.values if "alert" in value or value.startswith("javascript")]


def test_a_page_says_itself_that_nothing_in_it_may_run(tmp_path):
    source = report_of(tmp_path / "page.html", HARMLESS)
    assert "content=\"default-src 'none'; style-src 'unsafe-inline'\"" in source


@pytest.mark.parametrize("text", [one for one in HOSTILE if "<" in one])
def test_the_markdown_of_a_comparison_has_no_html(text):
    assert "<" not in markdown(comparison(text)).replace("&lt;", "")


def test_words_and_titles_with_dollars_are_drawn(tmp_path):
    write_zipf_plot(tmp_path / "zipf.png", [("$\\frac{$", 5), ("B", 2), ("C", 1)], "Words of $\\frac{$.txt")
    assert (tmp_path / "zipf.png").read_bytes().startswith(b"\x89PNG")
