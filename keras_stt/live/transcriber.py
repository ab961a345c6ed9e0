"""Audio that is fed as it comes to words: shown at once, heard again and corrected, and final as offline.

What becomes final is what `model.transcribe` says of the same audio: it is cut into the same chunks, which are heard in
the same way. Until a chunk is complete, what is there of it is heard again and again, and shown.
"""

import copy
import dataclasses
import time
from collections.abc import Callable

import numpy as np

from keras_stt.audio import SAMPLE_RATE
from keras_stt.decoding.stitch import Word
from keras_stt.live.agreement import Correction, LiveWord, compare
from keras_stt.live.few_shapes import FewShapes
from keras_stt.transcribe.chunks import Chunk, Cutter, Stitcher
from keras_stt.transcribe.transcript import Transcript
from keras_stt.transcribe.utterances import Decoding, words_of

HOP_SECONDS = 0.3  # of new audio, after which all that is not final is heard again
BUSY_SHARE = 0.5  # of the time that hearing again may take: a slow machine does it less often, and keeps up
LEAST_SECONDS = 0.3  # of a chunk that is heard before it is complete: no word is shorter


@dataclasses.dataclass(frozen=True)
class Update:
    """What is new after some audio. Times are seconds of all that was fed.

    Attributes:
        seconds: of audio that had been fed.
        final: words that will not change any more, after those that were final before.
        words: all words after them, which may change.
        corrections: where final and other words differ from what the last update had shown.
    """

    seconds: float
    final: tuple[Word, ...]
    words: tuple[LiveWord, ...]
    corrections: tuple[Correction, ...]


class LiveTranscriber:
    """Transcribes audio while it comes.

        live = LiveTranscriber(model)
        for block in blocks:  # 16 kHz mono float32, of any length
            if update := live.feed(block):
                print(update.final, update.words)
        print(live.finish().final, live.transcript.text)

    Final words are those that `model.transcribe` finds, however the audio is divided. They come when a chunk is
    complete: with a pause of speech once more was said than is heard at once (30 s), and with the end.

    Args:
        model: an `UtteranceRecognizer`.
        decoding: how final words are found. Those that may change are found with as many passes, and without
            candidates and language model, which take longer than a word may.
        hop_seconds: of new audio, after which words are looked for.
        clock: seconds, to tell how long hearing takes.
    """

    def __init__(
        self,
        model,
        decoding: Decoding | None = None,
        hop_seconds: float = HOP_SECONDS,
        clock: Callable[[], float] = time.perf_counter,
    ):
        self._model, self._lead = FewShapes(model), model.lead
        self._decoding = decoding or Decoding()
        self._at_once = Decoding(self._decoding.passes)
        self._hop, self._clock = hop_seconds, clock
        self._cutter, self._stitcher = Cutter(), Stitcher()
        self._heard: dict[tuple[int, int], list[Word]] = {}  # chunks that are foreseen, by place and length
        self._final: list[Word] = []
        self._shown: tuple[Word, ...] = ()
        self._next_at = hop_seconds  # seconds of audio

    @property
    def transcript(self) -> Transcript:
        """What is final."""
        return Transcript(list(self._final), self._cutter.seconds)

    def warm_up(self) -> None:
        """Hears noise of every length to which audio is padded, so that no graph is compiled while somebody speaks."""
        rng = np.random.default_rng(0)
        for length in self._model.sample_counts:
            noise = Chunk(0, rng.normal(0, 0.01, length).astype(np.float32))
            for decoding in {self._at_once, self._decoding}:
                self._words_of(noise, decoding)

    def feed(self, samples: np.ndarray) -> Update | None:
        """Takes the next samples, 16 kHz mono float32 `(N,)`; returns what is new, if it was time to hear again."""
        complete = self._cutter.feed(samples)
        final = [word for chunk in complete for word in self._stitcher.add(chunk, self._words_of(chunk))]
        if not complete and self._cutter.seconds < self._next_at:
            return None
        began = self._clock()
        words = self._foreseen_words()
        self._next_at = self._cutter.seconds + max(self._hop, (self._clock() - began) / BUSY_SHARE)
        return self._update(final, words)

    def finish(self) -> Update:
        """After the last sample: all words are final."""
        final = [word for chunk in self._cutter.finish() for word in self._stitcher.add(chunk, self._words_of(chunk))]
        return self._update(final + self._stitcher.finish(), [])

    def _foreseen_words(self) -> list[Word]:
        """Words that are not final: of the chunks into which what is pending is going to be cut, as it seems now."""
        chunks = [chunk for chunk in self._cutter.foreseen() if len(chunk.samples) >= LEAST_SECONDS * SAMPLE_RATE]
        stitcher, words, heard = copy.deepcopy(self._stitcher), [], {}
        for chunk in chunks:
            place = chunk.first, len(chunk.samples)
            heard[place] = self._heard[place] if place in self._heard else self._words_of(chunk, self._at_once)
            words += stitcher.add(chunk, heard[place])
        self._heard = heard
        return words + stitcher.finish()

    def _words_of(self, chunk: Chunk, decoding: Decoding | None = None) -> list[Word]:
        place, decoding = (chunk.first, len(chunk.samples)), decoding or self._decoding
        if decoding == self._at_once and place in self._heard:
            return self._heard[place]
        return words_of(self._model, [chunk], decoding, self._lead)[0]

    def _update(self, final: list[Word], words: list[Word]) -> Update:
        now = (*final, *words)
        agreed, corrections = compare(self._shown, now)
        live = tuple(
            LiveWord(**dataclasses.asdict(word), stable=stable)
            for word, stable in zip(words, agreed[len(final) :], strict=True)
        )
        self._final += final
        self._shown = live
        return Update(self._cutter.seconds, tuple(final), live, tuple(corrections))
