"""Trains a speech recogniser: python train_main.py --flagfile=flags/base.cfg

The one place that defines training flags. What a run leaves in --output_dir is described in README.md.
"""

import os
import sys
import traceback

from absl import app, flags, logging

from keras_stt.cli.backend import missing_backend, require_known_backend
from keras_stt.cli.compiled import keep_compiled
from keras_stt.cli.endings import ending
from keras_stt.cli.flag_help import FlagGroups, define_help, refused_flag
from keras_stt.cli.launch import launch
from keras_stt.cli.quiet import quiet_tensorflow
from keras_stt.errors import FlagError
from keras_stt.train.distribution.job import Job, job_of

USAGE = """usage: python train_main.py --flagfile=flags/base.cfg [--FLAG=VALUE ...]

Trains a speech recogniser, and writes it to --output_dir with a report."""

groups = FlagGroups(flags.FLAGS, sys.modules[__name__])

groups.begin("Corpus")
flags.DEFINE_string(
    "dataset",
    "synthetic",
    "Corpus: synthetic, synthetic_tiny, synthetic_digits, librispeech (TFDS), librispeech_folder, stm, manifest, "
    "digits, spoken_digit.",
)
flags.DEFINE_string("data_dir", "", "Folder or file of the corpus; for TFDS corpora the folder TFDS prepared them in.")
flags.DEFINE_string("archive_dir", "", "Folder with LibriSpeech archives (train-clean-100.tar.gz, ...) to prepare.")
for split in ("train", "dev", "test"):
    flags.DEFINE_string(f"{split}_splits", "", f"Parts of the corpus for {split}, comma-separated; empty: its own.")
flags.DEFINE_list("dev_speakers", [], "Speakers held out for dev; none (digits): the first extra corpus's dev.")
flags.DEFINE_list("test_speakers", [], "Speakers held out for test, in corpora without named splits.")
flags.DEFINE_list("extra_train_dataset", [], "Corpora, as NAME or NAME=FOLDER, whose train splits are added to train.")
flags.DEFINE_bool("download", False, "Allow the network: TFDS may download the corpus.")
flags.DEFINE_string("cache_dir", "~/.cache/keras_stt", "Folder for built corpora, indexes and features.")
flags.DEFINE_integer(
    "vocabulary_size", 0, "Most tokens in the vocabulary, the 4 special ones included; 0: all words. [tokens]"
)
flags.DEFINE_integer("max_utterances", 0, "Utterances read of each split; 0: all. [utterances]")
flags.DEFINE_float(
    "max_skipped_share",
    0.5,
    "Share of records that may be skipped; above it the run stops before training. [share, 0 to 1]",
)

groups.begin("Word times")
flags.DEFINE_string("alignment", "auto", "Word times: auto, corpus, textgrid, ctm, uniform, proportional, model.")
flags.DEFINE_string("alignment_dir", "", "Folder with TextGrid or CTM files.")
flags.DEFINE_string("alignment_model", "", "With --alignment=model: the recogniser that aligns, by name or path.")
flags.DEFINE_bool("train_known_times", False, "Train only on utterances whose word times can be known.")

groups.begin("Audio and features")
flags.DEFINE_integer("mel_bands", 80, "Mel bands of a frame; fewer blur the voice's pitch. [bands]")
flags.DEFINE_bool("feature_cache", True, "Keep log-mel frames on disk (16 KB for a second of audio).")

groups.begin("View")
flags.DEFINE_enum(
    "view",
    "window",
    ("window", "utterance"),
    "What a sample is: window: some words and their audio. utterance: a whole utterance.",
)

groups.begin("Windows, with --view=window")
flags.DEFINE_integer("text_context", 8, "Words in a window. [words]")
flags.DEFINE_integer("audio_context", 128, "Audio steps in a window. [audio steps]")
flags.DEFINE_integer("text_stride", 1, "Words from one training window to the next. [words]")
flags.DEFINE_integer("audio_stride_ms", 60, "Milliseconds between audio steps, a multiple of 10. [milliseconds]")
flags.DEFINE_enum(
    "audio_pooling", "conv", ("stack", "conv", "mean", "pick"), "How frames of 10 ms become an audio step."
)
flags.DEFINE_enum(
    "pad_token", "sil", ("sil", "pad"), "What fills slots of a window in which no word is heard: <sil> or <pad>."
)
flags.DEFINE_enum(
    "pad_side",
    "right",
    ("right", "left", "both"),
    "Where the slots without a word are: to the right, the left or both sides of the words.",
)
flags.DEFINE_float("pad_weight", 1.0, "Weight of slots without a word in the loss; 0 asks nothing there. [weight]")

