"""The site is built without a warning, every link and picture in it is there, and pages hold the measured figures."""

import html.parser
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlparse

import pytest

ROOT = Path(__file__).resolve().parent.parent
pytest.importorskip("sphinx", reason='sphinx is not installed: pip install -e ".[docs]"')


class Links(html.parser.HTMLParser):
    """Attributes: links and pictures of a page, and the places in it that links may lead to."""

    def __init__(self, page: Path):
        super().__init__()
        self.found, self.places = [], set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.places.add(attributes.get("id"))
        self.found += [attributes[name] for name in ("href", "src") if attributes.get(name)]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the built pages."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "-d", f"{folder}/trees"]
    offline = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")
    done = subprocess.run(
        [*command, str(ROOT / "docs"), f"{folder}/html"],
        capture_output=True, text=True, timeout=240, cwd=folder, env={**os.environ, **offline},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "html"


def test_every_page_is_built_and_nothing_else(site):
    sources = [path for path in (ROOT / "docs").iterdir() if path.suffix in (".md", ".ipynb")]
    pages = {path.stem for path in sources if not path.name.endswith(".in.md")}
    assert pages <= {path.stem for path in site.glob("*.html")}
    assert not list(site.glob("*.in.html")) + list(site.glob("cards/*"))


def test_every_link_leads_somewhere(site):
    pages = {path: Links(path) for path in site.glob("*.html")}
    broken = []
    for page, links in pages.items():
        for link in links.found:
            target, fragment = urldefrag(link)
            if urlparse(link).scheme:
                continue
            path = (page.parent / unquote(urlparse(target).path)).resolve() if target else page
            if not path.exists() or (fragment and path in pages and fragment not in pages[path].places):
                broken.append(f"{page.name}: {link}")
    assert not broken
    assert any("_images/choosing_masks.svg" in links.found for links in pages.values())


def test_nothing_is_asked_of_the_network_by_a_reader(site):
    """Scripts, styles, fonts and pictures come with the pages."""
    for page in site.glob("*.html"):
        fetched = re.findall(r'(?:src="|rel="stylesheet"[^>]*href=")https?:[^"]*', page.read_text(encoding="utf-8"))
        assert fetched == [], page.name


def test_the_tutorial_is_a_page_with_what_its_cells_printed(site):
    text = (site / "tutorial.html").read_text(encoding="utf-8")
    assert "warm start: 109 of 109 weights" in text
    assert "%%sh" not in text


def test_names_made_for_use_are_in_the_reference(site):
    import keras_stt
    from keras_stt.recognizer import UtteranceRecognizer

    text = (site / "api.html").read_text(encoding="utf-8")
    used = ["transcribe", "align", "fill", "score"]
    assert [name for name in keras_stt.__all__ if f"keras_stt.{name}" not in text and f">{name}<" not in text] == []
    assert all(hasattr(UtteranceRecognizer, name) for name in used)
    assert [name for name in used if f"UtteranceRecognizer.{name}" not in text] == []


def test_links_between_the_pages_hold_where_the_project_is_read_as_files():
    """README and docs as a forge shows them."""
    missing = []
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            path = urldefrag(link)[0]
            if path and not urlparse(link).scheme and not (page.parent / path).exists():
                missing.append(f"{page.name}: {link}")
    assert not missing


@pytest.mark.parametrize("name", ["masks", "positions", "losses", "parts", "passes"])
def test_the_pictures_of_choosing_are_of_the_results(benchmark, name):
    page = benchmark("choosing_page")
    assert (ROOT / f"docs/choosing_{name}.svg").read_text(encoding="utf-8") == page.PICTURES[name]() + "\n"


def test_the_page_of_choosing_holds_the_figures_of_the_results(benchmark):
    text = (ROOT / "docs/choosing.in.md").read_text(encoding="utf-8")
    assert benchmark("diary_page").filled(text) == (ROOT / "docs/choosing.md").read_text(encoding="utf-8")


def test_the_tutorial_keeps_texts_alone():
    for cell in json.loads((ROOT / "docs/tutorial.ipynb").read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            assert (output["output_type"], output["name"]) == ("stream", "stdout")
            assert not any(f"{os.sep}home{os.sep}" in line or str(ROOT) in line for line in output["text"])
