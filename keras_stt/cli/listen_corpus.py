"""Listening to an utterance of a corpus: where it lies, when each of its words is said, and its sound."""

import argparse
import difflib
import os
import re
from collections.abc import Iterable, Mapping

import numpy as np
import soundfile
from tqdm import tqdm

from keras_stt.alignment import METHODS, WordAligner
from keras_stt.audio import SAMPLE_RATE
from keras_stt.cli.corpus import add_corpus_arguments, corpus_options
from keras_stt.cli.sound_device import play
from keras_stt.data.locations import AudioLocation, JoinedAudio
from keras_stt.data.records import Record
from keras_stt.data.sources import open_corpus
from keras_stt.data.sources.options import SPLITS
from keras_stt.data.tfds_audio import TFDSAudio
from keras_stt.data.tfrecord_audio import TFRecordAudio
from keras_stt.errors import FlagError, InputError
from keras_stt.formats.whole_file import written_whole_file
from keras_stt.text import normalize, split_words

PADDING = 0.1  # seconds heard before and after chosen words: times are rarely better than this, and cut sounds click
ANY = "any"  # split
_WORD_NUMBERS = re.compile(r"(\d+)(?:-(\d+))?")
_SOURCES = {  # of word times, by the aligner's names
    "corpus": "from the corpus",
    "textgrid": "from a TextGrid",
    "ctm": "from a CTM file",
    "uniform": "GUESSED, an equal share of the utterance for every word",
    "proportional": "GUESSED, a share of the utterance by each word's letters",
}


