"""A coverage-guided fuzz target for the parser of a file format.

    python tests/fuzz/fuzz_formats.py FORMAT FINDINGS [CORPUS] [libFuzzer options]

FORMAT is one of those in tests/format_contract.py. What breaks their contract is written to the folder FINDINGS, a
file for each place in the code where it breaks, too much memory asked for among it, and the search goes on; what ends
the process (a time-out) libFuzzer writes there itself. The search begins with files that our writers write, and with
those in the folder CORPUS, in which it keeps what it comes upon. Needs `pip install keras_stt[fuzz]`.
"""

import base64
import json
import resource
import sys
import tempfile
import traceback
from pathlib import Path

import atheris

import keras_stt

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
atheris.enabled_hooks.add("RegEx")
with atheris.instrument_imports(include=["keras_stt.formats", "csv", "json"]):
    from format_contract import FORMATS, check_any_bytes, seed_bytes

# A limit of our own and not libFuzzer's: that one counts what the process that started this one had in memory as ours
# (Linux hands the peak on when a program is started), and ends the process; this one is a `MemoryError` in its place.
MEMORY = 2 << 30  # bytes of addresses
PACKAGE = Path(keras_stt.__file__).parent


def place(error: BaseException) -> str:
    """The last function of this project that the error passed through: `manifest.py:_json_rows`."""
    if isinstance(error, AssertionError) and error.__context__:
        error = error.__context__  # the refusal that is not as it must be
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(PACKAGE)] or frames
    return f"{Path(ours[-1].filename).name}:{ours[-1].name}"


def main() -> None:
    name, findings = sys.argv[1], Path(sys.argv[2])
    form, known = FORMATS[name], set()
    findings.mkdir(parents=True, exist_ok=True)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    folder = tempfile.TemporaryDirectory()
    seeds = Path(folder.name, "seeds")
    seeds.mkdir()
    for number, seed in enumerate(seed_bytes(form, Path(folder.name))):
        Path(seeds, f"seed{number}").write_bytes(seed)

    def test_one_input(data: bytes) -> None:
        try:
            check_any_bytes(form, folder.name, data)
        except Exception as error:  # whatever it is, it is what is searched for
            what = f"{type(error).__name__} in {place(error)}"
            if what not in known:
                known.add(what)
                message = str(error).replace(f"{folder.name}/", "")[:200]
                found = {"what": what, "message": message, "input": base64.b64encode(data).decode()}
                Path(findings, f"{name}-{len(known)}.json").write_text(json.dumps(found))

    # libFuzzer keeps what is new in the first folder that it is given.
    atheris.Setup(
        [sys.argv[0], f"-artifact_prefix={findings}/", "-rss_limit_mb=0", *sys.argv[3:], str(seeds)], test_one_input
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
