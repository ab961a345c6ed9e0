"""When the words of a reference are said, and who says so."""

from keras_stt.text import split_words

KNOWN = "the corpus"
GUESSED = "a guess from the letters of each word, which may be off by seconds"


def known_times(record, text: str):
    """Start and end in seconds of each word of a record, and who knows them in words; None where nobody does.

    Args:
        text: as it is shown, normalised.
    """
    times = record.word_times
    if times is None or len(times) != len(split_words(text)):
        return None, ""
    spans = tuple((float(start), float(end)) for start, end in times)
    return spans, GUESSED if record.times_guessed else KNOWN
