"""The frame that all pages of this package share: one file, light and dark, read on a phone and on a screen."""

import base64
import hashlib
import importlib.resources
import string
from collections.abc import Iterable, Sequence
from html import escape

from keras_stt.formats.lines import write_text

_MANY = 20  # rows
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def write_page(path, title: str, sections: Iterable[str], styles: str = "", script: str = "") -> None:
    """Writes a page that needs no network and no other file.

    Args:
        path: the HTML file; an old one is replaced at once or not at all.
        title: plain text.
        sections: HTML, in order; empty ones are left out.
        styles: CSS of the sections, after that of all pages.
        script: JavaScript of our own, run when the page is there; the only one that the page lets run. With one the
            page may also show images and play sounds that it has in itself (`data:` and `blob:`).

    Raises:
        InputError: the file cannot be written.
    """
    template = importlib.resources.files(__package__).joinpath("template.html").read_text(encoding="utf-8")
    body = "\n".join(filter(None, sections))
    page = string.Template(template).substitute(
        title=text(title),
        sections=body,
        policy=_policy(script),
        styles=styles,
        script=f"<script>{script}</script>\n" if script else "",
    )
    write_text(path, page)


def _policy(script: str) -> str:
    """What a browser may do with the page, whatever slipped into it."""
    if not script:
        return _POLICY
    known = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"{_POLICY}; script-src 'sha256-{known}'; img-src data: blob:; media-src data: blob:"


def section(title: str, content: str) -> str:
    """A headed part of the page; "" without content."""
    return f"<section>\n<h2>{title}</h2>\n{content}\n</section>" if content else ""


def folded(content: str, rows: int, summary: str) -> str:
    """A table of many rows, shown when its summary is clicked; one of few as it is."""
    return f"<details><summary>{summary}</summary>{content}</details>" if rows > _MANY else content


def table(label: str, head: Sequence[str], rows: Iterable[str]) -> str:
    """A table that, where it is wider than the page, scrolls in itself.

    Args:
        label: what it shows, for those who do not see it.
        head: the names of the columns, those of numbers with a `#` before.
        rows: the cells of each row, as HTML.
    """
    columns = "".join(
        f"<th scope=col{' class=number' if name.startswith('#') else ''}>{text(name.removeprefix('#'))}</th>"
        for name in head
    )
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return (
        f'<div class=scroll tabindex=0 role=region aria-label="{text(label)}"><table class=counts><thead><tr>{columns}'
        f"</tr></thead><tbody>{body}</tbody></table></div>"
    )


def text(value) -> str:
    """Anything from outside, safe between tags and in quoted attributes; file names may hold stray bytes."""
    return escape(str(value).encode("utf-8", "replace").decode())
