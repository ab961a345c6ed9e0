"""Curves through the epochs of a run: how its word error rate follows its loss."""

import dataclasses
import math
from collections.abc import Callable, Sequence

import numpy as np


@dataclasses.dataclass(frozen=True)
class Fit:
    """One curve through `(loss, WER)` points.

    Attributes:
        name: `linear`, `logarithmic`, `exponential` or `power`.
        formula: with its coefficients, as text: `WER = 0.12 + 0.31 log(loss)`.
        r2: share of the variance of WER that the curve explains; at most 1, negative if worse than the mean.
        predict: loss (a number or an array) to WER.
    """

    name: str
    formula: str
    r2: float
    predict: Callable[[np.ndarray], np.ndarray]


def fit_curves(losses: Sequence[float], wers: Sequence[float]) -> list[Fit]:
    """Least-squares curves of WER (a fraction of one) against loss (nats), the best R² first.

    The linear and the logarithmic curve are fitted to WER, the exponential and the power curve to its logarithm;
    R² is of WER itself for all four, so that they compare. Points that are not finite are left out. A curve that
    needs a logarithm is left out where a loss or a WER is not positive; with fewer than three points, or where all
    losses or all WERs are equal, there is none.
    """
    x, y = (np.asarray(values, np.float64) for values in (losses, wers))
    known = np.isfinite(x) & np.isfinite(y)
    x, y = x[known], y[known]
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return []
    fits = [_linear(x, y)]
    if np.all(x > 0):
        fits.append(_logarithmic(x, y))
    if np.all(y > 0):
        fits.append(_exponential(x, y))
    if np.all(x > 0) and np.all(y > 0):
        fits.append(_power(x, y))
    return sorted(fits, key=lambda fit: -fit.r2)


def _linear(x, y) -> Fit:
    a, b = _line(x, y)
    return _fit("linear", f"WER = {a:.3g} {_plus(b)} loss", x, y, lambda loss: a + b * np.asarray(loss))


def _logarithmic(x, y) -> Fit:
    a, b = _line(np.log(x), y)
    return _fit("logarithmic", f"WER = {a:.3g} {_plus(b)} log(loss)", x, y, lambda loss: a + b * np.log(loss))


def _exponential(x, y) -> Fit:
    a, b = _line(x, np.log(y))
    formula = f"WER = {math.exp(a):.3g} exp({b:.3g} loss)"
    return _fit("exponential", formula, x, y, lambda loss: np.exp(a + b * np.asarray(loss)))


def _power(x, y) -> Fit:
    a, b = _line(np.log(x), np.log(y))
    formula = f"WER = {math.exp(a):.3g} loss^{b:.3g}"
    return _fit("power", formula, x, y, lambda loss: np.exp(a + b * np.log(loss)))


def _line(x, y) -> tuple[float, float]:
    """Intercept and slope."""
    slope = float(np.sum((x - x.mean()) * (y - y.mean())) / np.sum((x - x.mean()) ** 2))
    return float(y.mean()) - slope * float(x.mean()), slope


def _fit(name: str, formula: str, x, y, predict) -> Fit:
    r2 = 1 - float(np.sum((y - predict(x)) ** 2) / np.sum((y - y.mean()) ** 2))
    return Fit(name, formula, r2, predict)


def _plus(slope: float) -> str:
    return f"{'+' if slope >= 0 else '-'} {abs(slope):.3g}"
