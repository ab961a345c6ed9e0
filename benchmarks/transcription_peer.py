"""How fast recordings are transcribed, beside the peer and beside our own export in onnxruntime.

    python benchmarks/transcription_peer.py [--rounds=5] [--model=librispeech-small] [--backends=torch,tensorflow,jax]

Recordings of 5 seconds to half an hour, one at a time and sixteen at once: our model's draft and its refinement on
each backend, the draft of its ONNX export in onnxruntime, and transformers' ParakeetForCTC of the same size, its
weights drawn at random (what it says does not change what it costs). All from samples to tokens, log-mel included, on
one core. The peer hears longer recordings whole and, since its attention then costs more with every second, in pieces
of 30 seconds, four at a time; what is faster counts.
Writes benchmarks/results/transcription_peer.json and prints the table.
"""

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from rounds import ROUNDS, in_turn, on_one_core, times_as_fast, write_results
from worker import BACKENDS, Worker, clock_of, work

SAMPLE_RATE = 16_000
LENGTHS = (5, 30, 300, 1800)  # seconds of a recording
TOGETHER = 16  # recordings at once, of those up to `LONGEST_TOGETHER`
LONGEST_TOGETHER = 30
LONGEST_WHOLE = 300  # that the peer hears; attention over more takes more memory than most machines have
PIECE, PIECES_TOGETHER = 30, 4  # seconds of a piece that the peer hears, and how many at once
PASSES = {"draft": 0, "refined": 1}
RUNTIME, PEER = "onnxruntime", "peer"


def recording(seconds: int, seed: int = 0) -> np.ndarray:
    """Noise in syllables: float32 samples."""
    rng = np.random.default_rng(seed)
    times = np.arange(seconds * SAMPLE_RATE) / SAMPLE_RATE
    return (0.1 * np.sin(np.pi * 3 * times) ** 2 * rng.standard_normal(len(times))).astype(np.float32)


def ours(model: str):
    """The package, as its users call it."""
    import keras_stt
    from keras_stt.features import log_mel
    from keras_stt.transcribe.utterances import Decoding, decode, hear

    model = keras_stt.load_model(model)

    def transcribe(recordings: list[np.ndarray], passes: int) -> None:
        if len(recordings) == 1:
            model.transcribe(recordings[0], SAMPLE_RATE, passes=passes)
            return
        for heard in hear(model, [log_mel(samples) for samples in recordings], passes):
            decode(model, [heard], Decoding(passes))

    return transcribe


