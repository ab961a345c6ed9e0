"""Is a classifier collapsing? The right figures and words, whatever form its outputs and targets have."""

import numpy as np
import pytest

from keras_stt.diagnosis import ADVICE, advice_for, are_logits, collapse_figures, find_collapse, log_distributions

CLASSES = 5


def answers(ids, sure=0.9, classes=CLASSES):
    """Log-probabilities that favour these ids."""
    ids = np.asarray(ids)
    rest = np.full((*ids.shape, classes), (1 - sure) / (classes - 1))
    np.put_along_axis(rest, ids[..., None], sure, axis=-1)
    return np.log(rest)


def found(said, targets, shuffled=None, **options):
    """The finding on answers that stay the same (deaf) unless `shuffled` says otherwise."""
    shuffled = said if shuffled is None else shuffled
    figures = collapse_figures(answers(said), answers(shuffled), np.asarray(targets), **options)
    return find_collapse(figures, ["THE", "CAT", "SAT", "ON", "<sil>"], "the audio")


MIXED = np.tile([0, 1, 2, 3], 5)


def test_figures_by_hand():
    said, targets = np.array([0, 0, 0, 1]), np.array([0, 1, 2, 2])
    figures = collapse_figures(answers(said), answers(np.array([0, 1, 2, 2])), targets)
    assert (figures.commonest, figures.commonest_share, figures.commonest_asked) == (0, 0.75, 0.25)
    assert (figures.asked, figures.distinct, figures.distinct_asked) == (4, 2, 3)
    p, q = np.array([4, 2, 1]) / 7, np.array([2, 2, 3]) / 7
    assert figures.kl == pytest.approx(np.sum(p * np.log(p / q)))
    assert figures.loss == pytest.approx(-(np.log(0.9) + 3 * np.log(0.025)) / 4)
    assert figures.shuffle_gap == pytest.approx(-np.log(0.9) - figures.loss)
    assert figures.unigram_loss == pytest.approx(0.5 * np.log(4) + 0.5 * np.log(2))
    assert figures.unigram_gap == pytest.approx(figures.loss - figures.unigram_loss)


def test_ignored_targets_count_nowhere():
    said = np.array([[0, 1, 4], [1, 0, 4]])
    asked = collapse_figures(answers(said), answers(said), np.array([[0, 1, -1], [1, 0, -1]]))
    assert asked == collapse_figures(answers(said[:, :2]), answers(said[:, :2]), said[:, :2])


def test_targets_may_be_one_hot_or_a_column():
    said, targets = np.array([0, 0, 1]), np.array([0, 2, 1])
    plain = collapse_figures(answers(said), answers(said), targets)
    for form in (np.eye(CLASSES)[targets], targets[:, None]):
        assert collapse_figures(answers(said), answers(said), form) == plain


@pytest.mark.parametrize("targets", [np.zeros(4, int), np.full(3, CLASSES), np.zeros((3, 2), int)])
def test_targets_that_are_no_class_ids_are_refused(targets):
    with pytest.raises(ValueError, match="no class ids"):
        collapse_figures(answers(np.zeros(3, int)), answers(np.zeros(3, int)), targets)
    with pytest.raises(ValueError, match="ask for nothing"):
        collapse_figures(answers(np.zeros(3, int)), answers(np.zeros(3, int)), np.full(3, -1))


def test_one_word_always():
    said = np.where(np.arange(20) < 18, 0, MIXED)
    finding = found(said, MIXED)
    assert finding.sentence == (
        "90 % of predictions are THE (25 % are asked); the loss does not change when the audio is shuffled between "
        "samples: the model does not listen"
    )
    assert finding.kind == "one_token"
    assert finding.collapsed


def test_one_word_mostly_by_a_model_that_listens_is_no_collapse():
    finding = found(np.where(np.arange(20) < 14, 0, MIXED), MIXED, shuffled=np.zeros(20, int))
    assert "the model has begun to listen" in finding.sentence
    assert not finding.collapsed


def test_a_common_class_may_be_common_in_the_answers():
    targets = np.where(np.arange(20) < 14, 0, MIXED)
    assert found(targets, targets, shuffled=np.roll(targets, 10)) is None
    assert found(np.zeros(20, int), targets).kind == "one_token"


def test_blanks():
    finding = found(np.full(20, 4), np.where(np.arange(20) < 5, 4, MIXED), blanks=[4])
    assert finding.kind == "blanks"
    assert finding.sentence.startswith("all predictions are blanks (<sil>); the loss does not change")
    padded = np.where(np.arange(20) < 16, 4, MIXED)  # a set that is mostly padding
    assert found(padded, padded, shuffled=np.roll(padded, 7), blanks=[4]) is None


