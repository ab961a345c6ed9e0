"""LibriSpeech by official archive: the names, and the TFDS builder that reads one of them at a time."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Subset:
    """One official archive of LibriSpeech.

    Attributes:
        split: the subset's name in TFDS.
        md5: sum of the archive, from https://www.openslr.org/resources/12/md5sum.txt.
    """

    split: str
    md5: str


SUBSETS = {
    "train-clean-100": Subset("train_clean100", "2a93770f6d5c6c964bc36631d331a522"),
    "train-clean-360": Subset("train_clean360", "c0e676e450a7ff2f54aeade5171606fa"),
    "train-other-500": Subset("train_other500", "d1a0fd59409feb2c614ce4d30c387708"),
    "dev-clean": Subset("dev_clean", "42e2234ba48799c1f50f24a7926300a1"),
    "dev-other": Subset("dev_other", "c8d0bcc9cca99d4f8b62fcc847357931"),
    "test-clean": Subset("test_clean", "32fa31d27d2e1cad72775fee3f4849a9"),
    "test-other": Subset("test_other", "fb5a50374b501bb3bac4815ee91d3135"),
}
URL = "https://www.openslr.org/12"
ARCHIVE_URL = "http://www.openslr.org/resources/12/"  # as TFDS writes it, so that its checksums apply


def archive_name(subset: str) -> str:
    """`train-clean-100` -> `train-clean-100.tar.gz`."""
    return f"{subset}.tar.gz"