def exported(model: str):
    """Our ONNX export in onnxruntime, which computes the log-mel too."""
    import onnxruntime

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "exported"
        subprocess.run(
            [sys.executable, "-m", "keras_stt", "export", model, str(path), "--format=onnx", "--passes=0"],
            env={**os.environ, "KERAS_BACKEND": "tensorflow"}, check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(str(next(path.glob("*.onnx"))), options)

    def transcribe(recordings: list[np.ndarray]) -> None:
        waveforms = {"waveform": np.stack(recordings)}
        waveforms["waveform_lengths"] = np.array([len(samples) for samples in recordings], np.int32)
        session.run(["draft_token_ids"], waveforms)

    return transcribe


def peer():
    """ParakeetForCTC with its own feature extractor."""
    import peer_parakeet
    import torch
    from transformers import ParakeetFeatureExtractor

    extract = ParakeetFeatureExtractor(feature_size=peer_parakeet.MEL_BANDS)
    model = peer_parakeet.build().eval()

    def hear(recordings: list[np.ndarray]) -> None:
        inputs = extract(recordings, sampling_rate=SAMPLE_RATE, return_tensors="pt")
        with torch.inference_mode():
            logits = model(inputs["input_features"], attention_mask=inputs["attention_mask"]).logits
        logits.argmax(-1).tolist()

    def transcribe(recordings: list[np.ndarray], whole: bool) -> None:
        if whole:
            hear(recordings)
            return
        (samples,) = recordings
        pieces = np.split(samples, range(PIECE * SAMPLE_RATE, len(samples), PIECE * SAMPLE_RATE))
        for first in range(0, len(pieces), PIECES_TOGETHER):
            hear(pieces[first : first + PIECES_TOGETHER])

    return transcribe


def transcribe_when_told(kind: str, model: str) -> None:
    """A program that transcribes what it is asked for: `seconds`, `count`, and what else its kind takes."""
    transcribe = {RUNTIME: lambda: exported(model), PEER: peer}.get(kind, lambda: ours(model))()
    recordings = {}

    def do(asked: dict) -> None:
        length = asked.pop("seconds"), asked.pop("count")
        if length not in recordings:
            recordings.clear()
            recordings[length] = [recording(length[0], seed) for seed in range(length[1])]
        transcribe(recordings[length], **asked)

    work({}, do)


def ways_of(workers: dict[str, Worker], seconds: int, count: int) -> dict:
    """All that is compared on recordings of that length, by name."""
    recordings = {"seconds": seconds, "count": count}
    asked = {}
    for kind in workers:
        if kind == PEER:
            asked |= {(kind, "whole"): {"whole": True}} if seconds <= LONGEST_WHOLE else {}
            asked |= {(kind, "in pieces"): {"whole": False}} if seconds > PIECE else {}
        elif kind == RUNTIME:
            asked[kind, "draft"] = {}
        else:
            asked |= {(kind, name): {"passes": passes} for name, passes in PASSES.items()}
    return {way: lambda way=way, more=more: workers[way[0]]({**recordings, **more}) for way, more in asked.items()}


def compare(model: str, kinds: Iterable[str], lengths: Iterable[tuple[int, int]], rounds: int) -> list[dict]:
    """A row for each way, on recordings of every length: so many seconds, and how many at once.

    Args:
        kinds: backends of Keras, `RUNTIME`, and `PEER`, which must be among them.
    """
    workers = {kind: Worker(__file__, kind, model, backend=kind if kind in BACKENDS else None) for kind in kinds}
    rows = [row for seconds, count in lengths for row in measure(workers, seconds, count, rounds)]
    for worker in workers.values():
        worker.end()
    return rows


def measure(workers: dict[str, Worker], seconds: int, count: int, rounds: int) -> list[dict]:
    """Each way on the same recordings, in turn."""
    spent = in_turn(ways_of(workers, seconds, count), rounds, clock_of(workers))
    peers = [way for way in spent if way[0] == PEER]
    fastest = min(peers, key=lambda way: float(np.median(spent[way])))
    rows = []
    for way, taken in spent.items():
        row = {"name": " ".join(way), "seconds": seconds, "recordings": count, "cpu_seconds": float(np.median(taken))}
        row["times_real_time"] = count * seconds / row["cpu_seconds"]
        row["times_peer"] = times_as_fast(spent, way, fastest)
        rows.append(row)
        print(
            f"{seconds:5d} s x {count:2d}  {row['name']:20s}{row['times_real_time']:7.0f} x real time  "
            f"{row['times_peer']:6.2f} x the peer",
            flush=True,
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="librispeech-small")
    parser.add_argument("--backends", default=",".join(BACKENDS))
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--longest", type=int, default=LENGTHS[-1], help="seconds")
    parser.add_argument("--work", nargs=2, metavar=("KIND", "MODEL"), help="only what is asked for, in this program")
    arguments = parser.parse_args()
    on_one_core()
    if arguments.work:
        transcribe_when_told(*arguments.work)
        return
    backends = [name for name in arguments.backends.split(",") if importlib.util.find_spec(name)]
    lengths = [
        (seconds, count)
        for seconds in LENGTHS
        if seconds <= arguments.longest
        for count in ((1, TOGETHER) if seconds <= LONGEST_TOGETHER else (1,))
    ]
    rows = compare(arguments.model, [*backends, RUNTIME, PEER], lengths, arguments.rounds)
    found = {"model": arguments.model, "rounds": arguments.rounds, "rows": rows}
    write_results("transcription_peer", found, ("transformers", "onnxruntime"))


if __name__ == "__main__":
    main()
