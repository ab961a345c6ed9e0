"""Every command that README and the pages under docs name is run, as it stands, in a folder that has what they name.

What cannot be run so, by its size or because it changes the machine, is in TREATMENTS, with the reason. A command that
the table does not know is run: nothing is passed over in silence.
"""

import ast
import contextlib
import copy
import dataclasses
import io
import os
import re
import shlex
import subprocess
import sys
import sysconfig
from configparser import ConfigParser
from pathlib import Path

import keras
import pytest
from documented_commands import PAGES, ROOT, Command, blocks, commands
from sandbox_of_documents import make_sandbox

from keras_stt.cli.main import VERBS, build_parser, main

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the commands are the same on all backends"),
]
# What follows a flag that stands there wins over it: a training that goes the whole way in seconds.
FEW = "--epochs=1 --steps_per_epoch=2 --warmup_steps=1 --test_utterances=2 --nogradient_norms --cache_dir=cache"
SMALL = "--text_context=4 --audio_context=64 --model_dim=32 --attention_heads=2 --audio_blocks=1 --batch_size=8"
TINY_CORPUS = "--dataset=synthetic_tiny"
PLACEHOLDERS = {  # words of the texts that stand for the reader's own, beside the files that the sandbox has
    "DATASET ID": "manifest ID --data_dir=DATASET.jsonl",
    "keras-stt words DATASET": "keras-stt words manifest --data_dir=DATASET.jsonl",
    "LIBRISPEECH_DIR": "LIBRISPEECH",
    "flags/diary/NAME.cfg": "flags/diary/base.cfg",
    "FSDD_FOLDER": "FSDD",
    "score REF HYP": "score ref.stm hyp.ctm",
    "report (D|RUN)": "report runs/base",
}


class Sandbox:
    """The folder, and what is done with a command in it."""

    def __init__(self, folder: Path, train_flags):
        self.folder, self.train_flags = folder, train_flags
        self.server: subprocess.Popen | None = None
        paths = {"PATH": f"{sysconfig.get_path('scripts')}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
        self.environment = {**os.environ, **paths, "CURL_HOME": str(folder)}

    def run(self, words: list[str]) -> None:
        """As it stands: our own program in this process, which has loaded Keras, all else by a shell."""
        said = io.StringIO()
        if ">" in words:
            words, (target,) = words[: words.index(">")], words[words.index(">") + 1 :]
        else:
            target = None
        with contextlib.redirect_stdout(said):
            code = main(words[1:])
        assert code == 0, said.getvalue()
        if target:
            (self.folder / target).write_text(said.getvalue(), encoding="utf-8")

    def shell(self, text: str) -> None:
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", text],
            cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr

    def serve(self, words: list[str]) -> None:
        """Starts the server, once, for all that is asked of it until the end, and waits until it listens."""
        if self.server is None:
            command = [sys.executable, "-m", "keras_stt", *words[1:]]
            pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
            self.server = subprocess.Popen(command, cwd=self.folder, env=self.environment, **pipes)
            assert "http://" in self.server.stdout.readline(), "it did not say where it listens"

    def close(self) -> None:
        if self.server is not None:
            self.server.terminate()
            self.server.wait(30)
            self.server.stdout.close()

    def training_flags(self, arguments: list[str]):
        """The flags of a training, parsed as train_main.py parses them, and found to make sense together."""
        from keras_stt.train.options import TrainOptions

        flags = copy.deepcopy(self.train_flags)
        flags(["train_main.py", *arguments])
        TrainOptions(**{flag.name: flag.value for flag in flags.get_flags_for_module("train_main")})
        return flags

    def train(self, arguments: list[str]) -> None:
        """Trains as train_main.py does, in this process."""
        import train_main

        with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()) as said:
            patch.setattr(train_main.flags, "FLAGS", self.training_flags(arguments))
            code = train_main.main(["train_main.py"])
        assert code == 0, said.getvalue()


def a_few_steps(sandbox: Sandbox, words: list[str]) -> None:
    sandbox.train([*words[2:], *FEW.split()])


def small_on_tiny(sandbox: Sandbox, words: list[str]) -> None:
    sandbox.train([*words[2:], *SMALL.split(), *FEW.split(), TINY_CORPUS])


def read_only(sandbox: Sandbox, words: list[str]) -> None:
    """The corpus is read and prepared, the loss of a perfect answer measured; nothing is trained."""
    sandbox.train([*words[2:], "--task=identity", "--cache_dir=cache"])


