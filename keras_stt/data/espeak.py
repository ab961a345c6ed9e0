"""espeak-ng through ctypes: text to samples, with the exact time of every word.

The library and its voices come in the pip package espeakng-loader. Names and values are those of `speak_lib.h`,
espeak-ng 1.52 (https://github.com/espeak-ng/espeak-ng/blob/master/src/include/espeak-ng/speak_lib.h).
"""

import _ctypes
import contextlib
import ctypes
import dataclasses
import itertools
import os
import re
import threading

import numpy as np

from keras_stt.errors import InputError

AUDIO_OUTPUT_SYNCHRONOUS = 2
INITIALIZE_PHONEME_EVENTS = 0x0001
INITIALIZE_DONT_EXIT = 0x8000
CHARS_UTF8 = 1
PARAMETER_RATE, PARAMETER_PITCH, PARAMETER_RANGE = 1, 3, 4
EVENT_LIST_TERMINATED, EVENT_WORD, EVENT_PHONEME = 0, 1, 7
PAUSE = b"_"  # the names of all pause phonemes begin so
RANDOM_SEED = 1  # of the library's own noise, which it would else seed with the time of day

_library_in_use = threading.Lock()


class _Id(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),  # in characters, the first is 1
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),  # milliseconds
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    ]


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


@dataclasses.dataclass(frozen=True)
class Speech:
    """What was spoken.

    Attributes:
        samples: int16 `(N,)`.
        sample_rate: Hz.
        word_times: `((start, end), ...)` in seconds, one pair for every word of the text. A pause between two words
            belongs to neither.
    """

    samples: np.ndarray
    sample_rate: int
    word_times: tuple[tuple[float, float], ...]


def speak(text: str, voice: str = "en-us", rate: int = 175, pitch: int = 50, pitch_range: int = 50) -> Speech:
    """Speaks one sentence. The same arguments give the same samples, whatever was spoken before.

    Args:
        text: words between spaces; punctuation is heard as pauses.
        voice: language and variant, `en-us+f3`; British English is `en`.
        rate: words per minute, 80 to 450.
        pitch, pitch_range: 0 to 100; 50 is the voice's own.

    Raises:
        InputError: the library cannot be loaded, there is no such voice, or words cannot be told apart: espeak-ng
            has some pairs of short words ("of the") as one in its dictionary, which are parted by their sounds, where
            they have the same number together as apart.
    """
    # The library is one state for the whole process; what it keeps from one call to the next (the phase of its
    # flutter, the tail of its echo) would make a sentence sound a little different each time. A fresh copy does not.
    with _library_in_use, _fresh_library() as (library, sample_rate):
        _set_voice(library, voice, rate, pitch, pitch_range)
        samples, events = _synthesize(library, text)
        words = _phonemes_of_words(text, events)
        for first, last in _joined_words(words):
            alone = [len(_phonemes(_synthesize(library, word)[1])) for word in text.split()[first : last + 1]]
            _part(words, first, last, alone)
    missing = [word for word, phonemes in zip(text.split(), words, strict=True) if not phonemes]
    if missing:
        raise InputError(f"espeak-ng: {text!r}: gives no time of its own to {', '.join(missing)}; change the words")
    times = tuple((phonemes[0][0] / sample_rate, phonemes[-1][1] / sample_rate) for phonemes in words)
    return Speech(samples, sample_rate, times)


@contextlib.contextmanager
def _fresh_library():
    """Loads the library as a new process would find it, and unloads it. Takes 3 ms."""
    try:
        import espeakng_loader

        library = ctypes.CDLL(espeakng_loader.get_library_path())
        data_path = espeakng_loader.get_data_path()
    except (ImportError, OSError, RuntimeError) as error:
        raise InputError(f"espeak-ng: cannot be loaded ({error}); run `pip install espeakng-loader`") from error
    options = INITIALIZE_PHONEME_EVENTS | INITIALIZE_DONT_EXIT
    sample_rate = library.espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, 0, data_path.encode(), options)
    if sample_rate <= 0:
        raise InputError(f"espeak-ng: no voices in {data_path}; run `pip install --force-reinstall espeakng-loader`")
    library.espeak_ng_SetRandSeed(ctypes.c_long(RANDOM_SEED))
    try:
        yield library, sample_rate
    finally:
        library.espeak_Terminate()
        unload = getattr(_ctypes, "dlclose", None) or _ctypes.FreeLibrary
        unload(library._handle)


