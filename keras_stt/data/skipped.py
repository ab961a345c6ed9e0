"""What was left out: how many records by reason, and where they are."""

from collections import Counter

LISTED = 100_000  # most records that are listed, besides the first of each reason; all are counted
# What flags or a transcript file ask to be left out is counted and listed like the rest, but is nothing wrong.
TIMES_UNKNOWN = "word times unknown"  # of --train_known_times
NOT_SCORED = "ignored in scoring"  # of STM files
ASKED_FOR = frozenset((TIMES_UNKNOWN, NOT_SCORED))


class Skipped:
    """Records that were left out.

    Attributes:
        counts: how many, by reason.
        rows: reason and place of each, as far as they are listed.
        examples: the first place for each reason.
    """

    def __init__(self):
        self.counts: Counter = Counter()
        self.rows: list[tuple[str, str]] = []
        self.examples: dict[str, str] = {}

    def add(self, reason: str, where: str) -> None:
        """Counts and lists one record; `where` names it, its line or its file."""
        self.counts[reason] += 1
        self._list(reason, where)

    def include(self, *sources) -> "Skipped":
        """Takes over what each source has in its attributes `skipped`, counts, and `skipped_rows`, as far as it has."""
        for source in sources:
            self.counts.update(getattr(source, "skipped", {}))
            for reason, where in getattr(source, "skipped_rows", ()):
                self._list(reason, where)
        return self

    def clear(self) -> None:
        for part in (self.counts, self.rows, self.examples):
            part.clear()

    def _list(self, reason: str, where: str) -> None:
        if len(self.rows) < LISTED or reason not in self.examples:
            self.rows.append((reason, where))
        self.examples.setdefault(reason, where)
