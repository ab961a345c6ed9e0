"""An index as STM and CTM files, which `--dataset=stm` and `--alignment=ctm` read, and NIST's sclite too."""

import collections
import os
from collections.abc import Iterator
from pathlib import Path

from keras_stt.data.index import Index
from keras_stt.data.locations import FileAudio
from keras_stt.data.records import Record
from keras_stt.data.sources.segments import find_audio
from keras_stt.data.sources.stm import segment_id
from keras_stt.errors import InputError
from keras_stt.formats.ctm import CtmWord, format_ctm
from keras_stt.formats.stm import StmSegment, format_stm
from keras_stt.formats.whole_file import written_whole_file
from keras_stt.text import split_words


def write_references(index: Index, folder, split: str) -> tuple[int, int, str]:
    """Writes `SPLIT.stm`, and `SPLIT.ctm` with the word times that nobody guessed; neither where it would be empty.

    A segment is named by the path of its recording. Words are named as `keras_stt.alignment` looks for them: by the
    recording where it is one utterance, else by the segment's id; their times count from the utterance's start.

    Returns:
        How many utterances the STM has, how many the CTM has, and why the first of the others is in neither; "".

    Raises:
        InputError: the folder cannot be written to.
    """
    uses = _Uses(index)
    said = timed = 0
    problem = ""
    stm_path, ctm_path = (Path(folder) / f"{split}.{kind}" for kind in ("stm", "ctm"))
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with written_whole_file(stm_path) as stm, written_whole_file(ctm_path) as ctm:
            for record in index:
                try:
                    segment = uses.segment(record)
                    stm.write(format_stm([segment]).encode())
                    said += 1
                    if not record.times_guessed:
                        ctm.write(format_ctm(_words(record, uses.words_name(segment))).encode())
                        timed += 1
                except InputError as error:  # a name that the format cannot hold
                    problem = problem or str(error)
        for path, count in ((stm_path, said), (ctm_path, timed)):
            if not count:
                path.unlink()
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror}); check it") from error
    return said, timed, problem


class _Uses:
    """How often each recording of an index is used, and its bare name by how many recordings."""

    def __init__(self, index: Index):
        paths = (record.audio.path for record in index if isinstance(record.audio, FileAudio))
        self._segments = collections.Counter(paths)
        self._recordings = collections.Counter(map(_stem, self._segments))

    def segment(self, record: Record) -> StmSegment:
        if not isinstance(record.audio, FileAudio):
            raise InputError(f"{record.id}: its audio is in no file of its own, which an STM could name")
        path, bare = record.audio.path, os.path.splitext(record.audio.path)[0]
        name = bare if find_audio(bare) == path else path  # another file of that name may have another extension
        return StmSegment(name, "1", record.speaker, record.start, record.end, "", record.text)

    def words_name(self, segment: StmSegment) -> str:
        path = find_audio(segment.file) or segment.file
        name = segment.file if self._segments[path] == 1 else segment_id(segment)
        return name if self._recordings[_stem(path)] > 1 else name.rpartition("/")[2]


def _stem(path: str) -> str:
    return os.path.splitext(os.path.basename(path))[0]


def _words(record: Record, name: str) -> Iterator[CtmWord]:
    for word, (start, end) in zip(split_words(record.text), record.word_times, strict=True):
        yield CtmWord(name, "1", start, max(0.0, round(end - start, 4)), word)
