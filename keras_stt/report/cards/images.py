"""Arrays as pictures within a page."""

import base64
import io

import numpy as np


def data_uri(values: np.ndarray, colours: str, low: float, high: float) -> str:
    """A PNG, a pixel for each value.

    Args:
        values: `(rows, columns)`, none of them without extent.
        colours: a colour map of matplotlib.
        low, high: values that get its first and its last colour.
    """
    from matplotlib.image import imsave  # slow to import

    file = io.BytesIO()
    imsave(file, values, cmap=colours, vmin=low, vmax=high, format="png", metadata={"Software": None})
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
