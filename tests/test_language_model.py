"""Word n-grams: probabilities that add up to one, Kneser-Ney by hand, and files that come back the same."""

import itertools
import math

import numpy as np
import pytest

from keras_stt.decoding.language_model import BEGIN_WORD, END_WORD, UNKNOWN_WORD, WordNgrams
from keras_stt.errors import InputError


def spoken(seed, sentences=300):
    """Texts in which a word tells the next: a walk over 30 words, each followed by few others."""
    rng = np.random.default_rng(seed)
    words = ["".join(pair) for pair in itertools.product("BDKLMT", "AEIOU")]
    texts = []
    for _ in range(sentences):
        place, said = rng.integers(30), []
        for _ in range(rng.integers(3, 12)):
            said.append(words[place])
            place = (place * 7 + rng.integers(3)) % 30
        texts.append(" ".join(said))
    return texts


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("prune", [(0,), (0, 0, 1), (0, 1, 2)])
def test_probabilities_of_all_words_add_up_to_one(order, prune):
    model = WordNgrams.learn(spoken(0, 60), order, prune)
    seen = spoken(0, 60)[0].split()
    contexts = [[], [BEGIN_WORD], [BEGIN_WORD, *seen[:1]], [BEGIN_WORD, *seen[:2]], seen[:2], seen[:3]]
    contexts += [["BA", "BA", "BA"], ["NEVER"], ["NEVER", "BA"], ["BA", "NEVER", *seen[:2]], [seen[-1], END_WORD]]
    for context in contexts:
        total = sum(math.exp(model.log_probability(word, context)) for word in [*model.words, END_WORD, UNKNOWN_WORD])
        assert total == pytest.approx(1.0, abs=1e-5), context


def test_kneser_ney_by_hand():
    """`A B`, `A C`, `A B`: discounts 0.5, 1 and 1.5 as the text is too small, one half for 1, 1 for 2, 1.5 for 3."""
    model = WordNgrams.learn(["A B", "A C", "A B"], order=2, prune=(0,))
    # Different words before A, B, C, </s>: <s>; A; A; B and C. Three of these have one: 4 of 7 to the unknown, capped.
    unknown = 0.5
    one = {"A": 0.5 / 5, "B": 0.5 / 5, "C": 0.5 / 5, END_WORD: 0.5 * 2 / 5}
    for word, probability in one.items():
        assert math.exp(model.log_probability(word)) == pytest.approx(probability)
    assert math.exp(model.log_probability(UNKNOWN_WORD)) == pytest.approx(unknown)
    # After A: B twice, C once. (2 - 1) / 3, (1 - 0.5) / 3, and 1.5 / 3 is left for what the one-grams say.
    assert math.exp(model.log_probability("B", ["A"])) == pytest.approx(1 / 3 + 0.5 * 0.1)
    assert math.exp(model.log_probability("C", ["A"])) == pytest.approx(0.5 / 3 + 0.5 * 0.1)
    assert math.exp(model.log_probability("A", ["A"])) == pytest.approx(0.5 * 0.1)
    # <s> A three times: (3 - 1.5) / 3, and as much left over.
    assert math.exp(model.log_probability("A", [BEGIN_WORD])) == pytest.approx(0.5 + 0.5 * 0.1)
    expected = math.log(0.55) + math.log(1 / 3 + 0.05) + math.log((2 - 1) / 2 + 0.5 * 0.2)
    assert model.score("A B") == pytest.approx(expected, abs=1e-5)


def test_lower_orders_count_in_how_many_contexts_a_word_is_met():
    texts = ["SAN FRANCISCO"] * 20 + [f"{word} GLASS" for word in "ABCDEFGH"]
    model = WordNgrams.learn(texts, 2)
    assert model.log_probability("GLASS", ["X"]) > model.log_probability("FRANCISCO", ["X"])
    assert model.log_probability("FRANCISCO", ["SAN"]) > math.log(0.8)


def test_longer_contexts_tell_more_of_text_not_seen():
    train, held_out = spoken(0), spoken(1, 100)
    perplexities = [WordNgrams.learn(train, order).perplexity(held_out) for order in (1, 2, 3)]
    assert perplexities[1] < 0.3 * perplexities[0]
    assert perplexities[2] < 1.2 * perplexities[1]


