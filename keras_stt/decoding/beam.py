"""From CTC probabilities to the likeliest transcripts: prefix beam search, with word n-grams where there are some."""

import dataclasses
import heapq
import math
import operator

import numpy as np

from keras_stt.decoding.language_model import WordNgrams
from keras_stt.decoding.word_scores import LanguageWeights, Prefix, WordScores
from keras_stt.errors import InputError

# A transcript with its probabilities of ending in a blank and in its last token, and its score.
_Entry = tuple[Prefix, float, float, float]
_SCORE = operator.itemgetter(3)
_ROUNDING = 1e-3  # what the logarithm of a probability may be above 0


@dataclasses.dataclass(frozen=True)
class Hypothesis:
    """A transcript found. All scores are natural logarithms; other weights can be tried on them without a new search.

    Attributes:
        text: words with single spaces between them.
        token_ids: the tokens of its likeliest spelling, without blanks.
        score: `ctc_score + lm_weight * lm_score + word_bonus * words + unknown_bonus * unknown_words`.
        ctc_score: log-probability given the audio, of all paths that the search has kept.
        lm_score: log-probability of the language model, end of sentence included; 0 without one.
        words, unknown_words: how many it has, and how many of them the language model does not know.
    """

    text: str
    token_ids: tuple[int, ...]
    score: float
    ctc_score: float
    lm_score: float
    words: int
    unknown_words: int


def beam_search(
    log_probs: np.ndarray,
    length: int,
    tokens,
    language_model: WordNgrams | None = None,
    *,
    beam: int = 32,
    token_beam: float = 4.0,
    score_beam: float = 6.0,
    sure_blank: float = 0.95,
    lm_weight: float = 0.5,
    word_bonus: float = 0.0,
    unknown_bonus: float = 0.0,
    look_ahead: bool = True,
    best: int = 10,
) -> list[Hypothesis]:
    """CTC prefix beam search (Hannun et al., 2014), the language model heard at the ends of words.

    Begun words already count with the likeliest word of the vocabulary that begins so (Ortmanns et al., 1996), and
    where there is none as an unknown word, by its letters so far; what they truly cost takes its place at their end.
    With `token_beam` and `score_beam` infinite and `sure_blank` 1 the search is the classic one.

    Args:
        log_probs: `(T, n + 1)`, natural logarithms of probabilities, blank first.
        length: how many of the `T` steps are audio.
        tokens: the tokens of the `n + 1` columns, see `keras_stt.tokens`.
        language_model: None searches for the likeliest tokens alone.
        beam: transcripts kept from step to step.
        token_beam: tokens less likely than the step's likeliest by more than this (natural logarithm) are not tried.
        score_beam: nor are transcripts worse than the best by more than this.
        sure_blank: steps with a blank of at least this probability are taken for silence at once; above 0.5, so that
            a blank taken for sure is the likeliest there.
        lm_weight, word_bonus, unknown_bonus, look_ahead: see `LanguageWeights`.
        best: most hypotheses returned.

    Returns:
        Best first, texts all different, one at least.

    Raises:
        InputError: shapes that do not fit, a step that allows nothing, no log-probabilities, `beam` or `best` below
            one, or `sure_blank` not above 0.5 or above 1.
    """
    log_probs = _checked(log_probs, length, tokens)
    if beam < 1 or best < 1 or not 0.5 < sure_blank <= 1:
        raise InputError(
            f"beam search: beam {beam}, best {best}, sure_blank {sure_blank}; give at least 1, 1, and 0.5 < x <= 1"
        )
    scores = WordScores(tokens, language_model, LanguageWeights(lm_weight, word_bonus, unknown_bonus, look_ahead))
    beams: list[_Entry] = [(scores.empty(), 1.0, 0.0, 0.0)]
    passed = 0.0  # logarithm of what has been divided out of the probabilities
    for row, allowed, scale in _steps(log_probs, scores.allowances, token_beam, sure_blank):
        if row is None:
            beams = [(prefix, blank + spoken, 0.0, score) for prefix, blank, spoken, score in beams]
        else:
            beams, by = _rescaled(_advance(beams, row, allowed, scores, beam, score_beam), score_beam)
            scale += by
        passed += scale
    return _hypotheses(beams, passed, scores, tokens)[:best]


def _checked(log_probs, length: int, tokens) -> np.ndarray:
    """The steps that are audio, float64."""
    log_probs = np.asarray(log_probs, np.float64)
    if log_probs.ndim != 2 or log_probs.shape[1] != tokens.size:
        raise InputError(f"beam search: log-probabilities {log_probs.shape}, not (steps, {tokens.size}) as the tokens")
    if not 0 <= length <= len(log_probs):
        raise InputError(f"beam search: length {length} of {len(log_probs)} steps; give 0 to {len(log_probs)}")
    log_probs = log_probs[:length]
    if length and not (np.isfinite(log_probs.max(axis=1)).all() and log_probs.max() < _ROUNDING):
        raise InputError("beam search: these are no log-probabilities; give the log-softmax of the logits")
    return log_probs


