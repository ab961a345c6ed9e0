"""What is kept of single utterances is what the model read, said and looked at."""

import dataclasses
import itertools
import json

import keras
import numpy as np
import pytest
from conftest import WORDS, say
from keras import ops

from keras_stt.decoding.ctc_alignment import forward_score, log_softmax
from keras_stt.decoding.ctc_occupancy import occupancy
from keras_stt.decoding.refine import refine, softmax
from keras_stt.decoding.stitch import Word
from keras_stt.errors import InputError
from keras_stt.evaluation import evaluate_utterances
from keras_stt.evidence.choose import ALL, BEST, MEDIAN, WORST, choose
from keras_stt.evidence.example import ATTENTION, FOUND, Example, MaskedText, Picture, Slot
from keras_stt.evidence.folder import read_examples, write_examples
from keras_stt.evidence.passes import hear_passes, masked_text
from keras_stt.evidence.utterance import utterance_examples
from keras_stt.evidence.window import HeardWindow, hear_windows
from keras_stt.features import log_mel
from keras_stt.layers import AudioBlock
from keras_stt.models.utterance import SURE
from keras_stt.recognizer import UtteranceRecognizer
from keras_stt.report.results import UtteranceResult
from keras_stt.text import Vocabulary
from keras_stt.tokens import CharacterTokens


@pytest.fixture(scope="module")
def recordings() -> list[np.ndarray]:
    return [say(words, np.random.default_rng(0))[0] for words in (WORDS[:3], WORDS[1:3])]


@pytest.fixture(scope="module")
def model() -> UtteranceRecognizer:
    """Untrained, its heads loud enough to be sure of some tokens; both parts have attention."""
    keras.utils.set_random_seed(3)
    tokens = CharacterTokens.learn(WORDS)
    size = {"model_dim": 16, "audio_blocks": 2, "attention_heads": 2, "audio_mixer": "both", "refiner_blocks": 1}
    model = UtteranceRecognizer(tokens.to_config(), tokens.size, **size, refiner_mixer="both", mel_bands=20)
    for part in (model.encoder, model.refiner):
        head = part.get_layer("draft" if part is model.encoder else "refined")
        head.set_weights([6 * weight for weight in head.get_weights()])
    return model


