"""Recordings to transcripts: a JSON line of each, with the times and confidences of its words or with its error."""

import dataclasses
import hashlib
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from keras_stt import __version__
from keras_stt.errors import InputError
from keras_stt.formats.transcript_jsonl import json_line, transcript_fields
from keras_stt.pretrained import language_model_path, pretrained_path

FORMAT = 1  # of the lines; raised when they change, so that parts are made again


@dataclasses.dataclass(frozen=True)
class Transcription:
    """What to do with each recording.

    Attributes:
        model: its name, or its path from the root on.
        decoding: keywords of `model.transcribe`, sorted; the language model by its name or path.
        folder: from which the paths of recordings go; workers have another working folder.
    """

    model: str
    decoding: tuple[tuple[str, object], ...] = ()
    folder: str = "."

    def identity(self) -> str:
        language_model = str(dict(self.decoding).get("language_model", ""))
        contents = [file_hash(model_file(self.model)), file_hash(language_model_path(language_model) or language_model)]
        said = [[name, value] for name, value in self.decoding if name != "language_model"]
        return json.dumps(["transcribe", FORMAT, __version__, contents, said])

    def open(self) -> Callable[[str], dict]:
        from keras_stt.recognizer import load_language_model, load_model

        model, decoding = load_model(self.model), dict(self.decoding)
        if decoding.get("language_model"):
            decoding["language_model"] = load_language_model(decoding["language_model"])
        return lambda file: transcript_fields(file, model.transcribe(os.path.join(self.folder, file), **decoding))

    def content(self, inputs: Sequence[str], results: list) -> bytes:
        fields = (
            {"file": file, "error": str(result)} if isinstance(result, InputError) else result
            for file, result in zip(inputs, results, strict=True)
        )
        return "".join(json_line(one) + "\n" for one in fields).encode()


def model_file(model: str) -> Path:
    """The file of a model that is given as `load_model` takes it."""
    path = pretrained_path(model) or Path(model)
    return path / "model.keras" if path.is_dir() else path


def file_hash(path) -> str:
    """SHA-256 of a file's content; "" where there is none, which whoever loads it will tell."""
    path = Path(path)
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
