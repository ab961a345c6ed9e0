"""Windows: some words and the audio around them, cut from an utterance."""

import dataclasses

import numpy as np

from keras_stt.data.records import Record
from keras_stt.features import FRAME_SECONDS
from keras_stt.text import Vocabulary, split_words

PAD_TOKENS = ("sil", "pad")
PAD_SIDES = ("right", "left", "both")


@dataclasses.dataclass(frozen=True)
class WindowShape:
    """Size and layout of a window.

    Attributes:
        text_context: words in a window.
        audio_context: audio steps in a window.
        frames_per_step: log-mel frames of 10 ms between two audio steps.
        text_stride: words from one window to the next.
        pad_token: what fills slots in which no word is heard: `sil` is `<sil>`, `pad` is `<pad>`.
        pad_side: where those slots are: `right` of the words, `left`, or on `both` sides, with the odd one right.
    """

    text_context: int = 8
    audio_context: int = 128
    frames_per_step: int = 6
    text_stride: int = 1
    pad_token: str = "sil"
    pad_side: str = "right"

    @property
    def frames(self) -> int:
        """Log-mel frames in a whole window."""
        return self.audio_context * self.frames_per_step

    @property
    def seconds(self) -> float:
        return self.frames * FRAME_SECONDS

    def count(self, word_counts: np.ndarray) -> np.ndarray:
        """Windows in utterances of so many words: one starts at every `text_stride`-th word."""
        return -(-np.asarray(word_counts) // self.text_stride)

    def word_slots(self, words: int) -> slice:
        """The slots of so many words, next to each other and in order."""
        free = self.text_context - words
        first = {"right": 0, "left": free, "both": free // 2}[self.pad_side]
        return slice(first, first + words)

    def pad_id(self, vocabulary: Vocabulary) -> int:
        """The token of slots in which no word is heard."""
        return {"sil": vocabulary.sil_id, "pad": vocabulary.pad_id}[self.pad_token]


@dataclasses.dataclass(frozen=True)
class Window:
    """One cut window.

    Attributes:
        start: second at which it begins, on a frame.
        token_ids: int32 `(text_context,)`; the shape's `pad_token` where no word is heard.
        word_steps: float32 `(text_context, 2)`, first and one-past-last audio step of each word; zeros where no word is
            heard or the corpus does not know.
        unknown_words: words that are not in the vocabulary.
    """

    start: float
    token_ids: np.ndarray
    word_steps: np.ndarray
    unknown_words: int


def cut_window(record: Record, first_word: int, shape: WindowShape, vocabulary: Vocabulary, jitter=0.0, tempo=1.0):
    """The window of `record` that begins at its word number `first_word`.

    A word is in the window when its middle is; slots that are left over hold the shape's `pad_token`.

    Args:
        jitter: 0 begins at the first word's start, as in the diary. 1 begins at the middle of the word before, -1 just
            ahead of the first word's own middle: all the places at which sliding over a recording can hit it.
        tempo: how many times as fast the utterance is taken to be spoken; all times of the window are in that time.
    """
    words = split_words(record.text)
    times = np.array(record.word_times, np.float64) / tempo
    middles = times.mean(axis=1)
    start = times[first_word, 0]
    if jitter > 0:
        earliest = middles[first_word - 1] + FRAME_SECONDS if first_word else 0.0
        start -= jitter * max(0.0, start - earliest)
    else:
        start -= jitter * max(0.0, middles[first_word] - 2 * FRAME_SECONDS - start)
    start = max(0.0, np.floor(start / FRAME_SECONDS + 1e-6) * FRAME_SECONDS)
    end = min(start + shape.seconds, record.duration / tempo)
    heard = [i for i in range(first_word, len(words)) if middles[i] < end][: shape.text_context]

    slots = shape.word_slots(len(heard))
    token_ids = np.full(shape.text_context, shape.pad_id(vocabulary), np.int32)
    token_ids[slots] = vocabulary.encode(words[i] for i in heard)
    word_steps = np.zeros((shape.text_context, 2), np.float32)
    if not record.times_guessed:
        seconds_per_step = shape.frames_per_step * FRAME_SECONDS
        spans = (times[heard] - start) / seconds_per_step
        # A word that begins on a step must not, by a rounding error, begin on the one before.
        word_steps[slots, 0] = np.clip(np.floor(spans[:, 0] + 1e-6), 0, shape.audio_context - 1)
        word_steps[slots, 1] = np.clip(np.ceil(spans[:, 1] - 1e-6), 1, shape.audio_context)
    unknown = int(np.sum(token_ids == vocabulary.unk_id))
    return Window(start, token_ids, word_steps, unknown)
