"""From model outputs to words: refinement passes and the stitching of windows."""
