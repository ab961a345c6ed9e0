"""The tutorial is run from its first cell to its last, with fewer steps than a reader's."""

import os

import nbformat
import pytest

from keras_stt.cli.main import VERBS

pytest.importorskip("nbclient", reason='nbclient is not installed: pip install -e ".[docs]"')
pytest.importorskip("torch", reason="the tutorial trains on PyTorch: pip install torch")

# Cells that are left out: exports of such a model are written and compared by test_export_utterance.py, in minutes.
LONG = {"long"}
FEWER = "--epochs=1 --test_utterances=4"


@pytest.mark.slow
def test_every_cell_runs_and_makes_what_it_says(benchmark, tmp_path):
    tutorial = benchmark("tutorial")
    skip = LONG if "serve" in VERBS else LONG | {"serve"}
    place = {"TUTORIAL": str(tmp_path / "made"), "TUTORIAL_FLAGS": FEWER, "HOME": str(tmp_path)}
    ran = tutorial.kept(tutorial.executed(skip, seconds=300, **place))
    made = {path.name for path in (tmp_path / "made").rglob("*")}
    assert {"manifest.csv", "word.wav", "model.keras", "report.html", "summary.json"} <= made
    # What is kept in the page is of the cells that it has: whoever changes one runs benchmarks/tutorial.py.
    kept = nbformat.read(tutorial.NOTEBOOK, as_version=4)
    for cell, before in zip(ran.cells, kept.cells, strict=True):
        if not skip & set(cell.metadata.get("tags", [])):
            assert bool(cell.get("outputs")) == bool(before.get("outputs")), cell.source


def test_a_cell_that_fails_ends_it_with_what_it_said(benchmark, tmp_path, monkeypatch):
    tutorial = benchmark("tutorial")
    cells = [nbformat.v4.new_code_cell("%%sh\nkeras-stt transcribe no-such-model a.wav")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "broken.ipynb")
    monkeypatch.setattr(tutorial, "NOTEBOOK", tmp_path / "broken.ipynb")
    with pytest.raises(Exception, match="no such model"):
        tutorial.executed(seconds=60, HOME=os.fspath(tmp_path))