groups.begin("Utterances, with --view=utterance")
flags.DEFINE_enum(
    "tokens",
    "characters",
    ("characters", "bpe", "unigram", "warm_start"),
    "What is written; warm_start: the tokens of its model, however many.",
)
flags.DEFINE_integer(
    "token_count", 256, "Subwords, the blank of CTC included; characters are as many as there are. [tokens]"
)
flags.DEFINE_float("max_seconds", 20.0, "Longer train utterances are left out; 0: none. [seconds]")
flags.DEFINE_float("train_hours", 0.0, "Train on so many hours, of utterances spread over the corpus; 0: all. [hours]")
flags.DEFINE_float("batch_seconds", 120.0, "Audio in a step, in seconds, padding included. [seconds]")
flags.DEFINE_integer("short_first_epochs", 0, "Epochs in which short utterances come first. [epochs]")
flags.DEFINE_string("text_corpus", "", "Text file, a text a line, that the refiner also reads, without audio.")
flags.DEFINE_float("text_share", 0.5, "Text in a step, as a share of the steps that audio takes. [ratio]")
flags.DEFINE_float("text_weight", 0.5, "Weight of the loss on such text. [weight]")

groups.begin("Masking and objective")
flags.DEFINE_enum(
    "task",
    "transcribe",
    ("transcribe", "infill", "last_word", "autoencode", "identity"),
    "What is masked. transcribe: all words. infill: a share of them. last_word: the last. autoencode: none, the text "
    "is said again. identity: no training, a perfect answer is scored to check the objective.",
)
flags.DEFINE_enum(
    "mask_schedule",
    "constant",
    ("constant", "linear", "cosine", "uniform"),
    "How the masked share goes over training; uniform draws it anew for each window.",
)
flags.DEFINE_float("mask_from", 0.5, "Masked share at the beginning; constant stays there. [share, 0 to 1]")
flags.DEFINE_float("mask_to", 1.0, "Masked share at the end; uniform draws between the two. [share, 0 to 1]")
flags.DEFINE_enum("loss", "crossentropy", ("crossentropy", "mse", "binary_crossentropy", "focal"), "Loss on tokens.")
flags.DEFINE_float(
    "label_smoothing", 0.0, "Share of a target that is spread over all tokens, 0 up to but not 1. [share, 0 to 1]"
)
flags.DEFINE_enum(
    "class_weighting",
    "none",
    ("none", "inverse_frequency", "effective_number", "focal"),
    "Weights of tokens in the loss; focal: by how badly each is said.",
)
flags.DEFINE_float("attention_guide", 1.0, "Weight of the loss that shows slots where known words are. [weight]")

groups.begin("Model")
flags.DEFINE_integer("model_dim", 128, "Width of text and audio vectors. [values]")
flags.DEFINE_integer("audio_blocks", 2, "Blocks for audio alone, before the cross-domain blocks. [blocks]")
flags.DEFINE_string(
    "audio_mixer",
    "conv",
    "How audio steps see each other: conv, attention, both; in turn, in each half of the encoder: conv,both.",
)
flags.DEFINE_integer(
    "blocks", 1, "Cross-domain blocks, in which text and audio attend to each other; 0: deaf. [blocks]"
)
flags.DEFINE_integer("attention_heads", 4, "Heads of each attention. [heads]")
flags.DEFINE_float("dropout", 0.0, "Share of values dropped in training, 0 up to but not 1. [share, 0 to 1]")
flags.DEFINE_bool("residual", True, "A path around every part of a block.")
flags.DEFINE_enum("normalization", "rms", ("none", "layer", "rms"), "Before every part of a block.")
flags.DEFINE_string("attention_activation", "none", "After every attention: none, or an activation of Keras (relu).")

