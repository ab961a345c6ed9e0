"""Arrays as pictures within a page."""

import base64
import io

import numpy as np

_LEVELS = 128  # of a colour map; more are not seen, and cost


def data_uri(values: np.ndarray, colours: str, low: float, high: float) -> str:
    """A PNG, a pixel for each value.

    Args:
        values: `(rows, columns)`, none of them without extent.
        colours: a colour map of matplotlib.
        low, high: values that get its first and its last colour.
    """
    import matplotlib  # slow to import
    from PIL import Image

    levels = np.clip((values - low) / (high - low), 0.0, 1.0) * (_LEVELS - 1)
    picture = Image.fromarray(np.rint(levels).astype(np.uint8), "P")
    palette = matplotlib.colormaps[colours](np.linspace(0.0, 1.0, _LEVELS))[:, :3]
    picture.putpalette(np.rint(255 * palette).astype(np.uint8).tobytes())
    file = io.BytesIO()
    picture.save(file, "png", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
