"""Where one backend is installed and the others are not: training from the command line and on arrays, and speech."""

import importlib.util
import json
import os
import subprocess
import sys
import sysconfig
from configparser import ConfigParser
from pathlib import Path

import pytest
from tone_manifest import write_tone_manifest

ROOT = Path(__file__).parent.parent
# Backend, what is also not there, and how it is trained from the command line: a corpus of one's own without TensorFlow
# Datasets; the embedded corpus with it, which alone needs no TensorFlow.
CASES = [
    (
        "jax",
        ("tensorflow", "tensorflow_datasets", "torch"),
        "--view=utterance --dataset=manifest --mel_bands=20 --model_dim=8 --audio_blocks=2 --refiner_blocks=1 "
        "--position=rotary --attention_heads=2 --batch_seconds=10 --epochs=1 --steps_per_epoch=2",
    ),
    ("torch", ("tensorflow", "jax", "jaxlib"), "--flagfile=flags/tiny.cfg --epochs=1 --steps_per_epoch=2"),
]
# Fits a model of windows on arrays in memory, and transcribes with that model, the run's, and one that comes along.
PROGRAM = """
import sys
import keras
import numpy as np
import keras_stt
from keras_stt.cli.main import main
from keras_stt.losses import AttentionGuide, token_loss
from keras_stt.text import Vocabulary

folder, run, *gone = sys.argv[1:]
size = {"text_context": 3, "audio_context": 16, "mel_bands": 20, "model_dim": 8, "attention_heads": 2}
model = keras_stt.Recognizer(Vocabulary(["A", "B"]).to_list(), **size)
rng = np.random.default_rng(0)
inputs = {
    "features": rng.standard_normal((8, model.audio_frames, 20)).astype(np.float32),
    "feature_lengths": np.full(8, model.audio_frames, np.int32),
    "token_ids": np.full((8, 3), Vocabulary.mask_id, np.int32),
}
targets = {
    "tokens": np.tile(Vocabulary(["A", "B"]).encode("A B A".split()), (8, 1)).astype(np.int32),
    "attention": np.zeros((8, 3, 2), np.float32),
}
model.compile("adam", loss={"tokens": token_loss("crossentropy"), "attention": AttentionGuide()})
history = model.fit(inputs, targets, batch_size=4, epochs=2, verbose=0).history["loss"]
assert history[1] < history[0], history
model.save(f"{folder}/arrays.keras")
for name in (f"{folder}/arrays.keras", run, "digits-small"):
    print(name, keras_stt.load_model(name).transcribe(f"{folder}/0.wav"))
assert main(["evaluate", run, "--dataset=manifest", f"--data_dir={folder}/all.jsonl"]) == 0
assert not set(gone) & set(sys.modules)
"""


def links_without(gone, folder: Path) -> Path:
    """A folder of links to all packages that are installed here but those in `gone`, and this one."""
    folder.mkdir()
    gone = {"keras_stt", *gone}
    for path in Path(sysconfig.get_paths()["purelib"]).iterdir():
        if path.name.split("-")[0].split(".")[0] not in gone and path.suffix != ".pth":
            (folder / path.name).symlink_to(path)
    return folder


class Installation:
    """Python with all packages that are installed here but those in `gone`."""

    def __init__(self, backend: str, gone, folder: Path):
        if importlib.util.find_spec(backend) is None:
            pytest.skip(f"{backend} is not installed: pip install keras_stt[{backend}]")
        packages = links_without(gone, folder)
        self.environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": f"{packages}{os.pathsep}{ROOT}"}
        for name in gone:
            self.python("-c", f"import importlib.util; assert importlib.util.find_spec({name!r}) is None")

    def python(self, *arguments) -> str:
        """What it prints."""
        command = [sys.executable, "-S", *map(str, arguments)]  # -S: no packages but those that are linked
        done = subprocess.run(command, env=self.environment, cwd=ROOT, capture_output=True, text=True, timeout=1800)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(("backend", "gone", "flags"), CASES, ids=[case[0] for case in CASES])
def test_one_backend_trains_and_transcribes_without_the_others(backend, gone, flags, tmp_path):
    installed = Installation(backend, gone, tmp_path / "packages")
    manifest, run = write_tone_manifest(tmp_path), tmp_path / "run"
    corpus = [f"--data_dir={manifest}"] if "manifest" in flags else []
    installed.python("train_main.py", *flags.split(), *corpus, f"--cache_dir={tmp_path}/cache", f"--output_dir={run}")
    summary = json.loads((run / "summary.json").read_text())
    assert summary["backend"] == backend
    assert not {"tensorflow", "jax", "torch"} - {backend} & set(summary["versions"])
    assert {"model.keras", "history.csv", "report.html", "checkpoint"} <= {path.name for path in run.iterdir()}
    assert "WER" in installed.python("-c", PROGRAM, tmp_path, run, *gone)


@pytest.mark.slow
def test_an_installation_without_extras_needs_neither_jax_nor_torch(tmp_path):
    installed = Installation("tensorflow", ("jax", "jaxlib", "torch"), tmp_path / "packages")
    write_tone_manifest(tmp_path)
    installed.python("-c", "import train_main, keras_stt.train.run, keras_stt.export, keras_stt.compare")
    installed.python("-m", "keras_stt", "transcribe", "digits-small", tmp_path / "0.wav")


def test_readme_names_all_that_an_installation_without_tensorflow_needs():
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    required = {line.split(">")[0] for line in setup["options"]["install_requires"].split()} - {"tensorflow"}
    (line,) = (
        line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith("pip install --no-deps")
    )
    named = line.partition("&& pip install ")[2].split()
    assert set(named) - {"jax"} == required