@pytest.mark.backend
def test_passes_are_those_of_transcription(model, recordings):
    lengths = np.array([len(log_mel(samples)) for samples in recordings], np.int32)
    frames = np.zeros((2, lengths.max(), 20), np.float32)
    for row, samples in enumerate(recordings):
        frames[row, : lengths[row]] = log_mel(samples, 20)
    found = hear_passes(model, recordings, 2)
    for passes in (1, 2):
        draft, refined = model.draft_and_refine(frames, lengths, passes)
        for row, heard in enumerate(found):
            steps = len(heard.said[0])
            assert steps == -(-lengths[row] // model.frames_per_step)
            np.testing.assert_allclose(heard.said[0], draft[row, :steps], atol=1e-4)
            np.testing.assert_allclose(heard.said[passes], refined[row, :steps], atol=1e-3)


@pytest.mark.backend
def test_what_is_shown_as_hidden_was_masked_and_confidences_are_the_model_s(model, recordings):
    heard = hear_passes(model, recordings, 1)[0]
    tokens, hidden_and_shown = model.token_set, set()
    passes = masked_text(heard, tokens, model.step_seconds, 0.0).passes
    assert len(passes) == 2  # one more than it transcribes with
    for number, slots in enumerate(passes):
        before, after = (softmax(logits) for logits in heard.said[number : number + 2])
        path = before.argmax(axis=1)
        sure = (before.max(axis=1) >= SURE) & (path > 0)
        np.testing.assert_array_equal(heard.read[number], np.where(sure, path, tokens.mask_id))
        stood = [slot for slot in slots if slot.under]
        spans = [list(steps) for token, steps in itertools.groupby(range(len(path)), path.__getitem__) if token]
        assert [slot.under for slot in stood] == [_written(tokens, path[span[0]]) for span in spans]
        assert [slot.hidden for slot in stood] == [not sure[span].any() for span in spans]
        assert all(slot.hidden for slot in slots if not slot.under)
        said = [slot for slot in slots if slot.said]
        path = after.argmax(axis=1)
        spans = [list(steps) for token, steps in itertools.groupby(range(len(path)), path.__getitem__) if token]
        assert [slot.said for slot in said] == [_written(tokens, path[span[0]]) for span in spans]
        peaks = [after[span, path[span[0]]].max() for span in spans]
        np.testing.assert_allclose([slot.confidence for slot in said], peaks, rtol=1e-4)
        assert all(slot.others[0][1] >= slot.others[1][1] for slot in said)
        hidden_and_shown |= {slot.hidden for slot in stood}
    assert hidden_and_shown == {True, False}


def _written(tokens, token: int) -> str:
    return tokens.letters[token] or "▁"


@pytest.mark.backend
def test_attention_that_is_shown_is_the_attention_that_the_block_pays():
    """Values mixed by the weights are what the block's own, perhaps fused, operation finds."""
    block = AudioBlock(8, 2, mixer="attention", position="rotary")
    audio = np.random.default_rng(0).standard_normal((2, 5, 8)).astype(np.float32)
    audio, steps = ops.convert_to_tensor(audio), ops.convert_to_tensor(np.array([5, 3], np.int32))
    block(audio, steps)
    weights = ops.convert_to_numpy(block.attention_weights(audio, steps))
    assert weights.shape == (2, 2, 5, 5)
    np.testing.assert_allclose(weights.sum(axis=-1), 1.0, atol=1e-5)
    assert weights[1, :, :, 3:].max() < 1e-6  # padding
    normed = block.attention_norm(audio)
    value = ops.convert_to_numpy(block.attention._projections(normed, normed)[2])
    mixed = block.attention._merged(ops.convert_to_tensor(weights @ value))
    block.feed_forward.outer.set_weights([np.zeros((32, 8)), np.zeros(8)])
    np.testing.assert_allclose(
        ops.convert_to_numpy(block(audio, steps))[0], ops.convert_to_numpy(audio + mixed)[0], atol=1e-5
    )
    with pytest.raises(ValueError, match="no attention"):
        AudioBlock(8, 2, mixer="conv", name="c").attention_weights(audio, steps)


def test_occupancy_is_the_share_of_all_paths():
    rng = np.random.default_rng(1)
    log_probs, text = log_softmax(rng.standard_normal((5, 4))), [1, 1, 3]
    expected = np.zeros((3, 5))
    for path in itertools.product(range(4), repeat=5):
        spans = [(token, list(steps)) for token, steps in itertools.groupby(range(5), path.__getitem__) if token]
        if [token for token, _ in spans] == text:
            for place, (_, steps) in enumerate(spans):
                expected[place, steps] += np.exp(log_probs[np.arange(5), path].sum())
    expected /= np.exp(forward_score(log_probs, np.array(text)))
    np.testing.assert_allclose(occupancy(log_probs, np.array(text)), expected, atol=1e-9)
    assert occupancy(log_probs, np.zeros(0, np.int32)).shape == (0, 5)


def test_windows_show_what_was_masked_and_guessed(tiny_recognizer, tone_corpus):
    vocabulary, rng = Vocabulary.from_list(tiny_recognizer.vocabulary), np.random.default_rng(0)
    read = np.array([[4, 1, 6, 1], [1, 1, 1, 1]], np.int32)
    features = rng.standard_normal((2, 192, 80)).astype(np.float32)
    inputs = {"features": features, "feature_lengths": np.array([192, 150], np.int32), "token_ids": read}
    truth = [("ALFA", "BRAVO", "CHARLIE", "DELTA"), ("ECHO", "ECHO", "<sil>", "<sil>")]
    windows = [
        HeardWindow(f"W{i}", {name: value[i : i + 1] for name, value in inputs.items()}, truth[i], 0.5 * i, (None,) * 4)
        for i in (0, 1)
    ]
    found = hear_windows(tiny_recognizer, windows, 1)
    made = refine(tiny_recognizer.predict_on_batch, inputs, vocabulary, 3)
    logits = np.array(tiny_recognizer.predict_on_batch(inputs)["tokens"])
    logits[..., list(vocabulary.unsaid_ids)] = -np.inf
    for row, (masked, picture) in enumerate(found):
        first = masked.passes[0]
        assert [slot.hidden for slot in first] == (read[row] == vocabulary.mask_id).tolist()
        assert [slot.under for slot in first] == list(truth[row])
        for place, slot in enumerate(first):
            if slot.hidden:
                sureness = softmax(logits[row, place])
                assert slot.said == vocabulary.decode([sureness.argmax()])[0]
                assert slot.confidence == pytest.approx(sureness.max(), rel=1e-4)
                assert [p for _, p in slot.others] == pytest.approx(sorted(sureness)[-2:-5:-1], rel=1e-4)
            else:
                assert (slot.said, slot.confidence) == (slot.under, None)
        for before, after in itertools.pairwise(masked.passes):
            assert [slot.under for slot in after] == [slot.said for slot in before]
            assert sum(slot.hidden for slot in after) < sum(slot.hidden for slot in before)
        assert [slot.said for slot in masked.passes[-1]] == vocabulary.decode(made.token_ids[row])
        np.testing.assert_allclose(picture.values, made.attention[row][:, : (32, 25)[row]], atol=1e-5)
        assert picture.start == 0.5 * row


def test_an_utterance_is_shown_as_it_is_transcribed(model, tone_corpus):
    records = tone_corpus.records[:3]
    chosen = [
        ("all", result, record) for result, record in zip(evaluate_utterances(model, records), records, strict=True)
    ]
    for (example, samples), (_, result, record) in zip(utterance_examples(model, chosen, 1, 0.0), chosen, strict=True):
        assert example.hypothesis == result.hypothesis
        assert example.reference_times == record.word_times
        assert len(samples) / 16_000 == pytest.approx(example.duration)
        kinds = [picture.kind for picture in example.pictures]
        assert kinds == ([FOUND, ATTENTION] if example.hypothesis else [])
        for picture in example.pictures:
            assert list(picture.labels) == example.hypothesis.split()
            np.testing.assert_allclose(picture.values.sum(axis=1)[picture.kind == FOUND :], 1.0, atol=1e-4)


def results_of(rates: list[int], duration: float = 1.0) -> list[UtteranceResult]:
    """Utterances of ten words, so many of them wrong."""
    return [
        UtteranceResult(f"u{i}", "s", duration, "A " * 10, "B " * wrong + "A " * (10 - wrong))
        for i, wrong in enumerate(rates)
    ]


def edits_by_group(results) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for group, result in choose(results):
        found.setdefault(group, []).append(result.counts.edits)
    return found


def test_the_worst_the_median_and_the_best_are_chosen():
    rates = [3, 9, 1, 7, 2, 8, 5, 4, 6, 0]
    chosen = {WORST: [9, 8, 7], MEDIAN: [3, 4, 5], BEST: [0, 1, 2]}
    assert edits_by_group(results_of(rates)) == chosen
    assert edits_by_group(results_of([1, 2, 3, 4, 5, 6, 7])) == {WORST: [7, 6], MEDIAN: [3, 4], BEST: [1, 2]}
    assert edits_by_group(results_of([2, 5, 3])) == {ALL: [5, 3, 2]}
    assert choose(results_of([1, 2], duration=31.0)) == choose([]) == []


EXAMPLE = Example(
    *("worst", "ü\udce9", "s", 1.0, "A B", "A", ((0.0, 0.4), (0.5, 0.9)), "the corpus"),
    words=(Word("A", 0.1, 0.4, 0.75),),
    masked=(MaskedText("W", ("A",), ((Slot("A", True, "B", 0.25, (("C", 0.125),), True, None),),)),),
    masked_note="",
    pictures=(Picture(ATTENTION, "t", "c", ("A",), (None,), 0.5, 0.25, np.array([[0.0, 1.0]])),),
)


def test_what_is_written_is_read(tmp_path):
    samples = (0.5 * np.sin(np.arange(16_000) / 10)).astype(np.float32)
    write_examples(tmp_path / "utterances", [(EXAMPLE, samples)] * 11)
    found = read_examples(tmp_path / "utterances")
    assert len(found) == 11
    example, clip = found[0]
    assert clip.startswith(b"fLaC")
    assert dataclasses.replace(example, pictures=()) == dataclasses.replace(EXAMPLE, pictures=())
    np.testing.assert_array_equal(example.pictures[0].values, EXAMPLE.pictures[0].values)
    write_examples(tmp_path / "utterances", [])
    assert read_examples(tmp_path / "utterances") == read_examples(tmp_path / "missing") == []


def test_numbers_that_are_none_are_nothing(tmp_path):
    odd = dataclasses.replace(EXAMPLE, words=(Word("A", 0.1, 0.4, float("nan")),))
    write_examples(tmp_path / "utterances", [(odd, np.zeros(160, np.float32))])
    assert read_examples(tmp_path / "utterances")[0][0].words[0].confidence is None


def change(path, **fields):
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: (folder / "1.json").write_text("{"), r"1\.json: Expecting"),
        (lambda folder: (folder / "1.json").write_text("[]"), "no utterance of a run"),
        (lambda folder: (folder / "1.json").write_text(json.dumps({"format": 99})), "another format"),
        (lambda folder: (folder / "1.json").write_bytes(b"\xff\xfe{"), r"1\.json"),
        (lambda folder: (folder / "1.flac").unlink(), r"1\.flac: cannot be read"),
        (lambda folder: (folder / "1.flac").write_bytes(b"fLaC"), r"1\.flac: cannot be read as audio"),
        (lambda folder: change(folder / "1.json", duration="long"), r"1\.json: .*could not convert"),
        (lambda folder: change(folder / "1.json", words=[{"text": "A"}]), r"1\.json: .*'confidence'"),
    ],
)
def test_a_damaged_folder_is_named(tmp_path, spoil, said):
    write_examples(tmp_path / "utterances", [(EXAMPLE, np.zeros(1600, np.float32))])
    spoil(tmp_path / "utterances")
    with pytest.raises(InputError, match=said):
        read_examples(tmp_path / "utterances")
