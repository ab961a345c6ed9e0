"""The frame that all pages of this package share: one file, light and dark, read on a phone and on a screen."""

import importlib.resources
import string
from collections.abc import Iterable
from html import escape

from keras_stt.formats.lines import write_text


def write_page(path, title: str, sections: Iterable[str]) -> None:
    """Writes a page that needs no network and no other file.

    Args:
        path: the HTML file; an old one is replaced at once or not at all.
        title: plain text.
        sections: HTML, in order; empty ones are left out.

    Raises:
        InputError: the file cannot be written.
    """
    template = importlib.resources.files(__package__).joinpath("template.html").read_text(encoding="utf-8")
    body = "\n".join(filter(None, sections))
    write_text(path, string.Template(template).substitute(title=text(title), sections=body))


def section(title: str, content: str) -> str:
    """A headed part of the page; "" without content."""
    return f"<section>\n<h2>{title}</h2>\n{content}\n</section>" if content else ""


def text(value) -> str:
    """Anything from outside, safe between tags and in quoted attributes; file names may hold stray bytes."""
    return escape(str(value).encode("utf-8", "replace").decode())