def _steps(log_probs: np.ndarray, allowances: np.ndarray, token_beam: float, sure_blank: float):
    """Yields per step: probabilities over the likeliest's, tokens to try, and the logarithm of the likeliest.

    Tokens come as `(token, probability, most it can add to a score)`, most first. A run of sure blanks is one step
    without probabilities.
    """
    top = log_probs.max(axis=1, initial=-np.inf)
    relative = log_probs - top[:, None]
    probabilities = np.exp(relative)
    tried = (relative >= -token_beam) & (probabilities > 0)
    tried[:, 0] = False
    bounds = np.where(tried, relative + allowances, -np.inf)
    order = np.argsort(-bounds, axis=1, kind="stable")
    numbers = tried.sum(axis=1)
    sure = log_probs[:, 0] >= math.log(sure_blank)
    silence = None
    for step, row in enumerate(probabilities):
        if sure[step]:
            silence = (silence or 0.0) + float(top[step])
            continue
        if silence is not None:
            yield None, [], silence
            silence = None
        ids = order[step, : numbers[step]]
        allowed = list(zip(ids.tolist(), row[ids].tolist(), bounds[step, ids].tolist(), strict=True))
        yield row.tolist(), allowed, float(top[step])
    if silence is not None:
        yield None, [], silence


def _advance(beams: list[_Entry], row: list[float], allowed: list, scores: WordScores, beam: int, score_beam: float):
    """All transcripts one step later: probabilities of those that end in a blank and in their last token, added up."""
    now = {prefix: (after_blank, after_blank + after_token) for prefix, after_blank, after_token, _ in beams}
    blanks = {prefix: total * row[0] for prefix, (_, total) in now.items()}
    # Those that go on without a new token, and those that another one becomes by one: a transcript has one parent.
    tokens = {prefix: after_token * row[prefix.token] for prefix, _, after_token, _ in beams}
    for prefix in now:
        if prefix.parent in now:
            tokens[prefix] += _mass(now[prefix.parent], prefix.parent, prefix.token) * row[prefix.token]
    masses = [(prefix, blanks[prefix] + tokens[prefix]) for prefix in now]
    best_scores = [math.log(mass) + prefix.bonus for prefix, mass in masses if mass > 0]
    heapq.heapify(best_scores)
    # What cannot be among those kept, as many as the beam is wide and not far below the best, need not be made.
    limited = math.isfinite(score_beam)
    floor = max(best_scores, default=-math.inf) - score_beam
    for prefix, _, _, score in beams:
        children, before = prefix.children, now[prefix]
        for token, probability, bound in allowed:
            if score + bound < floor:
                break
            child = children.get(token)
            if child in now:
                continue
            mass = _mass(before, prefix, token) * probability
            if mass <= 0:
                continue
            bonus = scores.bonus_after(prefix, token) if child is None else child.bonus
            reached = math.log(mass) + bonus
            if reached < floor:
                continue
            tokens[child or scores.extend(prefix, token, bonus)] = mass
            if limited:
                heapq.heappush(best_scores, reached)
                floor = max(floor, reached - score_beam)
                if len(best_scores) > beam:
                    heapq.heappop(best_scores)
                    floor = max(floor, best_scores[0])
    grown = []
    for prefix, after_token in tokens.items():
        after_blank = blanks.get(prefix, 0.0)
        total = after_blank + after_token
        if total > 0:
            grown.append((prefix, after_blank, after_token, math.log(total) + prefix.bonus))
    return heapq.nlargest(beam, grown, key=_SCORE)


def _mass(before: tuple[float, float], prefix: Prefix, token: int) -> float:
    """What goes on with a token: the same token again is a new one only after a blank."""
    return before[0] if token == prefix.token else before[1]


def _rescaled(beams: list[_Entry], score_beam: float) -> tuple[list[_Entry], float]:
    """The best of the best-first transcripts, divided by the largest probability, and the logarithm of that."""
    largest = max(after_blank + after_token for _, after_blank, after_token, _ in beams)
    by, floor = math.log(largest), beams[0][3] - score_beam
    kept = [
        (prefix, after_blank / largest, after_token / largest, score - by)
        for prefix, after_blank, after_token, score in beams
        if score >= floor
    ]
    return kept, by


def _hypotheses(beams: list[_Entry], passed: float, scores: WordScores, tokens) -> list[Hypothesis]:
    """The transcripts with their last words ended, those of equal text (spelt by other tokens) added up."""
    found: dict[str, tuple[float, float, Prefix]] = {}
    for prefix, after_blank, after_token, _ in beams:
        ctc, text = passed + math.log(after_blank + after_token), tokens.decode(prefix.token_ids())
        if text in found:
            other, best, spelt = found[text]
            found[text] = (float(np.logaddexp(ctc, other)), max(ctc, best), prefix if ctc > best else spelt)
        else:
            found[text] = (ctc, ctc, prefix)
    hypotheses = []
    for text, (ctc, _, prefix) in found.items():
        last = scores.finished(prefix)
        counts = (last.lm_score, last.words, last.unknown)
        hypotheses.append(Hypothesis(text, tuple(prefix.token_ids()), ctc + last.bonus, ctc, *counts))
    return sorted(hypotheses, key=lambda hypothesis: -hypothesis.score)
