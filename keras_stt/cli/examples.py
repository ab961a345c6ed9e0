"""How the verbs are listed and what they look like when they are typed: what `--help` ends with."""

# Verbs by what they are for. Those of VERBS that are not named here are listed last.
GROUPS = {
    "listen to recordings": ("transcribe", "listen", "serve", "align", "fill", "rank", "bulk"),
    "train and measure": ("evaluate", "score", "compare", "report", "ngrams", "export"),
    "look at a corpus": ("stm", "words"),
    "this program": ("doctor", "completion"),
}

EXAMPLES = {
    "transcribe": (
        "keras-stt transcribe librispeech-small talk.flac",
        "keras-stt transcribe runs/base *.wav --format=jsonl",
    ),
    "evaluate": (
        "keras-stt evaluate librispeech-small --dataset=synthetic_tiny --limit=20",
        "keras-stt evaluate runs/base --dataset=manifest --data_dir=own.jsonl --output_dir=measured",
    ),
    "align": (
        "keras-stt align librispeech-small talk.flac 'the words that are said'",
        "keras-stt align librispeech-small talk.flac talk.txt --format=jsonl",
    ),
    "fill": ("keras-stt fill librispeech-small talk.flac 'the ___ that are said'",),
    "rank": ("keras-stt rank digits-small call.wav ONE TWO THREE",),
    "report": ("keras-stt report runs/base",),
    "serve": ("keras-stt serve librispeech-small", "keras-stt serve runs/base --port=8000"),
    "score": ("keras-stt score reference.stm heard.ctm",),
    "ngrams": ("keras-stt ngrams minutes.txt minutes.npz --order=3",),
    "export": (
        "keras-stt export librispeech-small exported",
        "keras-stt export runs/base exported --format=onnx --int8 --audio=recordings",
    ),
    "compare": ("keras-stt compare flags/tiny.cfg flags/base.cfg --output_dir=compared --seeds=3 -- --epochs=2",),
    "bulk": (
        "keras-stt bulk transcribe librispeech-small recordings --output=transcribed",
        "keras-stt bulk prepare --dataset=librispeech_folder --data_dir=LibriSpeech --output=prepared",
    ),
    "stm": ("keras-stt stm LibriSpeech/dev-clean dev.stm",),
    "words": (
        "keras-stt words synthetic_tiny --top=10",
        "keras-stt words --text train.txt --held_out dev.txt --output_dir=counted",
    ),
    "listen": (
        "keras-stt listen librispeech_folder 103-1240-0000 --data_dir=LibriSpeech --word=2-4 --output=clip.wav",
        "keras-stt listen --live",
        "keras-stt listen --live digits-small --input=- --rate=8000 < speech.raw",
    ),
    "doctor": ("keras-stt doctor", "keras-stt doctor --json"),
    "completion": (
        "keras-stt completion bash > ~/.local/share/bash-completion/completions/keras-stt",
        "keras-stt completion fish > ~/.config/fish/completions/keras-stt.fish",
    ),
}


def epilog_of(verb: str) -> str | None:
    """What the help of a verb ends with; None of one without examples."""
    return "\n".join(["examples:", *(f"  {line}" for line in EXAMPLES[verb])]) if verb in EXAMPLES else None


def grouped(words: dict[str, str]) -> str:
    """The verbs with their words, by group.

    Args:
        words: what each verb is for, by verb.
    """
    named = {verb for verbs in GROUPS.values() for verb in verbs}
    groups = {**GROUPS, "more": tuple(verb for verb in words if verb not in named)}
    lines = []
    for title, verbs in groups.items():
        there = [f"  {verb:<12}{words[verb]}" for verb in verbs if verb in words]
        lines += ["", f"{title}:", *there] if there else []
    return "\n".join(lines[1:])
