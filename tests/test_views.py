"""A view of the data has what a run asks of it, and what views share knows none of them."""

import importlib
import inspect
from types import SimpleNamespace

import pytest
from test_imports import IMPORTS, below

from keras_stt.train.budget import within_budget
from keras_stt.train.option_checks import VIEWS
from keras_stt.train.views import View, view_of

FUNCTIONS = [name for name, value in vars(View).items() if inspect.isfunction(value) and not name.startswith("_")]
WRITTEN = ("window", "utterance")


@pytest.mark.parametrize("name", WRITTEN)
def test_a_view_has_the_functions_that_a_run_calls(name):
    view = view_of(SimpleNamespace(view=name))
    assert len(FUNCTIONS) == 8
    for function in FUNCTIONS:
        asked = list(inspect.signature(getattr(View, function)).parameters)[1:]  # without self
        assert list(inspect.signature(getattr(view, function)).parameters) == asked, function


def test_no_view_is_imported_by_what_views_share():
    views = [f"keras_stt.train.{name}" for name in VIEWS]
    shared = {name for name in IMPORTS if below(name, "keras_stt.train") and not below(name, *views)}
    assert "keras_stt.train.run" in shared
    assert [name for name in shared if any(below(imported, *views) for imported in IMPORTS[name])] == []


@pytest.mark.parametrize("name", WRITTEN)
def test_views_do_not_import_each_other(name):
    importlib.import_module(f"keras_stt.train.{name}")
    others = [f"keras_stt.train.{other}" for other in VIEWS if other != name]
    for module, imported in IMPORTS.items():
        if below(module, f"keras_stt.train.{name}"):
            assert not [one for one in imported if below(one, *others)], module


def test_without_a_budget_nothing_is_built_to_measure_a_step():
    setup = SimpleNamespace(options=SimpleNamespace(budget_cpu_s=0.0))
    assert within_budget(None, setup) is setup
