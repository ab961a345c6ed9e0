"""Text without audio for the refiner: transcripts on paths as CTC would lay them, masked and with mistakes.

A refiner that has read much text knows how words are spelt and which follow which before it hears them.
"""

from pathlib import Path

import numpy as np

from keras_stt.data.plan import Permutation
from keras_stt.errors import FlagError, InputError
from keras_stt.text import normalize
from keras_stt.tokens import Tokens

WRONG = 0.1  # share of shown tokens that are others, and of open slots in which a token is shown
GROUP = 64  # batches whose texts are sorted by length among themselves
STEP_MULTIPLE = 32  # of a batch's steps: few shapes


def read_texts(path: str) -> list[str]:
    """The normalised lines of a text file; of a LibriSpeech `*.trans.txt` without the ids that lines begin with.

    Raises:
        InputError: there is no such file, or nothing in it.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as text ({error}); give a UTF-8 file") from error
    if path.endswith(".trans.txt"):
        lines = [line.partition(" ")[2] for line in lines]
    texts = [text for text in map(normalize, lines) if text]
    if not texts:
        raise InputError(f"{path}: has no words in it; give a text a line")
    return texts


class TextPaths:
    """`paths[step]` is `(inputs, token ids)`, a pure function of the seed and the step.

    Inputs are `text_path` `(B, S)` int32, the tokens of a text on steps as those of audio, with the mask in open slots
    and wherever a token is not shown, and `text_steps` `(B,)`. Token ids are `(B, U)`, padded with zeros. As from a
    draft, a number of tokens drawn between none and all is shown, and some that are shown are wrong.

    Args:
        texts: normalised.
        tokens: with which they are written.
        batch_steps: steps in a batch, padding included.
        steps_per_token: that audio takes on average.
    """

    def __init__(self, texts: list[str], tokens: Tokens, batch_steps: int, steps_per_token: float, seed: int):
        self.tokens, self.steps_per_token, self.seed = tokens, max(steps_per_token, 1.1), seed
        self.ids = [ids for ids in map(tokens.encode, texts) if len(ids)]
        if not self.ids:
            raise FlagError("text_corpus", "has no letter that the tokens of the train transcripts have")
        mean = float(np.mean([len(ids) for ids in self.ids])) * self.steps_per_token
        self.rows = max(1, min(len(self.ids), int(batch_steps / mean)))

    def __getitem__(self, step: int):
        rng = np.random.default_rng((self.seed, step))
        rows = self._rows(step)
        drawn = [self._path(self.ids[row], rng) for row in rows]
        steps = np.array([len(path) for path in drawn], np.int32)
        longest = -(-int(steps.max()) // STEP_MULTIPLE) * STEP_MULTIPLE
        paths = np.full((len(rows), longest), self.tokens.mask_id, np.int32)
        ids = np.zeros((len(rows), max(len(self.ids[row]) for row in rows)), np.int32)
        for i, (row, path) in enumerate(zip(rows, drawn, strict=True)):
            paths[i, : len(path)] = path
            ids[i, : len(self.ids[row])] = self.ids[row]
        return {"text_path": paths, "text_steps": steps}, ids

    def _rows(self, step: int) -> list[int]:
        """Texts of like length: those of a group of batches, sorted."""
        group, place = divmod(step, GROUP)
        size = self.rows * GROUP
        places = np.arange(group * size, (group + 1) * size)
        epochs, within = places // len(self.ids), places % len(self.ids)
        rows = np.concatenate(
            [Permutation(len(self.ids), (self.seed, int(e)))(within[epochs == e]) for e in np.unique(epochs)]
        )
        order = np.argsort([len(self.ids[row]) for row in rows], kind="stable")
        batch = np.random.default_rng((self.seed, group, 3)).permutation(GROUP)[place]
        return rows[order[batch * self.rows : (batch + 1) * self.rows]].tolist()

    def _path(self, ids: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        mask = self.tokens.mask_id
        gaps = rng.poisson(self.steps_per_token - 1, len(ids))
        gaps[1:] = np.maximum(gaps[1:], ids[1:] == ids[:-1])  # CTC parts two that are alike
        places = np.cumsum(gaps + 1) - 1
        path = np.full(places[-1] + 1 + rng.poisson(self.steps_per_token), mask, np.int32)
        shown = rng.random(len(ids)) < rng.random()
        path[places[shown]] = ids[shown]
        wrong = rng.random(len(path)) < WRONG * shown.mean()
        path[wrong] = rng.integers(1, self.tokens.size, int(wrong.sum()))
        return path
