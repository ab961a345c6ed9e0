"""Training: from flags to a saved model and what a run leaves behind."""