groups.begin("Positions")
flags.DEFINE_enum(
    "position",
    "learned",
    ("none", "learned", "sinusoidal", "diagonal", "conv", "relative", "relative_conv", "rotary", "alibi"),
    "Positions of text and audio. learned, sinusoidal, diagonal and conv are added to the values; relative, "
    "relative_conv, rotary and alibi are in attention.",
)
flags.DEFINE_integer(
    "relative_window", 16, "Places to each side that relative and relative_conv tell apart. [audio steps]"
)
flags.DEFINE_bool("word_clock", True, "Help text slots find their word by counting words along the audio.")

groups.begin("Model of utterances, with --view=utterance")
flags.DEFINE_integer("subsampling", 4, "Frames of 10 ms in a step of audio: 2, 4, 6 or 8. [frames]")
flags.DEFINE_integer("mixer_kernel", 5, "Steps that a convolution between audio steps spans. [audio steps]")
flags.DEFINE_float(
    "middle_weight", 0.5, "Weight of a CTC loss halfway, whose output goes back in; 0: no such head. [weight]"
)
flags.DEFINE_float(
    "phone_weight", 0.0, "Weight of saying phones halfway, where TextGrids tell them; 0: no such head. [weight]"
)
flags.DEFINE_integer(
    "known_phones_steps", 0, "Steps at the beginning that read only utterances of known phones. [training steps]"
)
flags.DEFINE_integer(
    "refiner_blocks", 2, "Blocks that read audio and a masked draft, and say the text again; 0: none. [blocks]"
)
flags.DEFINE_string("refiner_mixer", "conv", "How steps of the refiner look at each other; see --audio_mixer.")
flags.DEFINE_float("refiner_weight", 0.5, "Weight of the refiner's CTC loss. [weight]")
flags.DEFINE_float(
    "consistency", 0.0, "Weight of agreement between two views of each utterance (CR-CTC); 0: one view. [weight]"
)
flags.DEFINE_enum("precision", "float32", ("float32", "mixed_bfloat16"), "Of arithmetic.")
flags.DEFINE_string("warm_start", "", "A model whose weights of like name and shape training begins with.")

groups.begin("Optimisation")
flags.DEFINE_integer("batch_size", 16, "Windows in a step. [windows]")
flags.DEFINE_integer("epochs", 10, "Epochs; dev WER is measured after each. [epochs]")
flags.DEFINE_integer("steps_per_epoch", 0, "Steps in an epoch; 0: until every window was seen once. [training steps]")
flags.DEFINE_float(
    "budget_cpu_s", 0.0, "CPU-seconds (user and system) for training: sets the steps; 0: no budget. [CPU-seconds]"
)
flags.DEFINE_integer(
    "overfit_batches",
    0,
    "Check that ends the run: learn so many batches by heart, in at most 1,500 steps; 0: none. [batches]",
)
flags.DEFINE_enum("optimizer", "adamw", ("adamw", "adam", "sgd", "momentum", "lion", "muon"), "Optimizer.")
flags.DEFINE_enum(
    "schedule",
    "cosine",
    ("cosine", "linear", "exponential", "constant"),
    "Learning rate after the warm-up: cosine and linear end at 0.",
)
flags.DEFINE_float("learning_rate", 2e-3, "Highest learning rate, reached after the warm-up. [rate]")
flags.DEFINE_integer("warmup_steps", 60, "Steps of linear warm-up. [training steps]")
flags.DEFINE_float("weight_decay", 0.01, "Decoupled weight decay. [rate]")
flags.DEFINE_float("clip_norm", 1.0, "Norm to which the gradient of each weight is clipped; 0: not at all. [norm]")
flags.DEFINE_float(
    "weight_average", 0.995, "Momentum of the averaged weights that are evaluated and saved. [share, 0 to 1]"
)
flags.DEFINE_integer("seed", 1, "Of weights, order, masks and augmentation. [number]")

