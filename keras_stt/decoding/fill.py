"""A transcript with gaps, completed by the audio: the known words are forced, the gaps decoded.

Prefix beam search (Graves and Jaitly, 2014; Hannun et al., 2014) in which a hypothesis also knows its place in the
pattern, so that whatever is said in the end fits it. What a place still has to say of the pattern costs differently
from place to place; so hypotheses are compared with the best that can follow them, by Viterbi from the end backwards
(as in A* search), and those that wait in a gap do not crowd out those that have gone on to an unlikely known word.
"""

import dataclasses
import heapq
import math

import numpy as np

from keras_stt.decoding.ctc_alignment import forward_scores, log_softmax, viterbi, word_groups, word_times
from keras_stt.decoding.language_model import WordNgrams
from keras_stt.decoding.pattern import Place, bare_separator, parse_pattern, places_of
from keras_stt.decoding.stitch import Word
from keras_stt.decoding.word_scores import LanguageWeights, Prefix, WordScores
from keras_stt.errors import InputError
from keras_stt.tokens import Tokens

# Of the pieces of each class (beginning a word, going on with it) a gap tries the likeliest at every step; those this
# much less likely than the step's best, in natural logarithms, are left out, all but the first.
PIECES_TRIED = 8
LEAST_LIKELY = 9.0
# What a language model may add to a hypothesis at one token, where a begun word ends likelier than it looked.
LANGUAGE_GAIN = 5.0


@dataclasses.dataclass(frozen=True)
class Filled:
    """A completed transcript.

    Attributes:
        text: all words, the known ones among them.
        words: each with its times and its confidence, as forced alignment gives them.
        filled: for each word, whether it stood in a gap.
        score: natural logarithm of P(text | audio), without the language model.
    """

    text: str
    words: list[Word]
    filled: list[bool]
    score: float


def fill(
    log_probs: np.ndarray,
    pattern: str,
    tokens: Tokens,
    step_seconds: float,
    language_model: WordNgrams | None = None,
    *,
    beam: int = 16,
    lm_weight: float = 0.5,
    word_bonus: float = 0.0,
    unknown_bonus: float = 0.0,
    lead: float = 0.0,
) -> Filled:
    """Completes a transcript such as `THE ___ BROWN FOX`. Without gaps it is the forced alignment of the words.

    Args:
        log_probs: `(T, n + 1)`, or logits, of the utterance's own steps, without padding.
        pattern: words, normalised here, and gaps: a run of underscores stands for one or more unknown words, two such
            side by side for at least two.
        tokens: of the CTC head.
        step_seconds: what a step of the head lasts.
        language_model: None asks the audio alone.
        beam: hypotheses kept at every step.
        lm_weight, word_bonus, unknown_bonus: see `LanguageWeights`; they count for the known words too.
        lead: seconds by which the head lags, for the times; see `spans_to_words`.

    Raises:
        InputError: an empty pattern, a letter that the tokens do not have, no audio, outputs that are not of these
            tokens, or more to say than the audio has room for.
    """
    if beam < 1:
        raise InputError(f"fill with a beam of {beam}: give 1 or more hypotheses to keep")
    log_probs = log_softmax(log_probs)
    if log_probs.shape[1] != tokens.size:
        raise InputError(
            f"CTC output of {log_probs.shape[1]} tokens with tokens of size {tokens.size}: give those of the model"
        )
    parts = parse_pattern(pattern, tokens)
    if any(isinstance(part, int) for part in parts):
        weights = LanguageWeights(lm_weight, word_bonus, unknown_bonus)
        search = _Search(log_probs, places_of(parts, tokens), tokens, language_model, weights)
        best = search.run(beam)
        token_ids = np.array([node.prefix.token for node in best], np.int32)
        from_gap = [search.places[node.place].in_gap for node in best]
    else:
        token_ids = tokens.encode(" ".join(parts))
        from_gap = [False] * len(token_ids)
    alignment = viterbi(log_probs, token_ids)
    words = word_times(alignment, tokens, step_seconds, lead)
    filled = [from_gap[group[0]] for group in word_groups(token_ids, tokens)]
    score = float(forward_scores(log_probs, [token_ids])[0])
    return Filled(" ".join(word.text for word in words), words, filled, score)


class _Node:
    """A prefix and the place its last token led to. `children` are by token and place."""

    __slots__ = ("prefix", "place", "parent", "children")

    def __init__(self, prefix: Prefix, place: int, parent: "_Node | None"):
        self.prefix, self.place, self.parent, self.children = prefix, place, parent, {}

    def path(self) -> list["_Node"]:
        """A node for every token, first to last."""
        nodes, node = [], self
        while node.parent is not None:
            nodes.append(node)
            node = node.parent
        return nodes[::-1]