def _set_voice(library, voice, rate, pitch, pitch_range):
    _, _, variant = voice.partition("+")
    library.espeak_Info.restype = ctypes.c_char_p
    data_path = ctypes.c_char_p()
    library.espeak_Info(ctypes.byref(data_path))
    # A variant that is not there would be left out without a word.
    variant_is_there = os.path.isfile(os.path.join(data_path.value.decode(), "voices", "!v", variant or "f1"))
    if not variant_is_there or library.espeak_SetVoiceByName(voice.encode()) != 0:
        raise InputError(f"espeak-ng: no voice {voice!r}; `espeak-ng --voices=en` and `--voices=variant` list them")
    for parameter, value in ((PARAMETER_RATE, rate), (PARAMETER_PITCH, pitch), (PARAMETER_RANGE, pitch_range)):
        library.espeak_SetParameter(parameter, int(value), 0)


def _synthesize(library, text):
    """The samples, and `(type, character, sample, name)` of every word and phoneme in the order they are spoken."""
    chunks, events = [], []

    def receive(samples, count, event):
        if samples and count > 0:
            chunks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        index = 0
        while event[index].type != EVENT_LIST_TERMINATED:
            one = event[index]
            if one.type in (EVENT_WORD, EVENT_PHONEME):
                name = bytes(one.id.string) if one.type == EVENT_PHONEME else b""
                events.append((one.type, one.text_position - 1, one.sample, name))
            index += 1
        return 0

    callback = _Callback(receive)  # must outlive the call
    library.espeak_SetSynthCallback(callback)
    encoded = text.encode() + b"\0"
    library.espeak_Synth(encoded, ctypes.c_size_t(len(encoded)), 0, 1, 0, CHARS_UTF8, None, None)
    samples = np.concatenate(chunks) if chunks else np.zeros(0, np.int16)
    events.append((EVENT_PHONEME, len(text), len(samples), PAUSE))
    return samples, events


def _phonemes(events):
    """`(start, end, character)` of every sound: samples, and where the word it belongs to begins in the text.

    The sample of a WORD event itself is up to one phoneme early, where a sound leads over from the word before; its
    place among the PHONEME events is exact.
    """
    starts, character = [], None
    for kind, position, sample, name in events:
        if kind == EVENT_WORD:
            character = position
        else:
            starts.append((sample, character, name.startswith(PAUSE)))
    return [
        (start, end, character)
        for (start, character, is_pause), (end, _, _) in itertools.pairwise(starts)
        if not is_pause and character is not None and end > start
    ]


def _phonemes_of_words(text, events):
    """The sounds of each word of the text; none where espeak-ng speaks it as the end of the word before."""
    spans = [match.span() for match in re.finditer(r"\S+", text)]
    words = [[] for _ in spans]
    for sound in _phonemes(events):
        for index, (start, end) in enumerate(spans):
            if start <= sound[2] < end:
                words[index].append(sound)
    return words


def _joined_words(words):
    """Pairs `(first, last)`: runs of words whose sounds were all given to the first."""
    index = 0
    while index < len(words):
        last = index
        while words[index] and last + 1 < len(words) and not words[last + 1]:
            last += 1
        if last > index:
            yield index, last
        index = last + 1


def _part(words, first, last, counts):
    """Parts the sounds of joined words by how many each has when it is spoken alone."""
    sounds = words[first]
    if sum(counts) != len(sounds):
        return  # the words are spoken so differently together that there is no telling
    for index, count in zip(range(first, last + 1), counts, strict=True):
        words[index], sounds = sounds[:count], sounds[count:]
