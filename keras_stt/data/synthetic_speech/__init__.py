"""TFDS builder of the synthetic corpus. Import the builder's module itself: it needs tensorflow-datasets."""