class _Search:
    """The search over one utterance."""

    def __init__(self, log_probs, places: list[Place], tokens: Tokens, language_model, weights: LanguageWeights):
        self.log_probs, self.places = log_probs, places
        self.scores = WordScores(tokens, language_model, weights)
        self.gain = 0.0 if language_model is None else LANGUAGE_GAIN
        self.bare = bare_separator(tokens)
        lettered = np.array([bool(letters) for letters in tokens.letters[: tokens.size]])
        starts = np.asarray(tokens.word_starts)[: tokens.size]
        self.word_ids, self.inside_ids = np.flatnonzero(lettered & starts), np.flatnonzero(lettered & ~starts)
        self.ahead = self._look_ahead()

    def run(self, beam: int) -> list[_Node]:
        """The likeliest completion, a node for every token."""
        if self.ahead[0, 0] == -np.inf:
            raise self._too_short()
        # Of each prefix the logarithms of its paths that end in a blank, and of those that end in its last token.
        kept = {_Node(self.scores.empty(), 0, None): (0.0, -math.inf)}
        for step, frame in enumerate(self.log_probs):
            ahead = self.ahead[step + 1].tolist()
            reached = self._extend(kept, frame.tolist(), self._tried(frame), ahead, full=len(kept) == beam)
            ranked = ((_add(*scores) + node.prefix.bonus + ahead[node.place], node) for node, scores in reached.items())
            ranked = (pair for pair in ranked if pair[0] > -math.inf)
            best = heapq.nlargest(beam, ranked, key=lambda pair: pair[0])
            kept = {node: reached[node] for _, node in best}
        # All that is left fits the pattern: elsewhere nothing may follow the last step.
        if not kept:
            raise self._too_short()
        # The beam has lost paths on its way: the texts that came through are scored whole.
        complete = list(kept)
        scores = forward_scores(self.log_probs, [node.prefix.token_ids() for node in complete])
        scores += [self.scores.finished(node.prefix).bonus for node in complete]
        return complete[int(np.argmax(scores))].path()

    def _extend(self, kept: dict, frame: list[float], tried: tuple, ahead: list[float], full: bool) -> dict:
        """The prefixes that a step more leads to; of a full beam, those alone that may stay in it."""
        reached: dict[_Node, tuple[float, float]] = {}
        least = math.inf if full else -math.inf
        for node, (blank, token) in kept.items():
            reached[node] = _add(blank, token) + frame[0], token + frame[node.prefix.token]
            least = min(least, _add(*reached[node]) + node.prefix.bonus + ahead[node.place])
        for node, (blank, token) in kept.items():
            either, last, bonus = _add(blank, token), node.prefix.token, node.prefix.bonus + self.gain
            for said, place in self._next(self.places[node.place], tried):
                # A token said again is one token, unless a blank has come between.
                score = (blank if said == last else either) + frame[said]
                child = node.children.get((said, place))
                if child in reached:
                    reached[child] = reached[child][0], _add(reached[child][1], score)
                elif score + bonus + ahead[place] > least:
                    child = child or self._child(node, said, place)
                    reached[child] = -math.inf, score
        return reached

    def _next(self, place: Place, tried: tuple[list[int], list[int]]):
        """The tokens that may follow a place, each with where it leads."""
        if place.known_to >= 0:
            yield place.known, place.known_to
        if place.word_to >= 0:
            for token in tried[0]:
                yield token, place.word_to
        if place.inside_to >= 0:
            for token in tried[1]:
                yield token, place.inside_to
        if place.bare_to >= 0 and self.bare:
            yield self.bare, place.bare_to

    def _tried(self, frame: np.ndarray) -> tuple[list[int], list[int]]:
        """The pieces a gap tries at a step: those that begin a word, and those that go on with it."""
        tried = []
        for ids in (self.word_ids, self.inside_ids):
            likeliest = ids[np.argsort(-frame[ids], kind="stable")[:PIECES_TRIED]]
            enough = frame[likeliest] > frame.max() - LEAST_LIKELY
            tried.append([*likeliest[:1].tolist(), *likeliest[1:][enough[1:]].tolist()])
        return tried[0], tried[1]

    def _child(self, node: _Node, token: int, place: int) -> _Node:
        prefix = node.prefix.children.get(token) or self.scores.extend(node.prefix, token)
        child = node.children[token, place] = _Node(prefix, place, node)
        return child

    def _look_ahead(self) -> np.ndarray:
        """`(T + 1, places)`: the most that the steps from t on can give on the way from a place to the end.

        An upper bound: where a token may be said again it does not ask whether a blank came between.
        """
        places, log_probs = self.places, self.log_probs
        said, known = (np.array([getattr(place, name) for place in places]) for name in ("said", "known"))
        lasting = np.where(said > 0, log_probs[:, said], log_probs[:, 1:].max(axis=1)[:, None])
        lasting[:, 0] = -np.inf  # at the start nothing has been said yet
        lasting = np.maximum(lasting, log_probs[:, :1])
        best = {
            "known_to": log_probs[:, known],
            "word_to": log_probs[:, self.word_ids].max(axis=1, initial=-np.inf)[:, None],
            "inside_to": log_probs[:, self.inside_ids].max(axis=1, initial=-np.inf)[:, None],
            "bare_to": log_probs[:, [self.bare]] if self.bare else np.full((len(log_probs), 1), -np.inf),
        }
        moves = []
        for name, scores in best.items():
            to = np.array([getattr(place, name) for place in places])
            moves.append((to, np.where(to >= 0, scores, -np.inf)))
        ahead = np.full((len(log_probs) + 1, len(places)), -np.inf)
        ahead[-1, -1] = 0.0
        for step in range(len(log_probs) - 1, -1, -1):
            later = ahead[step + 1]
            ahead[step] = np.max([lasting[step] + later, *(score[step] + later[to] for to, score in moves)], axis=0)
        return ahead

    def _too_short(self) -> InputError:
        return InputError(
            f"pattern: its words need more than the {len(self.log_probs)} steps of audio there are; "
            "give a pattern of this recording, or a model with more steps a second"
        )


def _add(first: float, second: float) -> float:
    """The logarithm of the sum of two numbers given by their logarithms."""
    if first < second:
        first, second = second, first
    return first if second == -math.inf else first + math.log1p(math.exp(second - first))
