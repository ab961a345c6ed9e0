"""Scripts by which shells complete, run by the shells themselves."""

import shutil
import subprocess

import pytest

from keras_stt.cli.completion import whole_parser
from keras_stt.cli.main import VERBS, main
from keras_stt.cli.parser import parsers_below

pytest.importorskip("shtab")

# What bash does when Tab is pressed at the end of a line of words; "=" is one.
BASH = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
function=$(complete -p "$1" | sed 's/.*-F \\([^ ]*\\).*/\\1/')
"$function" "$1" "${!#}" "${@: -2:1}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    """The file of what the command prints for a shell and a program."""
    folder = tmp_path_factory.mktemp("completion")

    def write(capsys, shell: str, program: str = "keras-stt"):
        path = folder / f"{program}.{shell}"
        if not path.exists():
            assert main(["completion", shell, f"--program={program}"]) == 0
            path.write_text(capsys.readouterr().out)
        return path

    return write


def needs(shell: str) -> str:
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"no {shell} here")
    return found


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (["tra"], ["transcribe"]),
        (["transcribe", "--form"], ["--format"]),
        (["evaluate", "--split", "d"], ["dev"]),
        (["bulk", "pre"], ["prepare"]),
        (["bulk", "transcribe", "--worker_"], ["--worker_cpus", "--worker_gpus"]),
        (["completion", "f"], ["fish"]),
        (["evaluate", "--split", "=", "d"], ["dev"]),
        (["evaluate", "--split", "="], ["train", "dev", "test"]),
        (["evaluate", "--split", "=", "dev", "--lim"], ["--limit"]),
    ],
)
def test_bash_completes(script, capsys, line, expected):
    command = [needs("bash"), "-c", BASH, "bash", str(script(capsys, "bash")), "keras-stt", *line]
    assert subprocess.run(command, capture_output=True, text=True).stdout.split() == expected


def test_what_is_a_file_is_completed_as_one():
    """zsh and fish complete nothing that they are not told of."""
    parsers = {parser.prog: parser for parser in parsers_below(whole_parser())}
    for prog, names in {
        "score": {"reference", "hypothesis", "against", "alignments"},
        "report": {"run_folder"},
    }.items():
        completed = {one.dest for one in parsers[f"keras-stt {prog}"]._actions if getattr(one, "complete", None)}
        assert names <= completed


def test_bash_completes_all_verbs_and_files(script, capsys, tmp_path):
    command = [needs("bash"), "-c", BASH, "bash", str(script(capsys, "bash")), "keras-stt"]
    assert set(subprocess.run([*command, ""], capture_output=True, text=True).stdout.split()) == set(VERBS)
    (tmp_path / "talk.flac").touch()
    done = subprocess.run([*command, "align", "librispeech-small", f"{tmp_path}/ta"], capture_output=True, text=True)
    assert done.stdout.split() == [f"{tmp_path}/talk.flac"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (["train_main.py", "--max_s"], ["--max_skipped_share", "--max_seconds"]),
        (["train_main.py", "--view", ""], ["window", "utterance"]),
        (["python", "train_main.py", "--learning"], ["--learning_rate"]),
        (["python3", "there/train_main.py", "--keep", "l"], ["last"]),
        (["python", "train_main.py", "--view", "=", "u"], ["utterance"]),
        (["python", "other.py", "--learning"], []),
        (["train_main.py", "--nores"], ["--noresidual", "--noresume"]),
    ],
)
def test_bash_completes_training_flags(script, capsys, line, expected):
    path = script(capsys, "bash", "train_main.py")
    command = [needs("bash"), "-c", BASH, "bash", str(path), *line]
    assert subprocess.run(command, capture_output=True, text=True).stdout.split() == expected


def test_fish_completes(script, capsys):
    fish, path = needs("fish"), script(capsys, "fish")
    for line, expected in (("tra", "transcribe"), ("transcribe --form", "--format"), ("bulk pre", "prepare")):
        done = subprocess.run(
            [fish, "-c", f"source {path}; complete -C 'keras-stt {line}'"], capture_output=True, text=True
        )
        assert [found.partition("\t")[0] for found in done.stdout.splitlines()] == [expected]


def test_zsh_reads_its_script(script, capsys):
    zsh, path = needs("zsh"), script(capsys, "zsh")
    program = f'autoload -U compinit && compinit -D; eval "$(<{path})"; print $_comps[keras-stt]'
    done = subprocess.run([zsh, "-f", "-c", program], capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("_shtab_keras_stt", "")


def test_without_what_writes_scripts_the_fix_is_told(capsys, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "shtab", None)
    assert main(["completion", "bash"]) == 2
    assert capsys.readouterr().err == "keras-stt: shtab is not installed: pip install 'keras_stt[completion]'\n"
