"""A run on whole utterances, from options to a model that says what it learned."""

import csv
import dataclasses
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from tone_manifest import TEXTS, spelt, write_tone_manifest

from keras_stt.data.records import Record
from keras_stt.decoding.stitch import Word
from keras_stt.errors import FlagError, InputError
from keras_stt.formats.textgrid import write_textgrid
from keras_stt.recognizer import UtteranceRecognizer, load_model
from keras_stt.report.results import read_results
from keras_stt.tokens import CharacterTokens
from keras_stt.train.checkpoints import Checkpoint
from keras_stt.train.options import TrainOptions
from keras_stt.train.run import train
from keras_stt.train.utterance.batching import ctc_heads
from keras_stt.train.utterance.setup import prepare, spread
from keras_stt.train.utterance.warm_start import OF_TOKENS, warm_start
from keras_stt.train.utterance.watchers import UtteranceErrors
from keras_stt.train.utterance.word_times import known_records, measured_lead

sys.path.insert(0, str(Path(__file__).parent.parent))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    """Four utterances of three tones each, which are train, dev and test, with phone times."""
    folder = tmp_path_factory.mktemp("corpus")
    write_tone_manifest(folder)
    return folder


@pytest.fixture(scope="module")
def options(corpus, tmp_path_factory) -> TrainOptions:
    import train_main

    flags = train_main.flags.FLAGS
    defaults = {flag.name: flag.default for flag in flags.get_flags_for_module("train_main")}
    return TrainOptions(**{
        **defaults,
        "view": "utterance",
        "dataset": "manifest",
        "data_dir": str(corpus / "all.jsonl"),
        "cache_dir": str(tmp_path_factory.mktemp("cache")),
        "output_dir": "unused",
        "mel_bands": 20,
        "subsampling": 4,
        "model_dim": 32,
        "audio_blocks": 2,
        "attention_heads": 2,
        "refiner_blocks": 1,
        "position": "rotary",
        "batch_seconds": 10.0,
        "weight_average": 0.9,
        "gradient_norms": False,
        "keep": "last",
    })  # fmt: skip


@pytest.fixture(scope="module")
def finished(options, tmp_path_factory):
    """The folder and the summary of a run that learns the four utterances by heart."""
    output = tmp_path_factory.mktemp("run")
    learning = {"epochs": 2, "steps_per_epoch": 120, "learning_rate": 5e-3, "warmup_steps": 20}
    return output, train(dataclasses.replace(options, output_dir=str(output), **learning), "--view=utterance\n")


@pytest.fixture(scope="module")
def learned(finished):
    return load_model(finished[0])


@pytest.mark.backend
def test_four_utterances_are_learned_by_heart(finished, learned, corpus):
    output, summary = finished
    assert summary["test_wer"] == summary["test_wer_draft"] == summary["dev_wer"] == 0
    assert summary["test_wer_of"] == "whole utterances"
    assert (summary["tokens"], summary["token_count"]) == ("characters", learned.token_set.size)
    assert summary["refined_loss"] < 0.5
    assert {"history.csv", "report.html", "flags.cfg", "model.keras"} <= {path.name for path in output.iterdir()}
    assert [(one.draft, one.hypothesis) for one in read_results(output / "results.jsonl")] == [
        (spelt(numbers), spelt(numbers)) for numbers in TEXTS
    ]
    with (output / "history.csv").open() as file:
        last = list(csv.DictReader(file))[-1]
    shares = np.unique([word for numbers in TEXTS for word in spelt(numbers).split()], return_counts=True)[1] / 12
    assert float(last["collapse/commonest_share"]) == shares.max()
    assert float(last["collapse/distinct"]) == len(shares)
    assert float(last["collapse/entropy"]) == pytest.approx(-np.sum(shares * np.log(shares)))
    assert type(learned) is UtteranceRecognizer
    for passes in (0, 1, 2):
        for i, numbers in enumerate(TEXTS):
            assert learned.transcribe(corpus / f"{i}.wav", passes=passes).text == spelt(numbers)


