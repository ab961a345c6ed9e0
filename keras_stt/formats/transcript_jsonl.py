"""A transcript as the fields of a JSON line: the text of a recording and the times and confidences of its words."""

import json


def transcript_fields(file: str, transcript) -> dict:
    """Of a recording: its name, the text, its seconds, and its words.

    Args:
        transcript: a `keras_stt.Transcript`.
    """
    words = [word_fields(word) for word in transcript.words]
    return {"file": file, "text": transcript.text, "duration": round(transcript.duration, 3), "words": words}


def word_fields(word) -> dict:
    """A word with its times in seconds and its confidence, 0 to 1."""
    times = {"start": round(word.start, 3), "end": round(word.end, 3)}
    return {"word": word.text, **times, "confidence": round(word.confidence, 4)}


def json_line(fields: dict) -> str:
    """Fields as one line of JSON, without its end, that can be written as UTF-8.

    A file's name may hold bytes that are no text, which become escapes that JSON knows.
    """
    return json.dumps(fields, ensure_ascii=False).encode("utf-8", "backslashreplace").decode("utf-8")
