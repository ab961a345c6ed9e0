"""Runs docs/tutorial.ipynb from beginning to end, and keeps in it what its cells printed.

    python benchmarks/tutorial.py [--skip=TAG,...]

What it makes goes to runs/tutorial. Of what was printed only texts are kept, and of those not what went to stderr:
progress bars and the chatter of libraries. Needs `pip install -e ".[docs,export,torch]"`.
"""

import argparse
import os
import sysconfig
from collections.abc import Collection
from pathlib import Path

import nbclient
import nbformat

from keras_stt.formats.lines import write_text

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK = ROOT / "docs/tutorial.ipynb"
SECONDS = 1800  # for a cell
SKIP = "skip-execution"  # the tag by which nbclient passes over a cell


def executed(skip: Collection[str] = (), seconds: int = SECONDS, **environment: str):
    """The notebook after its cells ran in a kernel of their own, in the folder of the project.

    Args:
        skip: tags; cells that have one stay as they are.
        seconds: that a cell may take.
        environment: of the kernel, beside that of this process.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell failed.
    """
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    skipped = [cell for cell in notebook.cells if set(skip) & set(cell.metadata.get("tags", []))]
    for cell in skipped:
        cell.metadata.tags.append(SKIP)
    scripts = sysconfig.get_path("scripts")  # where keras-stt is
    environment |= {
        "PATH": os.pathsep.join([scripts, os.environ["PATH"]]),
        "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
    }
    place = {"metadata": {"path": str(ROOT)}}
    client = nbclient.NotebookClient(notebook, timeout=seconds, resources=place, coalesce_streams=True)
    client.execute(env={**os.environ, **environment})
    for cell in skipped:
        cell.metadata.tags.remove(SKIP)
    return notebook


def kept(notebook):
    """The notebook with nothing but texts in its outputs, without the times of its cells and the place it ran at."""
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") == "stdout"]
            for output in cell.outputs:
                output.text = output.text.replace(f"{ROOT}/", "")
    notebook.metadata.pop("language_info", None)
    return notebook


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--skip", default="", help="tags of cells that stay as they are, comma-separated")
    skip = parser.parse_args().skip.split(",")
    write_text(NOTEBOOK, nbformat.writes(kept(executed(skip))) + "\n")
    print(NOTEBOOK)


if __name__ == "__main__":
    main()
