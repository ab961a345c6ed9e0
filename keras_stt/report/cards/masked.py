"""What was hidden from the model and what it guessed, pass by pass."""

from keras_stt.evidence.example import Example, MaskedText, Slot
from keras_stt.report.page import table, text

_LEAST = 0.005  # of a probability, to be shown as a percentage
_KEY = (
    '<p class="quiet">In each pass the upper line is what the model read, '
    '<span class="hidden">hidden</span> words in hatched boxes; the lower what it said in their place, with its '
    "probability; – is nothing. Point at a guess, or open the table, for the next likeliest.</p>"
)


def masked_view(example: Example) -> str:
    """The slots of every pass side by side, and all guesses as a table."""
    shown = [part for masked in example.masked if masked.passes for part in _text(masked)]
    return f'{_KEY}<p class="quiet">{text(example.masked_note)}</p>{"".join(shown)}{_table(example.masked)}'


def _text(masked: MaskedText):
    if masked.title:
        yield f"<h4>{text(masked.title)}</h4>"
    if masked.truth:
        words = " ".join(f"<bdi>{text(word)}</bdi>" for word in masked.truth)
        yield f'<p class="quiet">Said: {words}</p>'
    for number, slots in enumerate(masked.passes, start=1):
        yield f'<p class="pass"><b>Pass {number}</b>: {_counted(slots)}</p>'
        yield f'<div class="slots" dir="auto">{_words(slots, masked.truth)}</div>'


def _counted(slots: tuple[Slot, ...]) -> str:
    stood = [slot for slot in slots if slot.under]
    put_in, left_out = len(slots) - len(stood), sum(not slot.said for slot in slots)
    said = f"{sum(slot.hidden for slot in stood)} of {len(stood)} hidden"
    return said + (f", {put_in} put in" if put_in else "") + (f", {left_out} left out" if left_out else "")


def _words(slots: tuple[Slot, ...], truth: tuple[str, ...]) -> str:
    """Slots in groups of a word each."""
    groups: list[list[str]] = []
    for place, slot in enumerate(slots):
        if slot.starts_word or not groups:
            groups.append([])
        groups[-1].append(_slot(slot, truth[place] if truth else None))
    return "".join(f'<span class="group">{"".join(group)}</span>' for group in groups)


def _slot(slot: Slot, truth: str | None) -> str:
    under = f"<bdi>{text(slot.under)}</bdi>" if slot.under else "+"
    if not slot.under:
        above = '<span class="none" title="no token stood here">+</span>'
    elif slot.hidden:
        above = f'<span class="hidden" title="hidden">{under}</span>'
    else:
        above = f"<span>{under}</span>"
    said = f"<bdi>{text(slot.said)}</bdi>" if slot.said else '<span class="none" title="left out">–</span>'
    changed = slot.said != slot.under
    marked = slot.hidden or changed
    sureness = f"{slot.confidence:.0%}" if marked and slot.confidence is not None else "&nbsp;"
    right = "" if truth is None or not slot.hidden else (" right" if slot.said == truth else " wrong")
    mark = {" right": " ✓", " wrong": " ✗"}.get(right, "")
    return (
        f'<span class="slot{right}{" changed" if changed else ""}" title="{text(_told(slot))}">{above}{said}'
        f'<small>{sureness}{mark}</small></span>'
    )  # fmt: skip


def _told(slot: Slot) -> str:
    if slot.confidence is None:
        return "read and kept" if slot.said else "left out"
    return ", ".join([f"{slot.said} {slot.confidence:.0%}", *_others(slot)])


def _others(slot: Slot) -> list[str]:
    return [f"{other} {confidence:.0%}" for other, confidence in slot.others if (confidence or 0) >= _LEAST]


def _table(texts: tuple[MaskedText, ...]) -> str:
    rows = []
    for masked in texts:
        for number, slots in enumerate(masked.passes, start=1):
            name = f"{masked.title}, pass {number}" if masked.title else f"Pass {number}"
            rows += [_row(name, slot) for slot in slots if slot.hidden]
    content = table("Guesses", ("Pass", "#At, s", "Hidden", "Guessed", "#Sure", "Then"), rows)
    return f"<details><summary>{len(rows):,} guesses as a table</summary>{content}</details>"


def _row(name: str, slot: Slot) -> str:
    others = ", ".join(_others(slot))
    at = "" if slot.start is None else f"{slot.start:.2f}"
    sure = "" if slot.confidence is None else f"{slot.confidence:.0%}"
    under, said = slot.under or "nothing", slot.said or "nothing"
    words = "".join(f"<td><bdi>{text(word)}</bdi></td>" for word in (under, said))
    return (
        f"<th scope=row>{text(name)}</th><td class=number>{at}</td>{words}<td class=number>{sure}</td>"
        f"<td><bdi>{text(others)}</bdi></td>"
    )
