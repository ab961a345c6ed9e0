"""Two hearings of the same speech, one after the other: what they agree in, and what the second corrects.

What two hearings in a row agree in seldom changes any more: the local agreement of Liu et al. (2020, "Low-latency
sequence-to-sequence speech recognition and translation by partial hypothesis selection"), as Whisper-Streaming has it
(Macháček et al., 2023). There the longest common beginning is committed to. Here nothing is, before a chunk is
complete, so that each word may be agreed in by itself.
"""

import dataclasses
import difflib
from collections.abc import Sequence

from keras_stt.decoding.stitch import Word


@dataclasses.dataclass(frozen=True)
class LiveWord(Word):
    """A word that may still change; `stable` says that the last two hearings agree in it."""

    stable: bool = False


@dataclasses.dataclass(frozen=True)
class Correction:
    """Words that were shown, and what is shown in their place.

    Attributes:
        before: what was shown; empty where a word had been missed.
        after: what is heard now; empty where there was no word.
    """

    before: tuple[LiveWord, ...]
    after: tuple[Word, ...]


def compare(before: Sequence[LiveWord], now: Sequence[Word]) -> tuple[list[bool], list[Correction]]:
    """Which words of `now` were there before, and what is no longer as it was.

    Words after the last one of before are new, and correct nothing.
    """
    agreed, corrections = [False] * len(now), []
    texts = [[word.text for word in words] for words in (before, now)]
    for tag, first, stop, start, end in difflib.SequenceMatcher(None, *texts, autojunk=False).get_opcodes():
        if tag == "equal":
            agreed[start:end] = [True] * (end - start)
            continue
        if stop == len(before):
            end = min(end, start + stop - first)
        if first < stop or start < end:
            corrections.append(Correction(tuple(before[first:stop]), tuple(now[start:end])))
    return agreed, corrections
