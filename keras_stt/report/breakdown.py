"""The tables of `rates`, each rate beside a drawing of its interval."""

import math
from collections.abc import Mapping, Sequence

from keras_stt.report.numbers import percent
from keras_stt.report.page import folded, section, table, text
from keras_stt.report.rates import FEWEST_FOR_INTERVAL, Rate, by_length, by_speaker, by_times_in_train
from keras_stt.report.results import UtteranceResult
from keras_stt.wer import EditCounts

_SCALES = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.0)  # rates at which a drawing may end
_CELLS = {
    "Words": lambda rate: f"{rate.counts.reference_words:,}",
    "S": lambda rate: f"{rate.counts.substitutions:,}",
    "D": lambda rate: f"{rate.counts.deletions:,}",
    "I": lambda rate: f"{rate.counts.insertions:,}",
    "Utt.": lambda rate: f"{rate.utterances:,}",
    "Min.": lambda rate: f"{rate.seconds / 60:.1f}",
}
_INTERVALS = (
    "The line is the 95 % interval by resampling utterances, the dot the rate, the upright stroke that of all; drawn "
    "from 0 to {end}. With fewer than {fewest} utterances there is no interval."
)

_OF_WORDS = (
    "Of words that were said, by how often train has them. What was added belongs to no word, and is not counted here."
)


def breakdowns(results: Sequence[UtteranceResult], train_words: Mapping[str, int] | None) -> str:
    """The sections of WER by speaker, by length and by how often train has a word; "" without results.

    Args:
        train_words: how often each word is said in train; None: not known.
    """
    if not results:
        return ""
    total = sum((result.counts for result in results), EditCounts()).rate
    speakers, lengths = by_speaker(results), by_length(results)
    sections = [
        section(
            "WER by speaker",
            folded(_table("Speaker", speakers, total), len(speakers), f"{len(speakers):,} speakers, worst first"),
        ),
        section("WER by length of the utterance", _table("Length", lengths, total)),
    ]
    if train_words is not None:
        sections.append(_frequency_section(by_times_in_train(results, train_words)))
    return "\n".join(sections)


def _frequency_section(rates: Sequence[Rate]) -> str:
    if not rates:
        return ""
    total = sum((rate.counts for rate in rates), EditCounts())
    unseen = sum(rate.counts.reference_words for rate in rates if rate.label == "never") / total.reference_words
    known = f" {percent(unseen)} of the words said in the test set are never said in train." if unseen else ""
    drawn = _table("Said in train", rates, total.rate, of_words=True)
    return section("WER by frequency of the word", f"<p class=quiet>{_OF_WORDS}{known}</p>{drawn}")


def _table(first: str, rates: Sequence[Rate], total: float, of_words: bool = False) -> str:
    """A row for each rate, with columns that whole utterances alone have unless it is `of_words`."""
    end = _scale(rates, total)
    columns = ("Words", "S", "D", "Utt.") if of_words else ("Words", "S", "D", "I", "Utt.", "Min.")
    rows = []
    for rate in rates:
        cells = "".join(f"<td class=number>{_CELLS[name](rate)}</td>" for name in columns)
        rows.append(
            f"<th scope=row><bdi>{text(rate.label)}</bdi></th><td class=number>{percent(rate.counts.rate)}</td>"
            f"<td class=interval>{_interval(rate)}{_drawn(rate, total, end)}</td>{cells}"
        )
    explained = _INTERVALS.format(end=f"{end:.0%}".replace("%", " %"), fewest=FEWEST_FOR_INTERVAL)
    head = [first, "#WER", "95 % interval", *(f"#{name}" for name in columns)]
    return f"{table(f'WER by {first.lower()}', head, rows)}<p class=quiet>{explained}</p>"


def _scale(rates: Sequence[Rate], total: float) -> float:
    """The least scale on which all rates and intervals lie; what is beyond the last is drawn at the edge."""
    drawn = [total, *(value for rate in rates for value in (rate.counts.rate, *(rate.interval or ())))]
    return next((scale for scale in _SCALES if max(drawn) <= scale), _SCALES[-1])


def _interval(rate: Rate) -> str:
    if rate.interval is None or not all(map(math.isfinite, rate.interval)):
        return "<span class=quiet>–</span>"
    low, high = rate.interval
    return f"{100 * low:.1f} to {percent(high)}"


def _drawn(rate: Rate, total: float, end: float) -> str:
    """The interval on a line from 0 to `end`; the numbers beside it say the same."""

    def place(value: float) -> float:
        return 100 * min(value, end) / end

    low, high = (place(bound) for bound in rate.interval or (rate.counts.rate,) * 2)
    return (
        f'<span class=track aria-hidden=true><i class=all style="left:{place(total):.1f}%"></i>'
        f'<i class=span style="left:{low:.1f}%;width:{high - low:.1f}%"></i>'
        f'<i class=dot style="left:{place(rate.counts.rate):.1f}%"></i></span>'
    )