def add_arguments(parser) -> None:
    """Adds the flags of an utterance: which of its words, what to do with their sound, and those of the corpus."""
    words = f"only these words, counted from 1; their clip has {PADDING:g} s more on each side, within the utterance"
    parser.add_argument("--word", "--words", metavar="N or FROM-TO", default="", help=words)
    words = "write the clip into this file: WAV, 16 kHz, mono, 16 bits"
    parser.add_argument("--output", metavar="CLIP.wav", default="", help=words)
    parser.add_argument("--play", action="store_true", help="play the clip")
    parser.add_argument(
        "--split", choices=(ANY, *SPLITS), default=ANY, help="part of the corpus to look in (default: %(default)s)"
    )
    words = "where word times come from (default: auto, the corpus's, else of a TextGrid, of a CTM file, else guessed)"
    parser.add_argument(
        "--alignment", choices=[method for method in METHODS if method != "model"], default="auto", help=words
    )
    parser.add_argument("--alignment_dir", default="", help="folder with TextGrid or CTM files")
    add_corpus_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Finds the utterance, prints what is known of it, and writes or plays the clip.

    Raises:
        InputError: the corpus or the audio cannot be read, there is no such utterance or word, the word's time is not
            known, or the clip cannot be written or played.
    """
    asked = parse_word_numbers(args.word)
    if args.output and not args.output.lower().endswith(".wav"):
        raise FlagError("output", f"{args.output} is no WAV file; name one that ends in .wav")
    aligner = WordAligner(args.alignment, args.alignment_dir)
    split, found = find_record(_streams(args), args.dataset, args.id)
    record = aligner.align(found)
    chosen = choose_words(record, asked)
    print_record(record, split, _SOURCES.get(next(iter(aligner.kinds))), chosen)
    if args.output or args.play:
        start, end = clip_bounds(record, chosen if asked else None)
        samples = record.audio.read(start, end)
    if args.output:
        write_clip(args.output, samples)
        print(f"clip      {args.output}: {start:.3f} to {end:.3f} s of the recording")
    if args.play:
        print(f"playing   {start:.3f} to {end:.3f} s of the recording", flush=True)
        play(samples)
    return 0


def parse_word_numbers(text: str) -> tuple[int, int] | None:
    """First and last of `N` or `FROM-TO`, counted from 1; None of an empty text."""
    if not text:
        return None
    numbers = _WORD_NUMBERS.fullmatch(text.strip())
    first, last = (int(numbers[1]), int(numbers[2] or numbers[1])) if numbers else (0, 0)
    if not 1 <= first <= last:
        raise FlagError("word", f"{text!r} is no number of a word; give N or FROM-TO, counted from 1")
    return first, last


def _streams(args: argparse.Namespace) -> dict[str, Iterable[Record]]:
    streams = open_corpus(corpus_options(args))
    wanted = SPLITS if args.split == ANY else (args.split,)
    streams = {split: streams[split] for split in wanted if split in streams}
    if not streams:
        raise FlagError("split", f"{args.dataset} has no {args.split}; name its parts or its speakers")
    return streams


def find_record(streams: Mapping[str, Iterable[Record]], corpus: str, id: str) -> tuple[str, Record]:
    """The split and the record of an id. The corpus is read up to it; no audio is decoded.

    Raises:
        InputError: no split has it; the message names the id most like it, and the records that were left out.
    """
    ids = []
    for split, stream in streams.items():
        # The progress bar is silent where stderr is a file or a pipe.
        total = getattr(stream, "length_hint", None)
        for record in tqdm(stream, desc=split, total=total, unit=" utterances", leave=False, disable=None):
            if record.id == id:
                return split, record
            ids.append(record.id)
    close = difflib.get_close_matches(id, ids, n=1)
    hint = f"did you mean {close[0]}?" if close else f"its ids look like {ids[0]}" if ids else "it has no utterance"
    skipped = {name: stream.describe_skipped() for name, stream in streams.items() if getattr(stream, "skipped", None)}
    reasons = "".join(f"; {name}: {words}" for name, words in skipped.items())
    raise InputError(f"{corpus}: no utterance {id!r} in {', '.join(streams)}; {hint}{reasons}")


def choose_words(record: Record, asked: tuple[int, int] | None) -> range:
    """Places, from 0, of the words asked for in the normalised text; of all where none are.

    Raises:
        FlagError: the utterance has not so many words, or no times for them.
    """
    count = len(split_words(normalize(record.text)))
    if asked is None:
        return range(count)
    first, last = asked
    if last > count:
        numbers = f"1 to {count}" if count > 1 else "1" if count else "no --word"
        raise FlagError("word", f"no word {last}: {record.id} has {count}; give {numbers}")
    if record.word_times is None:
        raise FlagError("alignment", f"has no word times for {record.id}; give --alignment=auto, which guesses them")
    return range(first - 1, last)


def clip_bounds(record: Record, chosen: range | None = None) -> tuple[float, float]:
    """Start and end in seconds of the recording: of the utterance, or of chosen words and `PADDING` around them.

    A word's clip does not leave its utterance: beside that other people may speak.
    """
    if chosen is None:
        return record.start, record.end
    start = record.start + record.word_times[chosen[0]][0] - PADDING
    end = record.start + record.word_times[chosen[-1]][1] + PADDING
    return max(record.start, start), min(record.end, end)


def write_clip(path: str, samples: np.ndarray) -> None:
    """Writes 16 kHz mono samples `(N,)` as WAV of 16 bits: those of a recording of 16 bits come back as they were.

    Raises:
        FlagError: the file cannot be written.
    """
    try:
        with written_whole_file(path) as file:
            soundfile.write(file, samples, SAMPLE_RATE, subtype="PCM_16", format="WAV")
    except (soundfile.LibsndfileError, OSError) as error:
        folder = os.path.dirname(path) or "."
        reason = error if os.path.isdir(folder) else f"no folder {folder}"
        raise FlagError("output", f"{path} cannot be written ({reason}); name another file") from error


def print_record(record: Record, split: str, source: str | None, chosen: Iterable[int]) -> None:
    """Prints where the utterance is and the chosen words; `source` says where their times come from."""
    print(f"id        {record.id}\nsplit     {split}\nspeaker   {record.speaker}")
    for number, place in enumerate(places(record.audio)):
        print(f"{'' if number else 'file':10}{place}")
    print(f"time      {record.start:.3f} to {record.end:.3f} s of the recording, {record.duration:.3f} s")
    print(f"text      {record.text}")
    words = split_words(normalize(record.text))
    if not words:
        return
    print(f"words     seconds of the recording, {source}" if source else "words     times unknown")
    for index in chosen:
        times = ""
        if record.word_times is not None:
            times = " ".join(f"{record.start + time:9.3f}" for time in record.word_times[index])
        print(f"{index + 1:8} {times:19}  {words[index]}")


def places(audio: AudioLocation) -> list[str]:
    """Where audio is to be found, a line for each recording it is made of."""
    if isinstance(audio, JoinedAudio):
        return [f"{place}, after a pause of {gap:.3f} s" for location, gap in audio.parts for place in places(location)]
    if isinstance(audio, TFDSAudio):
        return [f"{audio.builder_dir}, split {audio.split}, row {audio.row}"]
    if isinstance(audio, TFRecordAudio):
        return [f"{audio.path}, {audio.length} bytes from byte {audio.offset}"]
    return [audio.path]
