"""The token ids of every transcript of an index: encoded once, kept beside the index, read by random access."""

import array
import hashlib
import json
from collections.abc import Callable

import numpy as np

from keras_stt.data.index import Index
from keras_stt.data.mapped_file import MappedArray
from keras_stt.data.one_process import one_process_at_a_time
from keras_stt.formats.whole_folder import written_whole

FORMAT = 1  # raised when the layout changes
ARRAYS = ("ends", "lengths", "ctc_lengths")  # each a file, beside the file of all ids


class EncodedTexts:
    """`texts[row]` are the token ids of a transcript `(U,)`, without blanks.

    Attributes:
        lengths: tokens of each, int32.
        ctc_lengths: steps that CTC needs for each: its tokens, and a blank between two that are alike. int32.
    """

    def __init__(self, ids: np.ndarray | MappedArray, ends: np.ndarray, lengths: np.ndarray, ctc_lengths: np.ndarray):
        """Takes all ids in a row, where each text ends among them, after a 0, and both lengths of each."""
        self._ids, self._ends, self.lengths, self.ctc_lengths = ids, ends, lengths, ctc_lengths

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, row: int) -> np.ndarray:
        return self._ids[int(self._ends[row]) : int(self._ends[row + 1])]


def encode_texts(index, tokens) -> EncodedTexts:
    """Encodes all of `index` in memory."""
    ids = bytearray()
    arrays = _encode(index, tokens, ids.extend)
    return EncodedTexts(np.frombuffer(ids, _dtype(tokens)), **arrays)


def open_texts(index: Index, tokens) -> EncodedTexts:
    """The texts of `index` in a folder beside its own, encoded first where that was not done before."""
    mark = json.dumps([FORMAT, index.content, tokens.to_config()], sort_keys=True)
    name = f"{index.folder.name}-texts-{hashlib.sha256(mark.encode()).hexdigest()[:16]}"
    folder = index.folder.with_name(name)
    with one_process_at_a_time(f"{folder}.lock", "the tokens of the texts"):
        if not all((folder / file).exists() for file in ("ids", *(f"{name}.npy" for name in ARRAYS))):
            with written_whole(folder) as building:
                with (building / "ids").open("wb") as file:
                    arrays = _encode(index, tokens, file.write)
                for name, values in arrays.items():
                    np.save(building / f"{name}.npy", values)
    arrays = {name: np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r")) for name in ARRAYS}
    return EncodedTexts(MappedArray(folder / "ids", _dtype(tokens)), **arrays)


def _dtype(tokens):
    return np.uint16 if tokens.size < 2**16 else np.uint32


def _encode(index, tokens, write: Callable[[bytes], object]) -> dict[str, np.ndarray]:
    """Writes the ids of every text, one after the other; returns the `ARRAYS`."""
    ends, lengths, ctc_lengths = array.array("q", [0]), array.array("i"), array.array("i")
    for record in index:
        ids = np.asarray(tokens.encode(record.text), _dtype(tokens))
        write(ids.tobytes())
        ends.append(ends[-1] + len(ids))
        lengths.append(len(ids))
        ctc_lengths.append(len(ids) + int(np.count_nonzero(ids[1:] == ids[:-1])))
    return dict(zip(ARRAYS, map(np.asarray, (ends, lengths, ctc_lengths)), strict=True))