def test_what_was_learned_aligns_scores_and_fills(learned, corpus):
    for i, numbers in enumerate(TEXTS):
        sound, text = corpus / f"{i}.wav", spelt(numbers)
        words = learned.align(sound, text)
        assert " ".join(word.text for word in words) == text
        starts = [word.start for word in words]
        assert starts == sorted(starts)
        assert all(word.start < word.end for word in words)
        assert np.diff(starts).min() > 0.1
        wrong = spelt(TEXTS[(i + 1) % len(TEXTS)])
        true, other = learned.score(sound, [text, wrong])
        assert true > other + 1
        first, _, last = text.split()
        done = learned.fill(sound, f"{first} ___ {last}")
        assert (done.text, done.filled) == (text, [False, True, False])


@pytest.fixture
def short(options, tmp_path):
    """Two epochs of two steps, with all that the flags can turn on."""
    everything = {
        "dropout": 0.1,
        "consistency": 0.2,
        "phone_weight": 1.0,
        "alignment_dir": str(Path(options.data_dir).parent),
    }
    varied = {"time_masks": 2, "frequency_masks": 1, "speed": 0.1, "noise": 1.0, "gain": 0.5, "gradient_norms": True}
    size = {"epochs": 2, "steps_per_epoch": 2, "warmup_steps": 1, "model_dim": 8, "audio_mixer": "both"}
    return dataclasses.replace(options, output_dir=str(tmp_path), **everything, **varied, **size)


@pytest.mark.slow
@pytest.mark.backend
def test_resumed_a_run_ends_where_an_unbroken_one_does(short, tmp_path, monkeypatch):
    """In one process, where Keras gives other numbers to what has no name, as it does after a budget was measured."""
    short = dataclasses.replace(short, audio_mixer="conv", gradient_norms=False)
    if keras.backend.backend() == "torch":  # whose dropout draws from a generator of the process, which is not saved
        short = dataclasses.replace(short, dropout=0.0)
    summary = train(dataclasses.replace(short, output_dir=str(tmp_path / "whole")))
    assert np.isfinite([summary[f"{head}_loss"] for head in ("draft", "middle", "refined", "phones")]).all()
    write = Checkpoint.on_epoch_end

    def stop(self, epoch, logs=None):
        write(self, epoch, logs)
        raise KeyboardInterrupt

    broken = dataclasses.replace(short, output_dir=str(tmp_path / "broken"))
    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "on_epoch_end", stop)
        with pytest.raises(KeyboardInterrupt):
            train(broken)
    assert not (tmp_path / "broken" / "model.keras").exists()
    train(dataclasses.replace(broken, resume=True))
    first, again = (load_model(tmp_path / name) for name in ("whole", "broken"))
    for weight, other in zip(first.weights, again.weights, strict=True):
        np.testing.assert_allclose(weight.numpy(), other.numpy(), atol=1e-5, err_msg=weight.path)
    by_keras = keras.saving.load_model(tmp_path / "whole" / "model.keras")
    assert by_keras.count_params() == first.count_params()
    assert not by_keras.compiled


