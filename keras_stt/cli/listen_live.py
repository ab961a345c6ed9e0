"""Listening to what is being said: from a microphone or a pipe of raw PCM to words, as they are spoken."""

import argparse
import signal
import sys

from keras_stt.audio import HIGHEST_RATE, LOWEST_RATE, SAMPLE_RATE
from keras_stt.cli.decoding import check_decoding_arguments, decoding_of, load_utterance_model
from keras_stt.cli.live_display import JsonDisplay, LineDisplay, TerminalDisplay
from keras_stt.cli.sound_device import microphone
from keras_stt.errors import FlagError
from keras_stt.live.pcm import Source, pipe, samples_of

PIPE = "-"
MOST_CHANNELS = 64


class Ending:
    """Ctrl-C as the end of the audio: the first is remembered, what was said is still heard; the second interrupts."""

    def __init__(self):
        self.asked = False

    def __enter__(self) -> "Ending":
        self._before = signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(self, *_) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _ask(self, *_) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


def run(args: argparse.Namespace) -> int:
    """Listens until the audio ends or Ctrl-C is pressed, which is no failure.

    Raises:
        InputError: there is no such model or device, or a flag makes no sense.
    """
    _check(args)
    source = _source(args)  # what is not there is told before a model is loaded
    model = load_utterance_model(args.live)
    decoding = decoding_of(model, args)
    from keras_stt.live import LiveTranscriber
    from keras_stt.transcribe.utterances import Decoding

    live, display = LiveTranscriber(model, Decoding(**decoding)), _display(args.format)
    live.warm_up()
    with source.started, Ending() as ending:
        display.begin()
        came = False
        for samples in samples_of(source, lambda: ending.asked):
            came = True
            if update := live.feed(samples):
                display.show(update)
        display.show(live.finish())
        display.end(live.transcript)
    if not came:
        print("keras-stt: nothing was heard: no audio came", file=sys.stderr)
    return 0


def _check(args: argparse.Namespace) -> None:
    check_decoding_arguments(args)
    if args.input is None:
        for flag in ("rate", "channels"):
            if getattr(args, flag) is not None:
                raise FlagError(flag, "is of PCM from a pipe; give --input=- too, or leave it out")
        return
    if args.input != PIPE:
        raise FlagError("input", f"{args.input} is no pipe; give - for standard input, or transcribe the file")
    if args.device is not None:
        raise FlagError("device", "is a microphone, and --input=- listens to none; leave out one of them")
    if args.rate is not None and not LOWEST_RATE <= args.rate <= HIGHEST_RATE:
        raise FlagError("rate", f"{args.rate} Hz; speech needs {LOWEST_RATE} to {HIGHEST_RATE}")
    if args.channels is not None and not 1 <= args.channels <= MOST_CHANNELS:
        raise FlagError("channels", f"{args.channels}; give 1 to {MOST_CHANNELS}")
    if sys.stdin is None or sys.stdin.isatty():
        raise FlagError("input", "nothing is piped into standard input; pipe raw PCM into it, or leave the flag out")


def _source(args: argparse.Namespace) -> Source:
    if args.input is None:
        return microphone(args.device or "")
    return pipe(sys.stdin.buffer.raw, args.rate or SAMPLE_RATE, args.channels or 1)


def _display(format: str | None):
    if format == "jsonl":
        return JsonDisplay()
    return TerminalDisplay() if TerminalDisplay.possible() else LineDisplay()
