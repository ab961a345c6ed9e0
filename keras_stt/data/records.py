"""The one record type every corpus is read into."""

import dataclasses
import json

from keras_stt.data.locations import AudioLocation, location_from_json
from keras_stt.errors import InputError


@dataclasses.dataclass(frozen=True)
class Record:
    """One utterance: where it can be heard, who speaks, what is said.

    Attributes:
        id: unique in its corpus.
        audio: where the recording is; nothing is decoded until it is read.
        start, end: seconds within the recording.
        speaker: speaker id; splits are disjoint in it.
        text: the transcript, as the corpus has it (normalised later by `keras_stt.text`).
        word_times: `((start, end), ...)` of every word in seconds after `start`, when known or guessed.
        times_guessed: whether the word times are a guess from the duration alone, which no loss should teach.
    """

    id: str
    audio: AudioLocation
    start: float
    end: float
    speaker: str
    text: str
    word_times: tuple[tuple[float, float], ...] | None = None
    times_guessed: bool = False

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.end - self.start

    @property
    def where(self) -> str:
        """Its id and, where it is known, its file: for lists of what is wrong."""
        path = getattr(self.audio, "path", "")
        return f"{self.id} ({path})" if path else self.id

    def read(self):
        """Decodes the utterance: float32 samples, 16 kHz mono."""
        return self.audio.read(self.start, self.end)

    def to_json(self) -> str:
        fields = {
            "id": self.id,
            "audio": self.audio.to_json(),
            "start": round(self.start, 4),
            "end": round(self.end, 4),
            "speaker": self.speaker,
            "text": self.text,
        }
        if self.word_times is not None:
            fields["times_guessed"] = self.times_guessed
            fields["word_times"] = [[round(start, 4), round(end, 4)] for start, end in self.word_times]
        return json.dumps(fields, ensure_ascii=False)

    def to_bytes(self) -> bytes:
        """`to_json` as UTF-8, with whatever a file's name has that is none."""
        return self.to_json().encode("utf-8", "surrogatepass")

    @classmethod
    def from_bytes(cls, line: bytes) -> "Record":
        """The inverse of `to_bytes`."""
        return cls.from_json(line.decode("utf-8", "surrogatepass"))

    @classmethod
    def from_json(cls, line: str) -> "Record":
        fields = json.loads(line)
        fields["audio"] = location_from_json(fields["audio"])
        if fields.get("word_times") is not None:
            fields["word_times"] = tuple((start, end) for start, end in fields["word_times"])
        return cls(**fields)


def require_disjoint_speakers(speakers_by_split: dict[str, set[str]]) -> None:
    """Raises InputError when a speaker is in two splits: their test WER would say nothing about new voices."""
    names = list(speakers_by_split)
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            shared = speakers_by_split[first] & speakers_by_split[second]
            if shared:
                some = ", ".join(sorted(shared)[:3])
                raise InputError(
                    f"{first} and {second} share {len(shared)} speakers ({some}); give splits with different speakers"
                )