def test_pruning_makes_it_smaller_and_little_worse():
    train, held_out = spoken(0), spoken(1, 100)
    whole, pruned = WordNgrams.learn(train, 3, (0,)), WordNgrams.learn(train, 3, (0, 0, 2))
    assert len(pruned.ngrams.keys) < 0.9 * len(whole.ngrams.keys)
    assert pruned.perplexity(held_out) < 1.1 * whole.perplexity(held_out)


def test_unknown_words_are_spelt():
    model = WordNgrams.learn(spoken(0), 2)
    likely, unlikely, foreign = (model.log_probability(word, ["BA"]) for word in ("BABA", "BBAA", "ÞÞÞÞ"))
    assert foreign < unlikely < likely < model.log_probability(UNKNOWN_WORD, ["BA"])
    for word in ("BABA", "BEDO"):
        assert model.spelling.beginning(word[:2]) >= model.spelling.beginning(word[:3]) >= model.spelling.word(word)
    assert np.isfinite(model.score("ÞÞÞÞ BA"))


def test_words_from_few_kinds_leave_little_to_the_unknown():
    digits = ["ZERO", "ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX", "SEVEN", "EIGHT", "NINE"]
    rng = np.random.default_rng(0)
    model = WordNgrams.learn([" ".join(rng.choice(digits, 5)) for _ in range(400)])
    assert model.log_probability(UNKNOWN_WORD, ["ONE"]) < math.log(0.01)


def test_the_beginning_of_a_word_knows_its_likeliest_end():
    model = WordNgrams.learn(["THE CAT", "THE THEN", "THERE THEM"] * 2 + ["A THE", "THEM THE"])
    index, best = model.prefix("THE")
    assert model.words[index - 3] == "THE"
    assert best == pytest.approx(model.log_probability("THE"))
    index, best = model.prefix("THEN")
    assert best == pytest.approx(model.log_probability("THEN"))
    assert model.prefix("C") == (0, pytest.approx(model.log_probability("CAT")))
    assert model.prefix("X") == (0, None)


def test_steps_from_word_to_word_are_the_probabilities_of_their_contexts():
    texts = spoken(0)
    model, state, context, total = WordNgrams.learn(texts, 4), None, [BEGIN_WORD], 0.0
    state = model.begin
    for word in texts[0].split():
        log_p, state = model.step(state, model.word_id(word))
        assert log_p == pytest.approx(model.log_probability(word, context), abs=1e-6)
        context, total = [*context, word], total + log_p
    assert model.score(texts[0]) == pytest.approx(total + model.log_probability(END_WORD, context), abs=1e-5)


def test_saved_and_loaded_it_says_the_same(tmp_path):
    model, path = WordNgrams.learn([*spoken(0), "ÉTÉ D'AMOUR"], 3), tmp_path / "lm.npz"
    model.save(path)
    again = WordNgrams.load(path)
    assert again.words == model.words
    assert again.order == 3
    for text in (*spoken(2, 20), "ÉTÉ XYZ", ""):
        assert again.score(text) == model.score(text)
    model.save(path)
    assert [file.name for file in tmp_path.iterdir()] == ["lm.npz"]


def test_bad_input_is_named(tmp_path):
    with pytest.raises(InputError, match="order 5"):
        WordNgrams.learn(["A"], order=5)
    with pytest.raises(InputError, match="no words"):
        WordNgrams.learn(["", " "])
    for prune in ((1, 1), (0, 2, 1), ()):
        with pytest.raises(InputError, match="prune"):
            WordNgrams.learn(["A B"], 3, prune)
    with pytest.raises(InputError, match="no texts"):
        WordNgrams.learn(["A"]).perplexity([])
    with pytest.raises(InputError, match=r"saved as \.npz"):
        WordNgrams.learn(["A"]).save(tmp_path / "lm.bin")
    with pytest.raises(InputError, match="cannot be written"):
        WordNgrams.learn(["A"]).save(tmp_path / "missing" / "lm.npz")
    with pytest.raises(InputError, match="cannot be read"):
        WordNgrams.load(tmp_path / "missing.npz")
    (tmp_path / "text.npz").write_text("THE CAT")
    with pytest.raises(InputError, match="no language model"):
        WordNgrams.load(tmp_path / "text.npz")
    np.savez(tmp_path / "other.npz", a=np.zeros(2))
    with pytest.raises(InputError, match="no language model"):
        WordNgrams.load(tmp_path / "other.npz")
