"""From a corpus to batches: sources, index, features, windows, plan, pipeline."""