groups.begin("Variation in training")
flags.DEFINE_float(
    "window_jitter", 1.0, "How far windows begin from a word's start; 1: up to half a word away. [half words]"
)
flags.DEFINE_float("tempo", 0.0, "Largest relative change of speed. [share, 0 to 1]")
flags.DEFINE_float(
    "vocal_tract", 0.0, "Largest relative change of vocal tract length (a frequency warp). [share, 0 to 1]"
)
flags.DEFINE_float("noise", 0.0, "Most noise, in nats above the quietest tenth of a band. [nats]")
flags.DEFINE_float(
    "telephone", 0.0, "Share of windows with nothing above 4 kHz, for corpora of 8 kHz beside others. [share, 0 to 1]"
)
flags.DEFINE_float(
    "speed", 0.0, "Utterances are heard at 1, 1 - speed and 1 + speed times their own, pitch and all. [share, 0 to 1]"
)
flags.DEFINE_float("gain", 0.0, "Largest change of loudness, in nats of energy (0.23 is a decibel). [nats]")
flags.DEFINE_integer("time_masks", 0, "Masked stretches of up to 200 ms in a sample. [masks]")
flags.DEFINE_float(
    "time_mask_ratio", 0.0, "Above 0, masks span up to this share of an utterance, and are as many. [share, 0 to 1]"
)
flags.DEFINE_integer("frequency_masks", 0, "Masked stretches of mel bands in a sample. [masks]")
flags.DEFINE_integer("frequency_mask_bands", 10, "Widest of them, in mel bands. [bands]")

groups.begin("Checkpoints and survival")
flags.DEFINE_enum(
    "keep", "best", ("best", "last"), "Weights that are saved: best are those of the epoch with the lowest dev WER."
)
flags.DEFINE_bool("resume", False, "Go on from the last whole checkpoint in --output_dir.")
flags.DEFINE_integer(
    "checkpoint_steps", 500, "Steps between checkpoints; there is one after each epoch; 0: no others. [training steps]"
)
flags.DEFINE_integer("keep_checkpoints", 2, "Newest checkpoints that are kept, beside the best. [checkpoints]")
flags.DEFINE_integer(
    "nan_retries",
    3,
    "How often training goes back to the last checkpoint at half the rate, when the loss is no number. [retries]",
)
flags.DEFINE_bool(
    "stop_on_collapse", False, "Stop when the model says one word whatever it hears, for three epochs after the first."
)

groups.begin("Several devices and processes")
flags.DEFINE_enum(
    "distribution",
    "none",
    ("none", "data", "model"),
    "data: devices share every batch (jax: keras.distribution, tensorflow: tf.distribute). model: some "
    "share each copy of the model too (jax).",
)
flags.DEFINE_integer(
    "num_processes",
    0,
    "Processes of the run; 0: KERAS_DISTRIBUTION_NUM_PROCESSES, else 1. All of one --output_dir. [processes]",
)
flags.DEFINE_integer(
    "process_id",
    -1,
    "Which this one is, from 0; below 0: KERAS_DISTRIBUTION_PROCESS_ID, else this one starts them all on this "
    "machine. [number]",
)
flags.DEFINE_string(
    "job_addresses", "", "HOST:PORT of each process, comma-separated; empty: KERAS_DISTRIBUTION_JOB_ADDRESSES."
)
flags.DEFINE_integer(
    "cpu_devices", 0, "Virtual devices of the CPU in each process, to try this out; 0: none. [devices]"
)
flags.DEFINE_integer("model_shards", 2, "With --distribution=model, devices that share a copy of the model. [devices]")
flags.DEFINE_list(
    "layout",
    [
        ".*feed_forward/inner/kernel=1",
        ".*feed_forward/outer/kernel=0",
        ".*(query|key_value)/kernel=1",
        ".*/output/kernel=0",
    ],
    "With --distribution=model, PATTERN=AXIS: variables whose path has the pattern are cut along that axis.",
)
flags.DEFINE_integer(
    "batch_multiple",
    1,
    "Of every batch's size: as many devices as will ever share one; a resumed run keeps to it. [utterances or windows]",
)

