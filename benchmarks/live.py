"""How soon words are shown while they are spoken, how often they change, and whether they end as offline.

    KERAS_BACKEND=torch python benchmarks/live.py --data_dir=LIBRISPEECH_FOLDER [--recordings=10]

Joins utterances of dev, each recording one speaker's with pauses of 0.3 to 1.5 s, and feeds blocks of 50 ms to a
`LiveTranscriber` on one thread of one core. The clock is simulated: a block is there when its time has come, and
hearing takes the CPU time that it takes, so that other work on the machine is not measured. Then one recording goes
through a pipe to `keras-stt listen --live` by the clock of the wall, beside whatever else runs. Writes
benchmarks/results/live.json and prints it.

A word's latency is the time from its end, as the final words have it, until it is first shown: "in_place" whatever
word was shown there, "as_final" the same word within 0.3 s of where it ends up. Of the second, "right" are the words
that were indeed said.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections import defaultdict

import jiwer
import keras
import numpy as np
from rounds import on_one_core, write_results

import keras_stt
from keras_stt.audio import SAMPLE_RATE
from keras_stt.data.sources import open_corpus
from keras_stt.data.sources.options import CorpusOptions
from keras_stt.live import LiveTranscriber
from keras_stt.text import normalize

BLOCK = SAMPLE_RATE // 20
NEAR_SECONDS = 0.3  # of the same word in two hearings
TARGET_SECONDS = 1.0


def joined(records, seconds: float, rng: random.Random) -> tuple[np.ndarray, str]:
    """Utterances of a speaker with faint noise between them, and what is said."""
    noise = np.random.default_rng(0)
    samples, texts, length = [], [], 0.0
    for record in records:
        pause = noise.normal(0, 1e-4, round(rng.uniform(0.3, 1.5) * SAMPLE_RATE))
        if length + record.duration + len(pause) / SAMPLE_RATE > seconds:
            break
        samples += [pause, record.read()]
        texts.append(normalize(record.text))
        length += record.duration + len(pause) / SAMPLE_RATE
    return np.concatenate(samples).astype(np.float32), " ".join(texts)


def recordings(data_dir: str, count: int, seconds: float) -> list[tuple[np.ndarray, str]]:
    """Of so many speakers of dev, one each."""
    by_speaker = defaultdict(list)
    for record in open_corpus(CorpusOptions("librispeech_folder", data_dir=data_dir))["dev"]:
        by_speaker[record.speaker].append(record)
    rng = random.Random(0)
    return [joined(by_speaker[speaker], seconds, rng) for speaker in sorted(by_speaker)[:count]]


def simulate(model, samples: np.ndarray):
    """Updates with the second of each, the transcript, the share of time spent hearing, and how late the end is."""
    live, now, at, busy, updates = LiveTranscriber(model, clock=time.process_time), 0.0, 0, 0.0, []
    while at <= len(samples):
        there = min(len(samples), int(now * SAMPLE_RATE) // BLOCK * BLOCK)
        if there <= at < len(samples):  # nothing new: until the next block
            there = min(len(samples), at + BLOCK)
            now = there / SAMPLE_RATE
        began = time.process_time()
        update = live.feed(samples[at:there]) if at < len(samples) else live.finish()
        spent = time.process_time() - began
        now, busy, at = now + spent, busy + spent, there if at < len(samples) else len(samples) + 1
        if update:
            updates.append((now, update))
    seconds = len(samples) / SAMPLE_RATE
    return updates, live.transcript, busy / seconds, now - seconds


def first_shown(updates, final) -> tuple[np.ndarray, np.ndarray]:
    """For each final word, seconds after its end at which any word was shown in its place, and it itself."""
    place, itself, done = np.full(len(final), np.inf), np.full(len(final), np.inf), []
    ends = np.array([word.end for word in final])
    for now, update in updates:
        done += update.final
        shown = [*done, *update.words]
        starts, stops = (np.array([getattr(word, name) for word in shown]) for name in ("start", "end"))
        texts = np.array([word.text for word in shown])
        for i in np.flatnonzero(np.isinf(itself) & (ends < update.seconds + NEAR_SECONDS)):
            word = final[i]
            if ((starts < word.end) & (stops > word.start)).any():
                place[i] = min(place[i], now)
            if (np.abs((starts + stops) / 2 - word.middle)[texts == word.text] < NEAR_SECONDS).any():
                itself[i] = now
    return place - ends, itself - ends


def changed(updates, final) -> dict:
    """How many words were shown and how many of them are not among the final ones; likewise of stable words."""
    counts = dict.fromkeys(("shown", "shown_changed", "stable", "stable_changed", "corrections"), 0)
    for kind in ("shown", "stable"):
        before = []
        for _, update in updates:
            words = [word for word in update.words if kind == "shown" or word.stable]
            fresh = [word for word in words if not _among(word, before)]
            counts[kind] += len(fresh)
            counts[f"{kind}_changed"] += sum(not _among(word, final) for word in fresh)
            before = words
    counts["corrections"] = sum(len(update.corrections) for _, update in updates)
    return counts


def _among(word, words) -> bool:
    return any(word.text == other.text and abs(word.middle - other.middle) < NEAR_SECONDS for other in words)


def right_words(said: str, final) -> np.ndarray:
    """Which of the final words were said, by an alignment of least errors."""
    right = np.zeros(len(final), bool)
    if len(final):
        for chunk in jiwer.process_words(said, " ".join(word.text for word in final)).alignments[0]:
            right[chunk.hyp_start_idx : chunk.hyp_end_idx] = chunk.type == "equal"
    return right


def latency(seconds: np.ndarray) -> dict:
    """Of latencies, in seconds."""
    found = {f"p{percent}": float(np.percentile(seconds, percent)) for percent in (50, 90, 95)}
    return {"words": len(seconds), **found, "within_1_s": float((seconds <= TARGET_SECONDS).mean())}


def through_pipe(model: str, samples: np.ndarray) -> dict:
    """The same by `keras-stt listen --live`, which is sent blocks when their time has come."""
    program = [sys.executable, "-m", "keras_stt", "listen", "--live", model, "--input=-", "--format=jsonl"]
    pcm = (np.clip(samples, -1, 1) * (2**15 - 1)).round().astype("<i2").tobytes()
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert json.loads(process.stdout.readline())["event"] == "listening"
        events = []
        reader = threading.Thread(target=lambda: events.extend(map(json.loads, process.stdout)))
        reader.start()
        began = time.time()
        for number, first in enumerate(range(0, len(pcm), 2 * BLOCK), 1):
            time.sleep(max(0.0, began + number * BLOCK / SAMPLE_RATE - time.time()))
            process.stdin.write(pcm[first : first + 2 * BLOCK])
            process.stdin.flush()
        process.stdin.close()
        reader.join()
    final = [word for event in events if event["event"] == "update" for word in event["final"]]
    first = [np.inf] * len(final)
    for event in events[:-1]:
        for i, word in enumerate(final):
            for shown in (*event["words"], *event["final"]):
                if shown["start"] < word["end"] and shown["end"] > word["start"]:
                    first[i] = min(first[i], event["time"] - began - word["end"])
    return {"seconds": len(samples) / SAMPLE_RATE, "in_place": latency(np.array(first)), "text": events[-1]["text"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data_dir", required=True)
    parser.add_argument("--model", default="librispeech-small")
    parser.add_argument("--recordings", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=60, help="of a recording, at most")
    arguments = parser.parse_args()
    on_one_core()
    model = keras_stt.load_model(arguments.model)
    LiveTranscriber(model).warm_up()
    rows, latencies, texts = [], defaultdict(list), defaultdict(list)
    for samples, said in recordings(arguments.data_dir, arguments.recordings, arguments.seconds):
        updates, transcript, busy, late = simulate(model, samples)
        place, itself = first_shown(updates, transcript.words)
        for name, found in (("in_place", place), ("as_final", itself)):
            latencies[name].append(found)
        latencies["right"].append(itself[right_words(said, transcript.words)])
        for name, text in (("said", said), ("live", transcript.text)):
            texts[name].append(text)
        texts["offline"].append(model.transcribe(samples, SAMPLE_RATE).text)
        counts = changed(updates, transcript.words)
        rows.append({"seconds": transcript.duration, "real_time_factor": busy, "end_late_seconds": late, **counts})
        print(json.dumps({name: round(value, 3) for name, value in rows[-1].items()}), flush=True)
    total = {name: sum(row[name] for row in rows) for name in rows[0]}
    pipe = through_pipe(arguments.model, samples)
    pipe["wer_against_offline"] = jiwer.wer(texts["offline"][-1], pipe.pop("text"))
    found = {
        "model": arguments.model,
        "backend": keras.backend.backend(),
        "block_seconds": BLOCK / SAMPLE_RATE,
        "recordings": len(rows),
        "seconds": total["seconds"],
        "latency": {name: latency(np.concatenate(each)) for name, each in latencies.items()},
        "real_time_factor": sum(row["real_time_factor"] * row["seconds"] for row in rows) / total["seconds"],
        "shown_changed": total["shown_changed"] / total["shown"],
        "stable_changed": total["stable_changed"] / total["stable"],
        "corrections_per_minute": total["corrections"] / total["seconds"] * 60,
        "wer_live_against_offline": jiwer.wer(texts["offline"], texts["live"]),
        "wer_live": jiwer.wer(texts["said"], texts["live"]),
        "wer_offline": jiwer.wer(texts["said"], texts["offline"]),
        "pipe": pipe,
        "load_average": os.getloadavg(),
        "rows": rows,
    }
    print(json.dumps({name: value for name, value in found.items() if name != "rows"}, indent=1))
    write_results("live", found)


if __name__ == "__main__":
    main()