def test_a_set_up_has_a_target_for_every_head(short):
    setup = prepare(short)
    assert setup.tokens == CharacterTokens(set("".join(spelt(numbers) for numbers in TEXTS)) - {" "})
    inputs, targets = setup.batches[0]
    assert set(targets) == {"draft", "middle", "refined", "phones"}
    rows, frames, _ = inputs["features"].shape
    assert targets["phones"].shape == (rows, -(-frames // 4))
    assert rows % 2 == 0
    np.testing.assert_array_equal(targets["draft"][::2], targets["draft"][1::2])
    assert np.abs(inputs["features"][::2] - inputs["features"][1::2]).max() > 0.1
    assert (setup.steps_per_epoch, setup.steps) == (2, 4)
    assert setup.with_steps_per_epoch(7).steps == 14


def test_phone_labels_follow_the_speed(short):
    """A tone's phone is where the tone is heard, at all speeds: loud steps are no silence, still ones are."""
    plain = {"noise": 0.0, "gain": 0.0, "time_masks": 0, "frequency_masks": 0, "consistency": 0.0}
    setup = prepare(dataclasses.replace(short, **plain))
    speeds, agreed = set(), []
    for step in range(6):
        inputs, targets = setup.batches[step]
        speeds |= set(setup.batches.utterances.plan.speeds(step).tolist())
        for frames, length, labels in zip(
            inputs["features"], inputs["feature_lengths"], targets["phones"], strict=True
        ):
            loudness = frames[:length].max(axis=1)[2::4]
            loud = loudness > (loudness.min() + loudness.max()) / 2
            agreed += (loud == (labels[: len(loud)] > 0)).tolist()
            assert (labels[-(-length // 4) + 1 :] == -1).all()
    assert len(speeds) == 3
    assert np.mean(agreed) > 0.85


def test_heads_follow_the_flags(options):
    assert ctc_heads(options) == ("draft", "middle", "refined")
    assert ctc_heads(dataclasses.replace(options, middle_weight=0.0, refiner_blocks=0)) == ("draft",)


def small(letters="AB", **changes):
    tokens = CharacterTokens(letters)
    size = {"model_dim": 8, "audio_blocks": 2, "attention_heads": 2, "mel_bands": 10, "refiner_blocks": 1}
    return UtteranceRecognizer(tokens.to_config(), tokens.size, **{**size, **changes})


def test_a_warm_start_takes_every_weight_to_its_own_place(tmp_path):
    keras.utils.set_random_seed(1)
    earlier = small()
    earlier.save(tmp_path / "model.keras")
    keras.utils.set_random_seed(2)
    same = small()
    assert warm_start(same, str(tmp_path)) == []
    for one, other in zip(earlier.weights, same.weights, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy(), err_msg=one.path)
    deeper = small(audio_blocks=4, phones=("sil", "A"))
    fresh = warm_start(deeper, str(tmp_path))
    assert fresh
    assert all(name.startswith(("lower_block_1/", "upper_block_1/", "phones/")) for name in fresh)
    respelt = warm_start(small("YZ"), str(tmp_path))  # as many letters, but others
    assert {name.partition("/")[0] for name in respelt} == {*OF_TOKENS}
    with pytest.raises(FlagError, match="^--warm_start: .* no weight of the same name and shape"):
        warm_start(small(model_dim=12, letters="ABC", mel_bands=11), str(tmp_path))
    with pytest.raises(FlagError, match="^--warm_start: .*no such model"):
        warm_start(same, str(tmp_path / "none"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"position": "learned"}, "^--position: 'learned' has an end"),
        ({"subsampling": 3}, "^--subsampling: 3 is not one of"),
        ({"batch_seconds": 0.0}, "^--batch_seconds: "),
        ({"audio_blocks": 1}, "^--audio_blocks: 1 has no middle"),
        ({"tokens": "words"}, "^--tokens: "),
        ({"refiner_mixer": "conv,none"}, "^--refiner_mixer: 'none' is not one of"),
        ({"task": "identity"}, "^--task: is of --view=window"),
        ({"loss": "focal"}, "^--loss: is of --view=window"),
        ({"precision": "float16"}, "^--precision: "),
        ({"passes": -1}, "^--passes: "),
    ],
)
def test_options_that_make_no_sense_are_refused(options, changes, message):
    with pytest.raises(FlagError, match=message) as caught:
        dataclasses.replace(options, **changes)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"phone_weight": 1.0, "alignment_dir": "/nowhere"},
            "^--alignment_dir: no folder '/nowhere'.*--phone_weight=0",
        ),
        ({"phone_weight": 1.0}, "^--alignment_dir: no folder ''.*--phone_weight=0"),
        ({"warm_start": "/nowhere"}, "^--warm_start: .*no such model"),
        ({"text_corpus": "/nowhere", "refiner_blocks": 1}, "^--text_corpus: .*/nowhere.*cannot be read"),
        ({"phone_weight": 1.0, "alignment_dir": "OTHERS"}, "^--phone_weight: no train utterance has phone times"),
        ({"max_seconds": 0.1}, "4 train utterances can be used: .*longer than 0.1 s"),
        ({"tokens": "bpe", "token_count": 4}, "4 subword tokens"),
    ],
)
def test_what_cannot_be_trained_on_is_told_in_one_line(options, tmp_path, changes, message):
    write_textgrid(tmp_path / "another.TextGrid", {"phones": [(0.0, 0.5, "AH0")]}, 1.0)
    changes = {name: str(tmp_path) if value == "OTHERS" else value for name, value in changes.items()}
    with pytest.raises(InputError, match=message) as caught:
        prepare(dataclasses.replace(options, **changes))
    assert "\n" not in str(caught.value)