def test_the_same_word_again():
    targets = np.array([[0, 1, 2, 3], [3, 2, 1, 0]] * 4)
    said = np.array([[0, 0, 2, 2], [3, 3, 1, 1]] * 4)
    finding = found(said, targets, shuffled=said[:, ::-1])
    assert finding.kind == "repeats"
    assert "67 % of the time, where 0 % is asked" in finding.sentence
    assert not finding.collapsed
    silent = np.array([[0, 4, 4, 4], [3, 4, 4, 4]] * 4)
    assert found(silent, np.array([[0, 1, 4, 4], [3, 1, 4, 4]] * 4), shuffled=targets, blanks=[4]) is None


def test_the_advice_begins_with_how_far_a_guess_by_frequency_is():
    by_frequency = np.tile(np.log([0.26, 0.25, 0.24, 0.24, 0.01]), (20, 1))
    figures = collapse_figures(by_frequency, by_frequency, MIXED)
    assert "is that of guessing by frequency. " in advice_for(find_collapse(figures), figures)
    figures = collapse_figures(answers(0 * MIXED), answers(0 * MIXED), MIXED)
    assert "above that of guessing by frequency: it has" in advice_for(find_collapse(figures), figures)
    listening = collapse_figures(answers(MIXED, 0.6), answers(MIXED, 0.6), MIXED)
    finding = found(np.roll(MIXED, 1), MIXED)
    assert advice_for(finding, listening) == ADVICE["deaf"]


def test_many_words_without_listening():
    finding = found(np.roll(MIXED, 1), MIXED)
    assert finding.kind == "deaf"
    assert not finding.collapsed
    assert "the loss even falls when the audio" in found(np.roll(MIXED, 1), MIXED, shuffled=MIXED).sentence
    assert found(MIXED, MIXED) is None  # the answer is known from elsewhere: nothing to listen to


def test_one_class_alone_and_answers_that_are_no_numbers():
    assert found(np.zeros(8, int), np.zeros(8, int)) is None
    broken = np.full((8, CLASSES), np.nan)
    assert find_collapse(collapse_figures(broken, broken, MIXED[:8])).kind == "not_finite"


def test_a_row_without_a_class_asks_for_nothing():
    said, targets = np.array([0, 0, 1, 3]), np.array([0, 2, 1, -1])
    plain = collapse_figures(answers(said), answers(said), targets)
    for nothing in (np.zeros(CLASSES), np.full(CLASSES, -1)):
        rows = np.vstack([np.eye(CLASSES)[targets[:3]], nothing])
        assert collapse_figures(answers(said), answers(said), rows) == plain
        with pytest.raises(ValueError, match="no class ids"):
            collapse_figures(answers(said), answers(said), rows, ignored=None)


@pytest.mark.parametrize("targets", [np.ones((3, CLASSES)), np.array([0, 1, -2]), np.array([0.5, 1, 2])])
def test_several_classes_negative_ids_and_fractions_are_refused(targets):
    with pytest.raises(ValueError, match="no class ids"):
        collapse_figures(answers(np.zeros(3, int)), answers(np.zeros(3, int)), targets)


def test_blanks_beyond_the_output_are_refused():
    with pytest.raises(ValueError, match=r"blanks=\[5\], but the output has 5 classes"):
        collapse_figures(answers(MIXED), answers(MIXED), MIXED, blanks=[5])


SOFTMAX = np.exp(answers(MIXED))


@pytest.mark.parametrize(
    ("scores", "loss_takes_logits", "logits"),
    [
        (SOFTMAX, None, False),
        (SOFTMAX, True, False),  # a softmax under a loss that takes it for logits: a mistake that is often made
        (SOFTMAX.astype("float16"), None, False),
        (answers(MIXED), None, True),
        (answers(MIXED), False, True),
        (0 * SOFTMAX, None, True),
        (SOFTMAX / 2, False, False),  # sigmoids over many classes
        (np.full((4, 1), 0.3), None, False),
        (np.full((4, 1), 0.3), True, True),
        (np.full((4, 1), 1.3), False, True),
        (np.full((4, 3), np.nan), None, True),
    ],
)
def test_logits_are_told_from_probabilities(scores, loss_takes_logits, logits):
    assert are_logits(scores, loss_takes_logits) == logits


def test_distributions_by_hand():
    logits = np.random.default_rng(0).normal(size=(4, 3, CLASSES))
    softmax = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(log_distributions(logits, True), np.log(softmax), rtol=1e-6)
    np.testing.assert_allclose(log_distributions(softmax, False), np.log(softmax), rtol=1e-6)
    np.testing.assert_allclose(log_distributions(softmax / 2, False), np.log(softmax), rtol=1e-6)
    sigmoid = 1 / (1 + np.exp(-logits[..., :1]))
    two = np.log(np.concatenate([1 - sigmoid, sigmoid], axis=-1))
    np.testing.assert_allclose(log_distributions(logits[..., :1], True), two, rtol=1e-6)
    np.testing.assert_allclose(log_distributions(sigmoid, False), two, rtol=1e-6)


def test_infinite_scores_are_no_numbers_and_no_accident():
    figures = collapse_figures(*[log_distributions(np.full((20, CLASSES), np.inf), True)] * 2, MIXED)
    assert find_collapse(figures).kind == "not_finite"