def parsed(sandbox: Sandbox, words: list[str]) -> None:
    """The flags are there, take such values, and make sense together."""
    if "|" in words:
        words = words[len(words) - words[::-1].index("|") :]
    if words[0] == "keras-stt":
        build_parser(words[1]).parse_args(words[1:])
    else:
        sandbox.training_flags(words[2:])


def served(sandbox: Sandbox, words: list[str]) -> None:
    sandbox.serve(words)


def named(sandbox: Sandbox, words: list[str]) -> None:
    """The verb is there: it has help."""
    with pytest.raises(SystemExit, match="^0$"):
        main([*words[1:], "--help"])


def evaluated_on_tiny(sandbox: Sandbox, words: list[str]) -> None:
    sandbox.run([*(word.replace("=synthetic", "=synthetic_tiny") for word in words), "--limit=2", "--cache_dir=cache"])


def compared(sandbox: Sandbox, words: list[str]) -> None:
    """Every flagfile is there, and its flags make sense with those for all."""
    parser = build_parser("compare")
    asked = parser.parse_args(words[1:])
    assert asked.flagfiles
    for flagfile in asked.flagfiles:
        sandbox.training_flags([f"--flagfile={flagfile}", *asked.extra_flags])


def benchmarked(sandbox: Sandbox, words: list[str]) -> None:
    """The program is there and defines the flags."""
    source = (ROOT / words[1]).read_text(encoding="utf-8")
    defined = {
        node.args[0].value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "add_argument" and node.args
        if isinstance(node.args[0], ast.Constant)
    }
    if 'f"--{' in source:  # flags named in a loop
        defined |= {f"--{name}" for name in re.findall(r'"(\w+)"', source)}
    asked = {word.partition("=")[0] for word in words[2:] if word.startswith("--")}
    assert asked <= defined, f"{words[1]} has no {', '.join(sorted(asked - defined))}"


def installed(sandbox: Sandbox, words: list[str]) -> None:
    """The extras exist."""
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    named = {name for word in words for found in re.findall(r"^\.\[(.*)\]$", word) for name in found.split(",")}
    assert named <= set(setup["options.extras_require"]), f"setup.cfg has no extra {named}"


def names_tests(sandbox: Sandbox, words: list[str]) -> None:
    """The tests are there."""
    assert all((ROOT / word).is_file() for word in words if word.startswith("tests/"))


# The first that is found in a command says what is done with it, and why it is not run as it stands.
TREATMENTS = (
    (r"^python3\.11 -m venv|^\. \.venv", None, "CI has made and entered an environment, by the same line"),
    (r"^pip install|^python -m pip", installed, "CI has installed the project, by the same line"),
    (r"^(python -m )?pytest", names_tests, "these are the tests, of which this is one"),
    (r"^python benchmarks/", benchmarked, "hours, on real speech; test_benchmarks.py runs parts of them"),
    (r"^sphinx-build ", None, "test_docs.py builds the site by it"),
    (r"^keras-stt compare ", compared, "hours; test_compare.py compares"),
    (r"^keras-stt export ", parsed, "a minute and more; test_cli.py and test_export_utterance.py export"),
    (r"^keras-stt bulk (prepare|transcribe)", parsed, "starts Ray; test_bulk.py runs both"),
    (r"^keras-stt ngrams train-clean-100", parsed, "that text is LibriSpeech's; README's n-grams are learned here"),
    (r"^keras-stt serve", served, "goes on until it is stopped; it is there for what the page asks of it"),
    (r"--live", parsed, "hears a microphone, or what never ends; tests of its own let it hear recordings"),
    (r"train_main.py --help$", None, "test_options.py prints it"),
    (r"^keras-stt evaluate .*--dataset=synthetic$", evaluated_on_tiny, "building that corpus takes a minute"),
    (r"train_main.*(recognizer|own_recordings)", parsed, "the view of utterances; the tutorial trains it"),
    (r"train_main.*(librispeech\.cfg|spoken_digit)", parsed, "TFDS's own corpora; test_librispeech_tfds.py reads them"),
    (r"train_main.*prepared/corpus", None, "made by the command before it; test_bulk.py trains on it"),
    (r"train_main.*--num_processes", parsed, "processes of their own; test_distribution.py starts them"),
    (r"train_main.*--alignment=model", parsed, "a model hears all of train; test_bulk.py aligns so"),
    (r"train_main.*--task=(identity|autoencode)", parsed, "test_train.py runs both"),
    (r"train_main.*(--output_dir=D|diary)", parsed, "stands for any training"),
    (r"train_main.*--alignment_dir=TEXTGRIDS", parsed, "whose TextGrids; the page on data has one of its own"),
    (r"train_main.*--resume", small_on_tiny, "a whole training"),
    (r"train_main.*tiny.cfg .*--data_dir=speech/manifest.csv$", a_few_steps, "training goes on from there as it began"),
    (r"train_main.*flags/digits.cfg", parsed, "synthetic digits beside it take a minute to build"),
    (r"train_main.*--data_dir", read_only, "training is the same on every corpus once it is read"),
    (r"train_main.*flags/base.cfg( --export)?$", parsed, "the sandbox has trained runs/base so, small"),
)  # fmt: skip


