"""What is counted as an error, on whole utterances and on the hidden words of windows."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from keras_stt.errors import InputError
from keras_stt.evaluation import (
    UtteranceResult,
    cross_entropy,
    evaluate_utterances,
    masked_word_report,
    summarize,
    window_errors,
)
from keras_stt.masking import IGNORED
from keras_stt.text import Vocabulary
from keras_stt.unigram import unigram_distribution
from keras_stt.wer import edit_counts

VOCABULARY = Vocabulary(["A", "B", "C", "D"])
SIL, A, B, C, D = range(VOCABULARY.sil_id, len(VOCABULARY))


def batch(truth, audio=None, visible=(), autoencode=False):
    """A batch of windows whose audio is the token ids it is heard as.

    `visible` are `(row, slot)` shown and not asked for; with `autoencode` all are shown and asked for.
    """
    truth = np.array(truth, np.int32)
    hidden = np.full(truth.shape, not autoencode)
    for row, slot in visible:
        hidden[row, slot] = False
    inputs = {
        "features": np.array(truth if audio is None else audio, np.float32)[..., None],
        "feature_lengths": np.full(len(truth), truth.shape[1], np.int32),
        "token_ids": np.where(hidden, VOCABULARY.mask_id, truth).astype(np.int32),
    }
    return inputs, {"tokens": np.where(hidden | autoencode, truth, IGNORED).astype(np.int32)}


def rates(*arguments) -> dict:
    """The errors, without the cross entropy."""
    return {name: rate for name, rate in window_errors(*arguments).items() if name != "nats"}


def listen(inputs):
    """A model that says in every slot what its audio holds there."""
    heard = inputs["features"][..., 0].astype(int)
    return {"tokens": 9.0 * np.eye(len(VOCABULARY), dtype=np.float32)[heard], "attention": np.ones((*heard.shape, 1))}


@pytest.mark.parametrize("passes", [1, 2, 3])
def test_perfect_predictions_have_no_errors(passes):
    batches = [batch([[A, B, C, SIL], [D, SIL, SIL, SIL]]), batch([[B, B, SIL, SIL]], visible=[(0, 0)])]
    assert rates(listen, batches, VOCABULARY, passes) == {"wer": 0, "wer_with_sil": 0, "masked_error": 0}


def test_each_wrong_word_counts_once():
    batches = [batch([[A, B, C, D]], [[A, C, C, D]]), batch([[A, B, C, D]], [[A, B, A, A]])]
    errors = rates(listen, batches, VOCABULARY)
    assert errors == {"wer": 3 / 8, "wer_with_sil": 3 / 8, "masked_error": 3 / 8}


def test_silence_between_words_moves_slots_but_is_no_word():
    """The same words one slot late: the transcript is right, `<sil>` as a word is two edits, B is in a wrong slot."""
    errors = rates(listen, [batch([[A, B, SIL, SIL]], [[A, SIL, B, SIL]])], VOCABULARY)
    assert errors["wer"] == 0
    assert errors["wer_with_sil"] == 2 / 4
    assert errors["masked_error"] == 1 / 2


def test_a_word_instead_of_silence_is_an_insertion_and_no_masked_error():
    errors = rates(listen, [batch([[A, B, SIL, SIL]], [[A, B, C, SIL]])], VOCABULARY)
    assert errors == {"wer": 1 / 2, "wer_with_sil": 1 / 4, "masked_error": 0}


def test_silence_instead_of_a_word_is_a_deletion():
    errors = rates(listen, [batch([[A, B, C, D]], [[A, B, C, SIL]])], VOCABULARY)
    assert errors == {"wer": 1 / 4, "wer_with_sil": 1 / 4, "masked_error": 1 / 4}


def test_visible_words_are_given_and_not_asked_for():
    """Three of four words are visible, and heard wrong: what is given stands, and the share is of the hidden alone."""
    visible = [(0, 0), (0, 1), (0, 2)]
    right = rates(listen, [batch([[A, B, C, D]], [[D, D, D, D]], visible)], VOCABULARY)
    assert right == {"wer": 0, "wer_with_sil": 0, "masked_error": 0}
    wrong = rates(listen, [batch([[A, B, C, D]], [[D, D, D, A]], visible)], VOCABULARY)
    assert wrong == {"wer": 1 / 4, "wer_with_sil": 1 / 4, "masked_error": 1}


def test_an_unknown_word_is_always_an_error():
    """`<unk>` in the truth can never be said, so a vocabulary cannot be made smaller to look better."""
    errors = rates(listen, [batch([[A, VOCABULARY.unk_id, SIL, SIL]])], VOCABULARY)
    assert errors["masked_error"] == 1 / 2
    assert errors["wer"] == 1 / 2


def test_windows_of_silence_alone_have_no_masked_error():
    errors = rates(listen, [batch([[SIL, SIL]])], VOCABULARY)
    assert errors == {"wer": 0, "wer_with_sil": 0, "masked_error": 0}


@pytest.mark.parametrize("passes", [1, 2])
def test_an_autoencoder_is_judged_by_what_it_says_and_not_by_what_it_reads(passes):
    """All words are shown; the model says one of four wrong and one silence too many."""
    batches = [batch([[A, B, C, D]], [[A, B, B, SIL]], autoencode=True)]
    assert rates(listen, batches, VOCABULARY, passes) == {"wer": 2 / 4, "wer_with_sil": 2 / 4, "masked_error": 2 / 4}
    right = [batch([[A, B, SIL, SIL]], autoencode=True)]
    assert rates(listen, right, VOCABULARY, passes) == {"wer": 0, "wer_with_sil": 0, "masked_error": 0}


def test_a_padding_token_is_no_word_either():
    pad = VOCABULARY.pad_id
    moved = rates(listen, [batch([[pad, pad, A, B]], [[A, B, pad, pad]])], VOCABULARY)
    assert moved == {"wer": 0, "wer_with_sil": 4 / 4, "masked_error": 1}
    swapped = rates(listen, [batch([[A, pad]], [[A, SIL]])], VOCABULARY)
    assert swapped == {"wer": 0, "wer_with_sil": 1 / 2, "masked_error": 0}


def test_nats_are_the_cross_entropy_of_the_asked_tokens():
    """The mean of samples; all tokens of the vocabulary share the probability, said or not."""
    right = -math.log(math.e**9 / (math.e**9 + len(VOCABULARY) - 1))
    batches = [batch([[A, B]], [[A, C]]), batch([[D, SIL], [B, B]], visible=[(0, 0)])]
    expected = ((right + right + 9) / 2 + right + right) / 3
    for passes in (1, 2):
        assert window_errors(listen, batches, VOCABULARY, passes)["nats"] == pytest.approx(expected)
    silent = [batch([[A, B]], visible=[(0, 0), (0, 1)])]
    assert window_errors(listen, silent, VOCABULARY)["nats"] == 0


def test_nats_agree_with_the_loss_of_the_same_logits():
    import keras

    rng = np.random.default_rng(0)
    logits = 20 * rng.standard_normal((3, 4, len(VOCABULARY))).astype(np.float32)
    ids = rng.integers(0, len(VOCABULARY), (3, 4))
    expected = keras.ops.convert_to_numpy(keras.ops.sparse_categorical_crossentropy(ids, logits, from_logits=True))
    np.testing.assert_allclose(cross_entropy(logits, ids), expected, rtol=1e-4, atol=1e-4)


def unigram(**counts):
    shares = np.ones(len(VOCABULARY))
    for word, count in counts.items():
        shares[VOCABULARY.encode([word])[0]] += count
    return shares / shares.sum()


def test_the_unigram_guess_is_the_commonest_word_and_never_silence():
    shares = unigram(B=5, A=2)
    shares[SIL] = shares[VOCABULARY.mask_id] = shares[VOCABULARY.unk_id] = 10
    batches = [batch([[B, B, A, SIL], [C, B, SIL, SIL]])]
    report = masked_word_report(listen, batches, VOCABULARY, shares / shares.sum())
    assert report["unigram_error"] == 2 / 5
    assert report["masked_words"] == 5
    assert report["masked_error"] == 0


def test_padding_is_not_among_the_words_of_the_report():
    pad = VOCABULARY.pad_id
    report = masked_word_report(listen, [batch([[pad, pad, B, A]])], VOCABULARY, unigram(B=5))
    assert report["unigram_error"] == 1 / 2
    assert report["masked_words"] == 2


def test_the_report_of_an_autoencoder_counts_the_words_it_reads():
    """A model that listens and does not read: right with its own audio, wrong with that of another sample."""
    batches = [batch([[B, SIL], [A, C]], autoencode=True)]
    report = masked_word_report(listen, batches, VOCABULARY, unigram(B=5))
    assert report == {"masked_error": 0, "shuffled_audio_error": 1, "unigram_error": 2 / 3, "masked_words": 3}


def test_visible_words_are_not_in_the_unigram_error():
    report = masked_word_report(listen, [batch([[B, A, A, A]], visible=[(0, 1), (0, 2)])], VOCABULARY, unigram(B=5))
    assert report["unigram_error"] == 1 / 2
    assert report["masked_words"] == 2


def test_shuffled_audio_is_that_of_another_sample():
    """A model that only hears says all words of another sample; its own audio reaches no row."""
    report = masked_word_report(listen, [batch([[A, A], [B, B], [C, C]])], VOCABULARY, unigram(A=1))
    assert report["masked_error"] == 0
    assert report["shuffled_audio_error"] == 1

    seen = []

    def spy(inputs):
        seen.append({name: np.array(value) for name, value in inputs.items()})
        return listen(inputs)

    inputs, targets = batch([[A, B], [C, D], [B, SIL]], visible=[(0, 0)])
    inputs["feature_lengths"] = np.array([2, 1, 0], np.int32)
    masked_word_report(spy, [(inputs, targets)], VOCABULARY, unigram(A=1))
    own, shuffled = seen
    for row in range(3):
        from_row = next(i for i in range(3) if (own["features"][i] == shuffled["features"][row]).all())
        assert from_row != row
        assert shuffled["feature_lengths"][row] == own["feature_lengths"][from_row]  # its length comes along
    np.testing.assert_array_equal(own["token_ids"], shuffled["token_ids"])  # the text stays


def test_a_model_that_does_not_listen_is_not_hurt_by_shuffling():
    def deaf(inputs):
        shape = (*inputs["token_ids"].shape, 1)
        return {"tokens": np.tile(np.eye(len(VOCABULARY), dtype=np.float32)[A], shape), "attention": np.ones(shape)}

    report = masked_word_report(deaf, [batch([[A, B], [A, A]])], VOCABULARY, unigram(A=3))
    assert report["masked_error"] == report["shuffled_audio_error"] == report["unigram_error"] == 1 / 4


def test_the_unigram_counts_what_is_asked_for_with_one_of_each_added():
    shares = unigram_distribution([batch([[A, A, B, SIL]], visible=[(0, 0)]), batch([[B, B]])], VOCABULARY)
    expected = np.ones(len(VOCABULARY))
    expected[[A, B, SIL]] += [1, 3, 1]
    np.testing.assert_allclose(shares, expected / expected.sum())
    first = unigram_distribution([batch([[A, A]]), batch([[B, B]])], VOCABULARY, steps=1)
    assert first[A] == 3 / 10
    assert first[B] == 1 / 10


def result(reference, hypothesis, duration=1.0):
    counts = edit_counts(reference.split(), hypothesis.split())
    characters = edit_counts(list(reference), list(hypothesis))
    return UtteranceResult("id", "speaker", duration, reference, hypothesis, counts, characters, ())


def test_a_summary_adds_edits_up_over_utterances():
    results = [result("A B C D", "A X C", 1800), result("A", "A B", 900), result("B C", "B C", 900)]
    summary = summarize(results)
    assert summary["wer"] == 3 / 7  # not the mean of the utterances' rates
    assert (summary["substitutions"], summary["deletions"], summary["insertions"]) == (1, 1, 1)
    assert (summary["words"], summary["utterances"], summary["hours"]) == (7, 3, 1.0)
    assert summary["cer"] == pytest.approx(5 / 11)
    low, high = summary["wer_interval"]
    assert 0 <= low <= summary["wer"] <= high


def test_a_perfect_summary_and_one_of_a_single_utterance():
    summary = summarize([result("A B", "A B")])
    assert summary["wer"] == summary["cer"] == 0
    assert summary["wer_interval"] == [0, 0]


def test_nothing_to_summarize_is_an_input_error():
    with pytest.raises(InputError, match="no utterance could be read"):
        summarize([])


def test_utterances_are_transcribed_and_unreadable_ones_left_out(tiny_recognizer, capsys):
    def record(name, read):
        return SimpleNamespace(id=name, speaker="s", duration=0.5, text="ALFA BRAVO", read=read)

    def unreadable():
        raise InputError("gone")

    records = [record("a", lambda: np.zeros(8000, np.float32)), record("b", unreadable), record("c", lambda: SILENCE)]
    results = evaluate_utterances(tiny_recognizer, records)
    assert [one.id for one in results] == ["a", "c"]
    assert results[0].hypothesis == " ".join(word.text for word in results[0].words)
    assert results[1].hypothesis == ""  # less than a frame: nothing heard
    assert results[1].counts.deletions == 2
    assert results[1].characters.deletions == len("ALFA BRAVO")


SILENCE = np.zeros(100, np.float32)


def test_shuffled_audio_comes_from_another_batch():
    """Neighbouring windows hear each other's words, and a sample alone in its batch has no neighbour."""
    heard = []

    def listen(inputs):
        heard.append(inputs["feature_lengths"].tolist())
        shape = (*inputs["token_ids"].shape, len(VOCABULARY))
        return {"tokens": np.zeros(shape, np.float32), "attention": np.ones((*shape[:2], 1))}

    batches = [batch([[A, B], [B, A]]), batch([[A, A]])]
    for number, (inputs, _) in enumerate(batches):
        inputs["feature_lengths"] = np.arange(len(inputs["token_ids"])) + 10 * number
    masked_word_report(listen, batches, VOCABULARY, unigram(A=1))
    assert heard == [[0, 1], [10], [10, 10], [0]]
