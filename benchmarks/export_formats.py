"""A model in every format it can be exported to: size, error, words and speed, beside the model and in eight bits.

    pip install "keras_stt[export]"
    python benchmarks/export_formats.py MODEL --data_dir=LIBRISPEECH_FOLDER [--passes=1]

On one thread of one core, `keras-stt export --int8` writes and checks each format on the utterances of dev, recordings
that training has not heard; what it reports is collected. Writes benchmarks/results/export.json and prints the table.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from rounds import on_one_core, write_results

from keras_stt.errors import InputError
from keras_stt.export import FORMATS
from keras_stt.export.artefact import METADATA, REPORT

OF_ARTEFACT = ("runtime", "bytes", "largest_logit_difference", "texts_equal", "wer", "audio_seconds_per_cpu_second")
OF_INT8 = (*OF_ARTEFACT, "wer_cost")
OF_SET = ("recordings", "audio_seconds", "longest_seconds", "tolerance")


def dev_folders(data_dir: str) -> list[Path]:
    """The folders of dev's recordings.

    Raises:
        InputError: there are none.
    """
    found = sorted(path for path in Path(data_dir).glob("dev*") if path.is_dir())
    if not found:
        raise InputError(f"--data_dir: no folder dev* in {data_dir}; give the folder of LibriSpeech")
    return found


def exported(model: str, format: str, passes: int, audio: list[Path], out_dir: Path) -> tuple[dict, dict]:
    """Report and description of an artefact that the command line wrote and checked.

    Raises:
        InputError: the command failed; its own line has said why.
    """
    command = [sys.executable, "-m", "keras_stt", "export", model, str(out_dir), f"--format={format}", "--int8"]
    command += [f"--passes={passes}", *(f"--audio={folder}" for folder in audio)]
    if subprocess.run(command, check=False).returncode:
        raise InputError(f"{format}: the export failed, see above; no results were written")
    report, metadata = (json.loads((out_dir / name).read_text(encoding="utf-8")) for name in (REPORT, METADATA))
    return report, metadata


def row_of(report: dict, metadata: dict) -> dict:
    """What of a report is kept: figures, not texts."""
    return {
        "format": report["format"],
        "files": metadata["files"],
        **{name: report[name] for name in OF_ARTEFACT},
        "int8": {name: report["int8"][name] for name in OF_INT8},
        "model": report["model"],
        "check_seconds": report["seconds"],
        "versions": metadata["versions"],
    }


def line(name: str, figures: dict) -> str:
    return (
        f"{name:20s}{figures['bytes'] / 2**20:6.1f} MiB  {figures['largest_logit_difference']:8.1e}  "
        f"WER {figures['wer']:6.2%}  "
        f"{figures['audio_seconds_per_cpu_second']:6.0f} s of audio per CPU-second"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--data_dir", required=True)
    parser.add_argument("--passes", type=int, default=1)
    arguments = parser.parse_args()
    on_one_core()
    try:
        audio, rows, heard = dev_folders(arguments.data_dir), [], {}
        for format in FORMATS:
            with tempfile.TemporaryDirectory() as folder:
                report, metadata = exported(arguments.model, format, arguments.passes, audio, Path(folder, "out"))
            rows.append(row_of(report, metadata))
            heard = {name: report[name] for name in OF_SET}
    except InputError as error:
        sys.exit(f"export_formats.py: {error}")
    for row in rows:
        print(line(row["format"], row))
        print(line(f"{row['format']}, int8", row["int8"]))
    write_results("export", {"model": arguments.model, "passes": arguments.passes, **heard, "rows": rows})


if __name__ == "__main__":
    main()