groups.begin("Evaluation and output")
flags.DEFINE_integer(
    "passes", 1, "Passes: with more, the surest words stay, the rest is said again; 0: a draft. [passes]"
)
flags.DEFINE_integer("hop_ms", 600, "Milliseconds between overlapping windows in transcription. [milliseconds]")
flags.DEFINE_integer("test_utterances", 0, "Test utterances evaluated at the end; 0: all. [utterances]")
flags.DEFINE_bool("gradient_norms", True, "Measure the gradient of every layer after each epoch.")
flags.DEFINE_string("output_dir", "runs/base", "Folder for the model, summary, report and checkpoints.")
flags.DEFINE_bool("export", False, "Write a SavedModel to --output_dir/export and check it.")


def main(argv) -> int:
    if not flags.FLAGS.budget_cpu_s:  # what is compiled is paid for: it must not depend on what was compiled before
        keep_compiled()
    if len(argv) > 1:
        print(f"train_main.py: {argv[1]!r} is no flag; flags begin with --", file=sys.stderr)
        return 2
    job = Job()
    try:
        require_known_backend()
        job = asked_job()
        if job.process is None:
            return launch(job, [sys.executable, *sys.argv])
        from keras_stt.train.run import train  # Keras takes seconds to import: not for --help

        logging.set_verbosity(logging.WARNING)
        summary = train(options_from_flags(), flags=flagfile())
    except ModuleNotFoundError as error:
        print(f"train_main.py: {missing_backend(error)}", file=sys.stderr)
        return 2
    except BaseException as error:
        told = ending(error, flags.FLAGS.output_dir, job.process, job.processes)
        if told is None and job.processes == 1:
            raise
        if told is None:
            traceback.print_exc()
            os._exit(1)
        print(f"train_main.py: {told[0]}", file=sys.stderr, flush=True)
        if job.processes > 1:
            os._exit(told[1])  # at an orderly end it would wait for processes that may be gone
        return told[1]
    if not summary:  # the first process tells
        return 0
    if "verdict" in summary:
        print(f"{'healthy' if summary['healthy'] else 'not healthy'}: {summary['verdict']}")
        return 0 if summary["healthy"] else 1
    if "export" in summary:
        print(f"export: largest logit difference {summary['export']['largest_logit_difference']:.1e}")
    print(
        f"test WER {summary['test_wer']:.1%}{interval(summary)} on {summary['test_wer_of']}; "
        f"{summary['train_cpu_seconds']:.0f} CPU-seconds of training, "
        f"{summary['peak_memory_mb']:,.0f} MB of memory at most; see "
        f"{os.path.join(flags.FLAGS.output_dir, 'report.html')}"
    )
    return 0


def asked_job() -> Job:
    """The processes that the flags ask for."""
    asked = flags.FLAGS
    job = job_of(asked.num_processes, asked.process_id, asked.job_addresses)
    if asked.distribution == "none" and job != Job():
        raise FlagError("distribution", f"{job.processes} processes that share nothing; give data or model")
    return job


def flagfile() -> str:
    """What gives these flags again, but for `--resume`."""
    defined = sorted(defined_flags(), key=lambda flag: flag.name)
    return "".join(flag.serialize() + "\n" for flag in defined if flag.name != "resume")


def defined_flags() -> list[flags.Flag]:
    """Those of this file, with their values."""
    return flags.FLAGS.get_flags_for_module(sys.modules[__name__])


def options_from_flags():
    """The `TrainOptions` that the parsed flags give."""
    from keras_stt.train.options import TrainOptions

    return TrainOptions(**{flag.name: flag.value for flag in defined_flags()})


def interval(summary: dict) -> str:
    """The bounds of the test WER, where it was measured on whole utterances."""
    low, high = summary.get("test_wer_interval", (None, None))
    return "" if low is None else f" ({low:.1%} to {high:.1%})"


def parse(argv):
    """absl's parser, with our own help, and an unknown flag or a value of the wrong kind as one line."""
    define_help(groups, USAGE)
    try:
        return flags.FLAGS(argv)
    except (flags.Error, OSError) as error:
        print(f"train_main.py: {refused_flag(error, flags.FLAGS)}; see train_main.py --help", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    quiet_tensorflow()
    app.run(main, flags_parser=parse)
