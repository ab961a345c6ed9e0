"""The curves of the report: what is drawn of a run's history, in the page's colours, and what is fitted through it."""

import re

import numpy as np
import pytest
from test_report import HISTORY, Page, written

from keras_stt.report import plots
from keras_stt.report.collapse_curves import collapse_curves
from keras_stt.report.fit import fit_curves
from keras_stt.report.gradient_map import gradient_map


def test_curves_show_the_unigram_loss_and_skip_missing_cells():
    loss = plots.loss_curves(HISTORY, 6.02)
    assert "unigram guess" in loss
    assert "unigram guess" not in plots.loss_curves(HISTORY)
    assert "with &lt;sil&gt; as a word" in plots.wer_curves(HISTORY)
    assert "epoch 3" in plots.loss_against_wer(HISTORY)
    assert plots.points(HISTORY, "epoch", "dev_wer") == [(1.0, 0.9), (3.0, 0.3)]
    rows = [{"epoch": "1", "loss": "nan", "dev_wer": ""}, {"epoch": "2", "loss": "inf", "dev_wer": "0.5"}]
    assert plots.loss_curves(rows, 6.02) == ""
    assert plots.wer_curves(rows)
    assert plots.loss_against_wer(rows) == ""


def test_wer_is_set_against_the_loss_on_dev_where_it_was_measured(tmp_path):
    history = [{**row, "dev_nats": 2 * row["tokens_loss"]} for row in long_history(5)]
    for row in history:
        row["dev_wer"] = 0.1 + 0.2 * row["dev_nats"]
    assert plots.wer_fits(history)[0].formula == "WER = 0.1 + 0.2 loss"
    assert "cross entropy on dev, nats per token" in plots.loss_against_wer(history)
    assert "training loss on tokens</text>" in plots.loss_against_wer(HISTORY)
    assert "Linear: WER = 0.1 + 0.2 loss, R² 1.00" in Page(written(tmp_path, history=history)).text


def test_the_training_loss_is_not_called_nats():
    for svg in (plots.loss_curves(HISTORY, 6.02), plots.loss_against_wer(HISTORY)):
        assert "training loss" in svg
        assert "nats" not in svg


def test_plots_take_the_colours_of_the_page():
    history = long_history(5)
    for svg in (
        plots.loss_curves(HISTORY, 6.02),
        plots.wer_curves(HISTORY),
        plots.loss_against_wer(history, plots.wer_fits(history)),
        plots.dev_loss_curve([{"epoch": 1, "dev_nats": 2.0}], 6.0),
        collapse_curves(history, {"commonest_asked": 0.1}),
        gradient_map(history),
    ):
        assert "currentColor" in svg
        assert "var(--series-1)" in svg
        assert not re.findall(r"#[0-9a-f]{6}\b", svg)
        assert "<dc:date>" not in svg


def long_history(epochs: int, layers=("audio", "text")) -> list[dict]:
    """WER that is exactly 0.1 + 0.2 log(loss), collapse figures and gradient norms."""
    losses = [6.0 / (epoch + 1) for epoch in range(epochs)]
    return [
        {
            "epoch": epoch + 1,
            "tokens_loss": loss,
            "dev_wer": 0.1 + 0.2 * np.log(loss),
            "collapse/commonest_share": 1 / (epoch + 1),
            "collapse/shuffle_gap": 0.1 * epoch,
            **{f"gradient_norm/{name}": 10.0**-i for i, name in enumerate(layers)},
        }
        for epoch, loss in enumerate(losses)
    ]


CURVES = {
    "linear": lambda loss: 0.2 + 0.1 * loss,
    "logarithmic": lambda loss: 0.3 + 0.2 * np.log(loss),
    "exponential": lambda loss: 0.1 * np.exp(0.4 * loss),
    "power": lambda loss: 0.2 * loss**0.7,
}


@pytest.mark.parametrize("name", CURVES)
def test_the_curve_that_made_the_points_fits_best(name):
    losses = np.linspace(1, 6, 8)
    best, *others = fit_curves(losses, CURVES[name](losses))
    assert best.name == name
    assert best.r2 == pytest.approx(1)
    assert best.predict(3.5) == pytest.approx(CURVES[name](3.5))
    assert len(others) == 3
    assert all(1 > fit.r2 > 0.5 for fit in others)
    assert [fit.r2 for fit in others] == sorted((fit.r2 for fit in others), reverse=True)


def test_curves_need_different_points_and_logarithms_positive_ones():
    assert fit_curves([1, 2], [0.1, 0.2]) == []
    assert fit_curves([2, 2, 2], [0.1, 0.2, 0.3]) == []
    assert fit_curves([1, 2, 3], [0.5, 0.5, 0.5]) == []
    assert fit_curves([1, 2, float("nan")], [0.1, 0.2, 0.3]) == []
    assert {fit.name for fit in fit_curves([1, 2, 3], [0.0, 0.1, 0.3])} == {"linear", "logarithmic"}
    assert [fit.name for fit in fit_curves([-1, 2, 3], [0.0, 0.1, 0.3])] == ["linear"]


def test_the_formula_says_what_is_predicted():
    fit = fit_curves([1, 2, 3], [0.5, 0.4, 0.3])[0]
    assert fit.formula == "WER = 0.6 - 0.1 loss"


def test_loss_against_wer_is_fitted_from_four_epochs_on(tmp_path):
    text = Page(written(tmp_path, history=long_history(5))).text
    assert re.search(
        r"Logarithmic: WER = 0\.1 \+ 0\.2 log\(loss\), R² 1\.00\. Linear: WER = .* loss, R² 0\.\d\d\.", text
    )
    assert "R²" not in Page(written(tmp_path, history=long_history(3))).text


def test_collapse_and_gradients_are_drawn_where_measured(tmp_path):
    text = Page(written(tmp_path, history=long_history(4))).text
    for name in ("commonest prediction, %", "rise of the loss, nats", "gradient norm", "audio", "text"):
        assert name in text
    assert collapse_curves(HISTORY, {}) == ""
    assert gradient_map(HISTORY) == ""


def test_a_layer_without_gradient_is_outlined_and_said_to_have_none():
    silent = [{**row, "gradient_norm/text": 0.0} for row in long_history(4)]
    svg = gradient_map(silent)
    assert {"audio</text>", "text</text>", "none</text>"} <= set(re.findall(r"\w+</text>", svg))
    assert svg.count("stroke: var(--series-2)") > gradient_map(long_history(4)).count("stroke: var(--series-2)")
    assert "none</text>" not in gradient_map(long_history(4))
    broken = [{**row, "gradient_norm/text": value} for row, value in zip(silent, ("nan", "inf", "", None), strict=True)]
    assert "text</text>" in gradient_map(broken)  # nothing is known of it, and that is seen


def test_the_gradients_of_all_layers_are_drawn_in_their_order_with_the_last_norm():
    svg = gradient_map(long_history(200, [f"layer{i}" for i in range(30)]))
    assert list(map(int, re.findall(r"layer(\d+)<", svg))) == [*range(30)]
    assert ">0.001</text>" in svg
    assert len(svg) < 400_000
    assert ">layer1</text>" in gradient_map(long_history(2, ["encoder/layer1", "encoder/layer2", "layer3"]))
    assert ">encoder/layer1</text>" in gradient_map(long_history(2, ["encoder/layer1", "refiner/layer1"]))
