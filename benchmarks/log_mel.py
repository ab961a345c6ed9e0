"""Log-mel frames: ours beside librosa, transformers' feature extractors and kaldi-native-fbank.

    pip install transformers kaldi-native-fbank torch
    python benchmarks/log_mel.py [--data_dir=LIBRISPEECH_FOLDER] [--rounds=5]

All take a waveform in memory, one utterance after the other, to 80 mel bands of 25 ms windows every 10 ms. librosa is
asked for exactly our frames, and the largest difference is reported; the others differ as their models want it:
Whisper's FFT has 400 points, Parakeet's extractor and Kaldi's emphasise high frequencies first. kaldi-native-fbank
takes a waveform only as a sequence of Python numbers and gives its frames one by one: making the list of numbers is a
fifth of its time, stacking the frames a twentieth. A peer that is not installed is left out. Writes
benchmarks/results/log_mel.json and prints the table.
"""

import argparse
import importlib.util
from collections.abc import Callable, Iterable

import numpy as np
from rounds import ROUNDS, in_turn, on_one_core, times_as_fast, write_results
from speech import recordings

from keras_stt.audio import SAMPLE_RATE
from keras_stt.features import EDGE, FFT_LENGTH, HOP_LENGTH, LOG_FLOOR, MEL_BANDS, WINDOW_LENGTH, log_mel

OURS = "keras_stt"


def librosa_log_mel(samples: np.ndarray) -> np.ndarray:
    """The frames of `log_mel` as librosa computes them."""
    import librosa

    energies = librosa.feature.melspectrogram(
        y=np.pad(samples, EDGE + (FFT_LENGTH - WINDOW_LENGTH) // 2),
        sr=SAMPLE_RATE,
        n_fft=FFT_LENGTH,
        win_length=WINDOW_LENGTH,
        hop_length=HOP_LENGTH,
        center=False,
        power=2.0,
        n_mels=MEL_BANDS,
    )
    return np.log(energies.T + LOG_FLOOR)


def whisper() -> Callable[[np.ndarray], object]:
    from transformers import WhisperFeatureExtractor

    extract = WhisperFeatureExtractor(feature_size=MEL_BANDS)  # asked not to pad to its 30 s
    return lambda samples: extract(samples, sampling_rate=SAMPLE_RATE, padding="longest", return_tensors="np")


def parakeet() -> Callable[[np.ndarray], object]:
    from transformers import ParakeetFeatureExtractor

    extract = ParakeetFeatureExtractor(feature_size=MEL_BANDS)
    return lambda samples: extract(samples, sampling_rate=SAMPLE_RATE)


def kaldi() -> Callable[[np.ndarray], object]:
    from kaldi_native_fbank import FbankOptions, OnlineFbank

    options = FbankOptions()
    options.frame_opts.samp_freq = SAMPLE_RATE
    options.frame_opts.dither = 0
    options.frame_opts.snip_edges = False
    options.mel_opts.num_bins = MEL_BANDS

    def extract(samples):
        bank = OnlineFbank(options)
        bank.accept_waveform(SAMPLE_RATE, samples.tolist())  # a list is taken faster than an array
        bank.input_finished()
        return np.stack([bank.get_frame(frame) for frame in range(bank.num_frames_ready)])

    return extract


PEERS = {  # name: its package, and what makes it
    "librosa": ("librosa", lambda: librosa_log_mel),
    "transformers, Whisper": ("transformers", whisper),
    "transformers, Parakeet": ("transformers", parakeet),
    "kaldi-native-fbank": ("kaldi_native_fbank", kaldi),
}


def installed() -> list[str]:
    """The peers that are there."""
    return [name for name, (package, _) in PEERS.items() if importlib.util.find_spec(package)]


def compare(utterances: list[np.ndarray], rounds: int, peers: Iterable[str]) -> list[dict]:
    """A row for us and for each peer: median speed, and how many times as fast we are."""
    extractors = {OURS: log_mel} | {name: PEERS[name][1]() for name in peers}
    ways = {
        name: lambda extract=extract: [extract(samples) for samples in utterances]
        for name, extract in extractors.items()
    }
    seconds, audio = in_turn(ways, rounds), sum(map(len, utterances)) / SAMPLE_RATE
    return [
        {
            "name": name,
            "times_real_time": audio / float(np.median(spent)),
            "ours_times_as_fast": times_as_fast(seconds, OURS, name),
        }
        for name, spent in seconds.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data_dir", default="")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    arguments = parser.parse_args()
    on_one_core()
    utterances = recordings(arguments.data_dir)
    rows = compare(utterances, arguments.rounds, installed())
    difference = max(float(np.abs(log_mel(samples) - librosa_log_mel(samples)).max()) for samples in utterances)
    for row in rows:
        print(f"{row['name']:24s}{row['times_real_time']:8,.0f} x real time; ours {row['ours_times_as_fast']:.2f} x")
    print(f"largest difference to librosa: {difference:.1e}")
    found = {"rounds": arguments.rounds, "rows": rows, "largest_difference_to_librosa": difference}
    packages = {"scipy", *(PEERS[name][0].replace("_", "-") for name in installed())}
    write_results("log_mel", found | {"speech": "LibriSpeech" if arguments.data_dir else "synthetic"}, sorted(packages))


if __name__ == "__main__":
    main()
