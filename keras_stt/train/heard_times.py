"""Word times of the rows of indexes by a recogniser's forced alignment, as work in parts."""

import dataclasses
import json
from collections.abc import Callable, Sequence

from keras_stt import __version__
from keras_stt.bulk.rows import Rows
from keras_stt.bulk.transcripts import file_hash, model_file
from keras_stt.errors import InputError
from keras_stt.formats.transcript_jsonl import json_line
from keras_stt.text import split_words


@dataclasses.dataclass(frozen=True)
class HeardTimes:
    """A JSON line of each row: `row`, and `times`, pairs of seconds, or the `error`.

    Attributes:
        indexes: their folders, from the root on.
        model: name or path of the recogniser.
    """

    indexes: tuple[str, ...]
    model: str

    def identity(self) -> str:
        return json.dumps(["word times", __version__, file_hash(model_file(self.model))])

    def open(self) -> Callable[[int], list]:
        from keras_stt.train.corpus import model_times

        rows, hear = Rows(self.indexes), model_times(self.model)

        def times_of(row: int) -> list:
            record = rows[row]
            times = hear(record, split_words(record.text))
            if times is None:
                raise InputError(f"{record.id}: cannot be heard, or is too short for its words")
            return times

        return times_of

    def content(self, inputs: Sequence[int], results: list) -> bytes:
        told = ({"error": str(one)} if isinstance(one, InputError) else {"times": one} for one in results)
        return "".join(
            json_line({"row": row, **fields}) + "\n" for row, fields in zip(inputs, told, strict=True)
        ).encode()