def test_a_part_of_train_is_spread_over_it():
    usable, hours = np.arange(100) % 10 != 0, np.full(100, 0.1)
    kept = spread(usable, hours, most=3.0)
    assert hours[kept].sum() == pytest.approx(3.0)
    assert not (kept & ~usable).any()
    assert np.diff(np.flatnonzero(kept)).max() <= 5
    assert spread(usable, hours, most=50.0).tolist() == usable.tolist()


class Late:
    """Aligns words with their true times, a quarter of a second late, and cannot align everything."""

    lead = 0.0

    def align(self, samples, text, rate):
        if "NO" in text:
            raise InputError("too long")
        times = TIMES[: len(text.split())]
        return [
            Word(word, start + 0.25, end + 0.25, 1.0) for word, (start, end) in zip(text.split(), times, strict=True)
        ]


TIMES = [(0.1, 0.4), (0.5, 0.9), (1.0, 1.3)]


class Silence:
    def read(self, start, end):
        return np.zeros(16_000, np.float32)


def test_how_late_a_model_is_is_measured_where_word_times_are_known():
    def record(text, guessed=False):
        times = tuple(TIMES[: len(text.split())])
        return Record(text, Silence(), 0.0, 2.0, "speaker", text, times, times_guessed=guessed)

    records = [record("A B C"), record("NO B"), record("D E"), record("F", guessed=True)]
    assert known_records(records) == [records[0], records[1], records[2]]
    found = measured_lead(Late(), records)
    assert found["lead"] == pytest.approx(0.25)
    assert found["word_start_error_ms"] == pytest.approx(0.0, abs=1e-6)
    assert measured_lead(Late(), records[3:]) == {}


def test_letters_that_no_token_writes_are_told_and_count_as_errors(options, tmp_path, capsys):
    """Transcripts of tones are spelt with letters of which these tokens have a few."""
    small("SEVNT").save(tmp_path / "model.keras")
    setup = prepare(dataclasses.replace(options, tokens="warm_start", warm_start=str(tmp_path)))
    letters = set("".join(spelt(numbers) for numbers in TEXTS)) - set("SEVNT ")
    assert f"no token writes {' '.join(sorted(letters))}: left out" in capsys.readouterr().out
    errors = UtteranceErrors(setup.dev_batches, setup.tokens)
    errors.set_model(SaysAllItCanWrite(setup.tokens, setup.dev_batches))
    found = errors.measure()
    spoken = "".join(spelt(numbers) for numbers in TEXTS)
    assert found["dev_cer"] >= sum(letter in letters for letter in spoken) / len(spoken)
    assert (found["collapse/commonest_share"], found["collapse/distinct"]) == (1, 1)  # of all letters there is E alone
    assert found["collapse/entropy"] == 0
    assert 0 < found["dev_words"] < 1
    assert found["dev_wer"] > 0


class SaysAllItCanWrite:
    """A model that has every transcript by heart, but for the letters that its tokens lack."""

    refiner, frames_per_step = None, 4

    def __init__(self, tokens, batches):
        self.tokens, self.batches, self.step = tokens, batches, 0

    def decoder(self, passes):
        return self

    def predict_on_batch(self, inputs):
        rows, steps = len(inputs["features"]), inputs["features"].shape[1] // self.frames_per_step
        logits = np.zeros((rows, steps, self.tokens.size), np.float32)
        logits[..., 0] = 5
        for i, row in enumerate(self.batches.plan.rows(self.step)):
            ids = self.tokens.encode(self.batches.index[int(row)].text)
            logits[i, 2 * np.arange(len(ids)), ids] = 9
        self.step += 1
        return {"draft": logits}


def test_training_goes_on_with_the_tokens_of_an_earlier_model(options, tmp_path):
    earlier = small("SEVNT")
    earlier.save(tmp_path / "model.keras")
    setup = prepare(dataclasses.replace(options, tokens="warm_start", warm_start=str(tmp_path)))
    assert setup.tokens == earlier.token_set
    with pytest.raises(FlagError, match="^--tokens: .*--warm_start"):
        dataclasses.replace(options, tokens="warm_start")
