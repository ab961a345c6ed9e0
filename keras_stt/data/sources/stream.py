"""Records read one by one, with a count of those that had to be left out."""

from collections import Counter
from collections.abc import Callable, Iterator

from keras_stt.data.records import Record
from keras_stt.data.skipped import Skipped
from keras_stt.errors import one_line


class RecordStream:
    """The records of a split. Each iteration reads the corpus anew, in the same order.

    Attributes:
        length_hint: how many records to expect, for progress bars; None when that would mean reading the corpus.
    """

    def __init__(self, generate: Callable[["RecordStream"], Iterator[Record]], length_hint: int | None = None):
        """Takes a generator function, which is given the stream so as to call `skip` on it."""
        self._generate = generate
        self.length_hint = length_hint
        self._left_out = Skipped()

    def __iter__(self) -> Iterator[Record]:
        self._left_out.clear()
        return self._generate(self)

    @property
    def skipped(self) -> Counter:
        """How many records the last iteration left out, by reason."""
        return self._left_out.counts

    @property
    def skipped_rows(self) -> list[tuple[str, str]]:
        """Reason and place of each, as far as they are listed."""
        return self._left_out.rows

    @property
    def examples(self) -> dict[str, str]:
        """For each reason, the first record or file that the last iteration left out."""
        return self._left_out.examples

    def skip(self, reason: str, where: str) -> None:
        """Counts a record that is left out; `where` names it or its file."""
        self._left_out.add(reason, where)

    def describe_skipped(self) -> str:
        """`2 records skipped: no audio file (1-2-0003), ...`, or "" when none was."""
        if not self.skipped:
            return ""
        reasons = [f"{count} {reason} (first: {self.examples[reason]})" for reason, count in self.skipped.items()]
        return one_line(f"{self.skipped.total()} records skipped: {', '.join(reasons)}")
