"""Which files of a corpus make up which split, and whom to hold out where a split has no file of its own."""

import os
from collections.abc import Collection

from keras_stt.data.sources.options import SPLITS, CorpusOptions, split_of_speaker
from keras_stt.errors import FlagError


def file_parts(options: CorpusOptions, extensions: tuple[str, ...]) -> dict[str, list[str]]:
    """The transcript files of every split that has its own.

    `options.data_dir` is one such file (then the only part, of "train"), or a folder with `train`, `dev` and `test`
    files or the ones that the options name, with or without their extension.

    Raises:
        FlagError: there is nothing there to read.
    """
    place, wanted = options.data_dir, f"a {' or '.join(extensions)} file"
    if not place:
        raise FlagError("data_dir", f"is needed by --dataset={options.dataset}; give {wanted} or a folder with some")
    if os.path.isfile(place):
        if not place.lower().endswith(extensions):
            raise FlagError("data_dir", f"{place} is not {wanted}")
        return {"train": [place]}
    if not os.path.isdir(place):
        raise FlagError("data_dir", f"no such file or folder: {place}; give {wanted} or a folder with some")
    parts = {}
    for split in SPLITS:
        named = options.split_names(split)
        found = [path for name in named or [split] for path in _files_named(place, name, extensions, bool(named))]
        if found:
            parts[split] = found
    if not parts:
        files = sorted(name for name in os.listdir(place) if name.lower().endswith(extensions))
        if len(files) != 1:
            has = f"it has {', '.join(files[:4])}" if files else "it has none"
            raise FlagError(
                "data_dir", f"no train{extensions[0]}, dev{extensions[0]}, ... in {place} ({has}); name one"
            )
        parts["train"] = [os.path.join(place, files[0])]
    return parts


def _files_named(folder: str, name: str, extensions: tuple[str, ...], required: bool) -> list[str]:
    candidates = [os.path.join(folder, name + extension) for extension in ("", *extensions)]
    for path in candidates:
        if path.lower().endswith(extensions) and os.path.isfile(path):
            return [path]
    if required:
        raise FlagError("data_dir", f"no file {candidates[1]}, which is named for a split; check the name")
    return []


def belongs(speaker: str, split: str, given: Collection[str], options: CorpusOptions) -> bool:
    """Whether a speaker of the corpus's train part is used for `split`.

    Args:
        given: the splits for which the corpus has parts of its own; speakers are held out for the others.
    """
    chosen = split_of_speaker(speaker, options)
    return split == (chosen if chosen not in given else "train")
