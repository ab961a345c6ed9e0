"""Records that a run does not use: listed for its user, and too many of them refused."""

import csv
import io
from collections import Counter
from pathlib import Path

from keras_stt.data.skipped import ASKED_FOR, LISTED, Skipped
from keras_stt.errors import FlagError
from keras_stt.formats.lines import write_text

FILE = "skipped.csv"


def skipped_counts(splits: dict) -> dict[str, int]:
    """By reason, of all splits."""
    return dict(Skipped().include(*splits.values()).counts)


def write_skipped(output: Path, splits: dict) -> None:
    """Writes `skipped.csv`, with the columns split, reason and where; of each split at most `LISTED` rows."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("split", "reason", "where"))
    for name, split in splits.items():
        writer.writerows((name, reason, _utf8(where)) for reason, where in split.skipped_rows[:LISTED])
    write_text(output / FILE, text.getvalue())


def _utf8(where: str) -> str:
    """File names may hold bytes that are no text."""
    return where.encode("utf-8", "backslashreplace").decode("utf-8")


def require_few_skipped(most: float, splits: dict, output: Path | None) -> None:
    """Raises FlagError where more than this share of the records of all splits cannot be used.

    What the user asked to be left out is not counted.
    """
    counts = _unasked(skipped_counts(splits))
    wrong = counts.total()
    found = sum(len(split.index) + _unasked(split.index.skipped).total() for split in splits.values())
    if wrong <= most * found:
        return
    by_reason = ", ".join(f"{count} {reason}" for reason, count in counts.most_common())
    listed = f"; {output / FILE} lists them" if output else ""
    raise FlagError(
        "max_skipped_share",
        f"{wrong} of {found} records cannot be used, {wrong / found:.0%} where {most:.0%} may be: {by_reason}{listed}",
    )


def _unasked(counts: dict[str, int]) -> Counter:
    return Counter({reason: count for reason, count in counts.items() if reason not in ASKED_FOR})
