"""A training run from its options to everything it leaves in its folder.

What a sample is, its model and its error rates are the affair of a view: see `views.py` for what is asked of one.
"""

import contextlib
from pathlib import Path

from keras_stt.audio import AudioError
from keras_stt.errors import FlagError, InputError
from keras_stt.evidence.folder import FOLDER, write_examples
from keras_stt.export import Recording, check_export, export_model
from keras_stt.export.kinds import require_format
from keras_stt.formats.lines import write_text
from keras_stt.report.run import write_run_report
from keras_stt.train.budget import within_budget
from keras_stt.train.callbacks.progress import EpochLine, Stopwatch
from keras_stt.train.corpus import Split
from keras_stt.train.distribution.alone import Alone
from keras_stt.train.distribution.open import open_distribution, require_equal_shares
from keras_stt.train.earlier_run import put_by
from keras_stt.train.fit import checkpoint_folder, fit
from keras_stt.train.options import TrainOptions
from keras_stt.train.outputs import output_folder, with_steps_per_epoch, write_json, write_outputs
from keras_stt.train.run_lock import only_run_in
from keras_stt.train.skipped import write_skipped
from keras_stt.train.summary import training_summary
from keras_stt.train.views import Setup, View, view_of

FLAGS = "flags.cfg"
MOST_EXPORT_CHECKED = 8  # test recordings that an exported model must hear as the model does


def train(options: TrainOptions, flags: str = "") -> dict:
    """Trains a model and writes `model.keras`, `summary.json`, `history.csv`, `report.html` and more.

    With `--task=identity` or `--overfit_batches` the set-up is checked instead, and `check.json` alone is written.

    Args:
        flags: the flagfile that gives these options again; written to `flags.cfg` and into the model.

    Returns:
        The contents of `summary.json`, or of `check.json`; nothing in processes other than the first.

    Raises:
        FlagError, InputError: the options make no sense, or the corpus is not there.
    """
    new = not Path(options.output_dir).exists()
    output = output_folder(options.output_dir)
    try:
        distribution = open_distribution(options)
        with only_run_in(output) if distribution.process == 0 else contextlib.nullcontext():
            return _train(options, flags, output, distribution)
    except InputError:
        if new:
            _leave_nothing(output)
        raise


def _leave_nothing(output: Path) -> None:
    """Removes the folder of a run that was refused before it had anything to keep."""
    with contextlib.suppress(OSError):  # another process of the run may do the same
        if [path.name for path in output.iterdir()] in ([], [FLAGS]):
            (output / FLAGS).unlink(missing_ok=True)
            output.rmdir()


def _train(options: TrainOptions, flags: str, output: Path, distribution: Alone) -> dict:
    if options.export:
        _require_export()  # before anything is learned
    if distribution.process == 0:
        _begin(output, options, flags)
    view = view_of(options)
    require_equal_shares(options.batch_multiple, distribution)
    setup = view.prepare(options, output if distribution.process == 0 else None)
    found = view.check(setup)
    if found is not None:
        write_json(output / "check.json", found)  # beside a model that may be there
        return found
    return _learn(view, setup, output, flags, distribution)


def _require_export() -> None:
    try:
        require_format("saved_model")
    except InputError as error:
        raise FlagError("export", str(error)) from error


def _begin(output: Path, options: TrainOptions, flags: str) -> None:
    """Leaves the flags in a new folder at once: that a run was begun there is known, however early it is killed."""
    begun = (output / FLAGS).is_file()
    if options.resume and not begun and not checkpoint_folder(options).names():
        raise InputError(
            f"--resume: no checkpoint in {output / 'checkpoint'}; train there first, or leave --resume out"
        )
    if not begun and not options.budget_cpu_s:  # whose flags are known when it has been measured
        write_text(output / FLAGS, flags)


def _learn(view: View, setup: Setup, output: Path, flags: str, distribution: Alone) -> dict:
    setup = within_budget(view, setup)
    flags = with_steps_per_epoch(flags, setup.options.steps_per_epoch)
    leads = distribution.process == 0
    if leads:
        if not setup.options.resume and (earlier := put_by(output)):
            print(f"what an earlier run left in {output} is in {earlier} now", flush=True)
        write_text(output / FLAGS, flags)  # before training, so that a run on a budget can be resumed by them
    stopwatch, watch = Stopwatch(), view.watchers(setup)
    line = EpochLine(setup.options.epochs, view.epoch_line(setup))
    model, progress = fit(view, setup, [*watch.all, stopwatch, line], distribution)
    distribution.end()
    if not leads:
        return {}
    summary = training_summary(model, setup, stopwatch, progress.history, progress.kept_row(setup.options.keep))
    summary["learning_rate_halvings"] = progress.halvings
    summary |= view.figures(setup, progress.history) | watch.summary()
    found, results = view.evaluate(model, setup)
    summary |= found
    write_examples(output / FOLDER, view.examples(model, setup, results, found))
    write_skipped(output, setup.splits)  # again: without a feature cache, some were found while training
    train_words = setup.splits["train"].index.vocabulary_counts()
    write_outputs(output, flags, model, summary, progress.history, results, train_words)
    try:
        if setup.options.export:
            summary["export"] = _export(output, setup.splits["test"], setup.options.passes)
            write_json(output / "summary.json", summary)  # again: a failed export leaves all else
    finally:
        write_run_report(output)
    return summary


def _export(output: Path, test: Split, passes: int) -> dict:
    export_model(output / "model.keras", output / "export", passes=passes)
    recordings = []
    for row in test.test_rows(MOST_EXPORT_CHECKED):
        record = test.index[row]
        with contextlib.suppress(AudioError):  # without a feature cache, what cannot be heard is not known before
            recordings.append(Recording(record.id, record.read(), record.text))
    return check_export(output / "model.keras", output / "export", recordings)
