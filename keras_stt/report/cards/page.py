"""All cards of a run as one section of its report."""

import dataclasses
import importlib.resources

from keras_stt.evidence.choose import ALL, BEST, MEDIAN, WORST
from keras_stt.evidence.folder import read_examples
from keras_stt.report.cards.card import card
from keras_stt.report.page import section
from keras_stt.report.utterances import MARKS

_TITLES = {WORST: "Worst", MEDIAN: "Median", BEST: "Best", ALL: "All, worst first"}
_INTRODUCTION = (
    "<p class=quiet>Click a word, above or in the spectrogram, to hear it alone; click elsewhere in the spectrogram to "
    "play on from there. The upper words are what was said, the lower what was heard: "
    + " ".join(f'<span class="key {name}">{mark} {name}</span>' for name, mark in MARKS.values())
    + "</p>"
)


@dataclasses.dataclass(frozen=True)
class Cards:
    """HTML of a section of the page, and the CSS and JavaScript that it needs. All empty where there is nothing."""

    cards: str = ""
    styles: str = ""
    script: str = ""


def render(folder) -> Cards:
    """The cards of the utterances that a run left in a folder, sound and pictures within.

    Raises:
        InputError: a file of the folder cannot be read.
    """
    examples = read_examples(folder)
    if not examples:
        return Cards()
    parts, group = [_INTRODUCTION], None
    for number, (example, clip) in enumerate(examples, start=1):
        if example.group != group:
            group = example.group
            parts.append(f"<h3>{_TITLES.get(group, 'Utterances')}</h3>")
        parts.append(card(number, example, clip))
    return Cards(section("Test utterances", "\n".join(parts)), _file("cards.css"), _file("cards.js"))


def _file(name: str) -> str:
    return importlib.resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
