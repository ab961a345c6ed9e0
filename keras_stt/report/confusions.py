"""The errors that a model makes most often: which word it takes for which, what it misses, what it adds."""

from collections import Counter
from collections.abc import Sequence

from keras_stt.report.numbers import counted
from keras_stt.report.page import section, table, text
from keras_stt.report.results import UtteranceResult

SHOWN = 20  # of each kind


def confusions(results: Sequence[UtteranceResult]) -> str:
    """The section of the most frequent substitutions, deletions and insertions; "" without an error."""
    found = {"substitute": Counter(), "delete": Counter(), "insert": Counter()}
    said = Counter()
    for result in results:
        for operation, word, heard in result.aligned:
            if word is not None:
                said[word] += 1
            if operation != "equal":
                found[operation][word, heard] += 1
    tables = [
        _table("substitution", ("Said", "Heard"), found["substitute"], said),
        _table("deletion", ("Missed",), found["delete"], said),
        _table("insertion", ("Added",), found["insert"], said),
    ]
    return section("Most frequent errors", f"<div class=tables>{''.join(tables)}</div>" if any(tables) else "")


def _table(kind: str, names: tuple[str, ...], errors: Counter, said: Counter) -> str:
    if not errors:
        return ""
    commonest = sorted(errors.items(), key=lambda item: (-item[1], tuple(map(str, item[0]))))[:SHOWN]
    rows = []
    for pair, count in commonest:
        word = pair[0] if pair[0] is not None else pair[1]
        words = "".join(f"<td><bdi>{text(one)}</bdi></td>" for one in pair if one is not None)
        rows.append(f"{words}<td class=number>{count:,}</td><td class=number>{said[word]:,}</td>")
    different = f"{len(errors):,} different" if len(errors) > 1 else "all the same"
    return (
        f"<div><h3>Most frequent {kind}s</h3><p class=quiet>{counted(errors.total(), kind)}, {different}</p>"
        f"{table(f'Most frequent {kind}s', [*names, '#Times', '#Said in all'], rows)}</div>"
    )