NAME = r"keras-stt( [a-z]+){0,2}"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory, train_flags):
    """The sandbox, with `runs/base` trained by README's own command, but small."""
    folder = tmp_path_factory.mktemp("documents")
    make_sandbox(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        sandbox = Sandbox(folder, train_flags)
        small_on_tiny(sandbox, shlex.split("python train_main.py --flagfile=flags/base.cfg"))
        yield sandbox
        sandbox.close()


def treatment(command: str, in_a_block: bool = True):
    """How a command is dealt with, and why."""
    if not in_a_block and re.fullmatch(NAME, command):
        return named, "a name of the command in a sentence, not a use of it"
    return next(((how, why) for pattern, how, why in TREATMENTS if re.search(pattern, command)), ("run", ""))


def follow(sandbox: Sandbox, command: Command) -> None:
    """Does with a command what the table says."""
    for words, meant in PLACEHOLDERS.items():
        command = dataclasses.replace(command, text=re.sub(rf"\b{words}\b", meant, command.text))
    text = command.text if "<<" in command.text else " ".join(command.words(sandbox.folder))
    how, _ = treatment(text, command.in_a_block)
    if how is None:
        return
    if how != "run":
        how(sandbox, command.words(sandbox.folder))
    elif re.match(r"([A-Z_]+=\S+ )*keras-stt [^|<]*$", command.text):
        sandbox.run(command.words(sandbox.folder))
    else:
        sandbox.shell(command.text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_says_works(page, sandbox, capsys):
    """First its commands, then its programs, each of which sees the names of those before it."""
    for command in commands(page):
        try:
            follow(sandbox, command)
        except (Exception, SystemExit) as error:
            said = capsys.readouterr().err
            raise AssertionError(f"{command.where}: {command.text}: {type(error).__name__}: {error} {said}") from error
    names = {}
    for block in blocks(page):
        if block.language == "python":
            exec(compile("\n" * (block.line - 1) + block.text, str(page), "exec"), names)


def test_a_command_that_the_table_does_not_know_is_run(sandbox):
    assert treatment("keras-stt transcribe runs/base recording.wav") == ("run", "")
    with pytest.raises(AssertionError, match="no such file"):
        sandbox.shell("cat no-such-file || { echo no such file >&2; false; }")
    with pytest.raises(SystemExit):
        follow(sandbox, Command("page:1", "keras-stt transcribe runs/base recording.wav --no_such_flag", True))


def test_the_tests_that_the_table_names_are_there():
    named = {name for _, _, why in TREATMENTS for name in re.findall(r"test_\w+\.py", why)}
    assert named
    assert [name for name in named if not (ROOT / "tests" / name).is_file()] == []


def test_commands_are_found_wherever_they_stand(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "Say `keras-stt words X` or `X=1 python a.py`, not `python`.\n\n```sh\n# why\na \\\n  b && c\ncat > f <<'END'\n"
        "d && e\nEND\n```\n| `keras-stt a\\|b` |\n"
    )
    assert commands(page) == [
        Command("page.md:1", "keras-stt words X", False),
        Command("page.md:1", "X=1 python a.py", False),
        Command("page.md:5", "a   b", True),
        Command("page.md:5", "c", True),
        Command("page.md:7", "cat > f <<'END'\nd && e\nEND", True),
        Command("page.md:11", "keras-stt a|b", False),
    ]


def test_every_verb_stands_in_a_page():
    text = " ".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert [verb for verb in VERBS if not re.search(rf"`(keras-stt )?{verb}\b|keras-stt {verb}\b", text)] == []
