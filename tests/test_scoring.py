"""Scores without sclite at hand: its rules one by one, jiwer's counts, files that do not fit, tests of two systems."""

import math
import random

import jiwer
import pytest

from keras_stt.errors import InputError
from keras_stt.scoring.align import align, count
from keras_stt.scoring.network import Rules, parse_transcript
from keras_stt.scoring.scores import score_files
from keras_stt.scoring.significance import compare, error_segments, matched_pairs
from keras_stt.wer import EditCounts, bootstrap_interval, paired_bootstrap


def aligned(said, heard, **rules):
    rules = Rules(**rules)
    return align(parse_transcript(said, rules), parse_transcript(heard, rules), rules)


def counted(said, heard, **rules) -> str:
    """Correct, substituted, deleted and inserted words."""
    counts = count(aligned(said, heard, **rules))
    return f"{counts.hits} {counts.substitutions} {counts.deletions} {counts.insertions}"


@pytest.fixture
def write(tmp_path):
    """Writes a file of some lines and returns its path."""

    def written(name, *lines):
        path = tmp_path / name
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return path

    return written


@pytest.mark.parametrize(
    ("said", "heard", "expected"),
    [
        ("a b c", "a x c d", "2 1 0 1"),
        ("", "", "0 0 0 0"),
        ("", "a", "0 0 0 1"),
        ("a b", "", "0 0 2 0"),
        # The path that fits best is the reference.
        ("i've { um / uh / @ } as far", "i've as far", "3 0 0 0"),
        ("i've { um / uh / @ } as far", "i've uh as far", "4 0 0 0"),
        ("{ i am / i'm } here", "i am here", "3 0 0 0"),
        ("{ i am / i'm } here", "i'm here", "2 0 0 0"),
        ("{ { big / huge } dog / @ } barks", "huge dog barks", "3 0 0 0"),
        ("{ { big / huge } dog / @ } barks", "barks", "1 0 0 0"),
        ("{a/b}{c/d}", "b c", "2 0 0 0"),
        # Alternatives on both sides, and of nothing.
        ("a b", "{ x / a } { b / c }", "2 0 0 0"),
        ("a @ b", "a b", "2 0 0 0"),
        ("a @ b", "a @ b", "2 0 0 0"),
        # Marks that are no part of a word.
        ("a* b;tag", "a b", "2 0 0 0"),
        # Two substitutions cost 8, an insertion and a deletion with a hit between them 6.
        ("a b", "b c", "1 0 1 1"),
        ("é", "É", "1 0 0 0"),
    ],
)
def test_rules_of_sclite(said, heard, expected):
    assert counted(said, heard) == expected


def test_flags_of_sclite():
    assert counted("the Cat", "the cat") == "2 0 0 0"
    assert counted("the Cat", "the cat", case_sensitive=True) == "1 1 0 0"
    assert counted("a (uh) b", "a b") == "2 0 1 0"
    assert counted("a (uh) b", "a b", optional=True) == "3 0 0 0"
    assert counted("a (uh) b", "a uh b", optional=True) == "3 0 0 0"
    assert counted("a b", "a (uh) b", optional=True) == "3 0 0 0"
    assert counted("par- -tial", "party initial") == "0 2 0 0"
    assert counted("par- -tial", "party initial", fragments=True) == "2 0 0 0"
    assert counted("party", "pas-", fragments=True) == "0 1 0 0"
    assert counted("(par-) b", "party b", optional=True, fragments=True) == "2 0 0 0"


def test_words_of_an_alternation_share_a_place():
    pairs = aligned("x { a b / c } y", "x a b y")
    assert [pair.reference.place for pair in pairs] == [0, 1, 1, 2]


def test_a_list_is_aligned_as_the_network_that_it_is():
    """The way for lists of words alone, and the one for networks: every word has itself as its alternative."""
    rng = random.Random(3)
    for _ in range(150):
        said, heard = ([rng.choice("abc") for _ in range(rng.randint(0, 9))] for _ in range(2))
        network = " ".join(f"{{ {word} / {word} }}" for word in said)
        for levenshtein in (False, True):
            plain, branched = (
                [(pair.kind, *(word and word.text for word in pair[1:])) for pair in pairs]
                for pairs in (
                    aligned(" ".join(said), " ".join(heard), levenshtein=levenshtein),
                    aligned(network, " ".join(heard), levenshtein=levenshtein),
                )
            )
            assert plain == branched


def test_errors_are_those_of_jiwer_when_all_cost_the_same():
    rng, fewer = random.Random(5), 0
    for _ in range(400):
        said, heard = (" ".join(rng.choice("abcd") for _ in range(rng.randint(1, 12))) for _ in range(2))
        theirs = jiwer.process_words(said, heard)
        errors = theirs.substitutions + theirs.deletions + theirs.insertions
        assert count(aligned(said, heard, levenshtein=True)).edits == errors
        fewer += errors < count(aligned(said, heard)).edits
    assert fewer > 0  # sclite's costs are others: a hit more may be worth an error more


def test_too_long_to_align_is_told():
    long = "a " * 30_000
    with pytest.raises(InputError, match="30000 words against 30000 at once; cut it"):
        aligned(long, long)
    with pytest.raises(InputError, match="words against"):
        aligned(long, f"{long} @")


def test_whatever_is_written_is_aligned_or_refused_in_one_line():
    rng, refused, done = random.Random(9), 0, 0
    for _ in range(600):
        said, heard = ("".join(rng.choice("ab {}/@()-;*\\É\t") for _ in range(rng.randint(0, 14))) for _ in range(2))
        try:
            pairs = aligned(said, heard, optional=True, fragments=True)
        except InputError as error:
            refused += "\n" not in str(error)
        else:
            assert all(pair.reference or pair.hypothesis for pair in pairs)
            assert count(pairs).edits <= len(said) + len(heard)
            done += 1
    assert refused + done == 600
    assert min(refused, done) > 50


STM = (
    ';; LABEL "F" "Female" "Women"',
    "rec A Ann 0 2 <O,F> hello { big / @ } world",
    "rec A Bob 2 3 IGNORE_TIME_SEGMENT_IN_SCORING",
    "rec A Ann 3 5 <O,F> good night",
    "rec B Bob 0 5 <O,M> yes",
)


def test_words_go_to_the_segment_in_which_their_middle_lies(write):
    words = [
        "rec A 0.5 0.2 Hello 0.9",
        "rec A 1.8 0.3 world",  # middle at 1.95
        "rec A 1.9 0.3 noise",  # middle at 2.05: of the ignored segment
        "rec A 2.8 0.5 good",  # middle at 3.05
        "rec A 9 0.5 day",  # behind the last segment: its
        "rec B 1 0.2 yes",
    ]
    for lines in (words, words[::-1]):
        scores = score_files(write("ref.stm", *STM), write("hyp.ctm", *lines))
        found = {scored.reference.id: scored.counts for scored in scores.utterances}
        assert found == {
            "Ann-000": EditCounts(hits=2),
            "Ann-001": EditCounts(substitutions=1, hits=1),
            "Bob-000": EditCounts(hits=1),
        }
    assert [(row.name, row.utterances, row.wrong_utterances) for row in scores.by_speaker] == [
        ("Ann", 2, 1),
        ("Bob", 1, 0),
    ]
    labels = [[(row.name, row.counts.reference_words) for row in rows] for rows in scores.by_label]
    assert labels == [[("O", 5)], [("F", 4), ("M", 1)]]
    assert scores.references.headings == {"f": "Female"}
    assert scores.confusions == [(("night", "day"), 1)]
    assert scores.total.counts.rate == 1 / 5


def test_alternatives_of_a_ctm(write):
    marks = [f"rec A * * {mark}" for mark in ("<ALT_BEGIN>", "<ALT>", "<ALT_END>")]
    lines = [marks[0], "rec A 0.1 0.2 hallo", marks[1], "rec A 0.1 0.2 hello", marks[1], marks[2], "rec A 1 0.1 world"]
    scores = score_files(write("ref.stm", STM[1]), write("hyp.ctm", *lines))
    assert scores.total.counts == EditCounts(hits=2)
    with pytest.raises(InputError, match=r"bad.ctm:1: <ALT> where none can be; write <ALT_BEGIN>, words"):
        score_files(write("ref.stm", STM[1]), write("bad.ctm", marks[1]))
    with pytest.raises(InputError, match="an <ALT_BEGIN> without its <ALT_END>; add it"):
        score_files(write("ref.stm", STM[1]), write("bad.ctm", *lines[:4]))


def test_files_of_either_kind_fit(write):
    """Ids of a TRN are recordings of a CTM; a TRN names segments as sclite does, or a recording of one segment."""
    trn = write("ref.trn", "hello world (Ann-1)", "yes (bob_2)")
    ctm = write("hyp.ctm", "ann-1 1 0.5 0.1 world", "ann-1 1 0.1 0.1 hello", "BOB_2 1 0 1 no")
    scores = score_files(trn, ctm)
    assert [(row.name, row.counts.hits) for row in scores.by_speaker] == [("Ann", 2), ("bob", 0)]
    stm = write("ref.stm", *STM, "single 1 Cid 0 1 well")
    lines = ["good night (ann-001)", "hello world (ann-000)", "yes (bob-000)", "well (single)"]
    assert score_files(stm, write("hyp.trn", *lines)).total.counts == EditCounts(hits=6)
    # Files of other names: told what they are.
    renamed = write("ref.txt", "hello world (Ann-1)", "yes (bob_2)")
    assert score_files(renamed, trn, reference_format="trn").total.counts == EditCounts(hits=3)
    with pytest.raises(InputError, match=r"ref.txt: which format\? Name it .stm or .trn, or give --reference_format"):
        score_files(renamed, trn)


def test_what_is_missing(write):
    stm, ctm = write("ref.stm", *STM), write("hyp.ctm", "rec A 0.1 0.2 hello")
    with pytest.raises(
        InputError, match="nothing of 1 of the 3 utterances of .*ref.stm, of rec channel B first; --miss"
    ):
        score_files(stm, ctm)
    assert score_files(stm, ctm, missing="delete").total.counts == EditCounts(deletions=4, hits=1)
    assert score_files(stm, ctm, missing="skip").total.counts == EditCounts(deletions=3, hits=1)
    trn = write("ref.trn", "a b (s-1)", "c (s-2)")
    heard = write("hyp.trn", "a (s-1)")
    with pytest.raises(InputError, match="nothing of 1 of the 2 utterances"):
        score_files(trn, heard)
    assert score_files(trn, heard, missing="delete").total.counts == EditCounts(deletions=2, hits=1)
    with pytest.raises(InputError, match="nothing of any utterance"):
        score_files(trn, write("empty.trn", ";; nothing"), missing="skip")


@pytest.mark.parametrize(
    ("reference", "hypothesis", "message"),
    [
        (
            ("ref.stm", "f A s 0 1 x"),
            ("hyp.ctm", "g A 0 1 x", "h A 0 1 x"),
            "g channel A is not in .*, nor are 1 others",
        ),
        (("ref.stm", "f A s 0 1 x"), ("hyp.ctm", "f B 0 1 x"), "recording and channel f channel B is not in"),
        (("ref.trn", "x (s-1)"), ("hyp.trn", "x (s-2)"), "utterance s-2 is not in .*; mend the names"),
        (("ref.trn", "x (s-1)"), ("hyp.trn", "x (s-1)", "y (S-1)"), "utterance S-1 is there twice"),
        (("ref.trn", "x (s-1)", "y (s-1)"), ("hyp.trn", "x (s-1)"), "ref.trn: utterance s-1 is there twice"),
        (("ref.trn", "{ x (s-1)"), ("hyp.trn", "x (s-1)"), r"ref.trn: s-1: '{ x': a { without its }; write"),
        (("ref.trn", "x (s-1)"), ("hyp.trn", "{ x / } (s-1)"), "hyp.trn: s-1: .*an alternative is empty; write @"),
        (("ref.trn", "{ " * 500 + "x" + " }" * 500 + " (s-1)"), ("hyp.trn", "x (s-1)"), "100 deep within each other"),
        (("ref.trn", ";; none"), ("hyp.trn", "x (s-1)"), "ref.trn: no utterance to score"),
        (("ref.stm", "f A s 0 x"), ("hyp.ctm", "f A 0 1 x"), "ref.stm:1: time 'x' is not a number"),
    ],
)
def test_files_that_do_not_fit_are_told_of(reference, hypothesis, message, write):
    with pytest.raises(InputError, match=message) as error:
        score_files(write(*reference), write(*hypothesis))
    assert "\n" not in str(error.value)


# Two systems


def test_segments_are_parted_by_two_words_that_both_have_right():
    said = "a b c d e f"
    for heard, other, expected in (
        (said, said, []),
        ("x b c d e f", said, [(1, 0)]),
        ("x b c d e x", said, [(1, 0), (1, 0)]),
        ("x b x d e f", said, [(2, 0)]),  # only b lies between
        ("x b c d e f", "a b x d e f", [(1, 1)]),
        ("x b c d e f", "a b c x e f", [(1, 0), (0, 1)]),
        ("a b c d e f g", said, [(1, 0)]),
        (said, "a b c d e f g", [(0, 1)]),
        ("a b c z d e f", "a b y c d e f", [(1, 1)]),
    ):
        assert error_segments(aligned(said, heard), aligned(said, other)) == expected, (heard, other)


def test_segments_where_the_two_take_other_alternatives():
    said = "{ a b / @ } c d { e / f }"
    assert error_segments(aligned(said, "a b c d e"), aligned(said, "c d f")) == []
    assert error_segments(aligned(said, "a x c d e"), aligned(said, "c d f")) == [(1, 0)]


@pytest.fixture
def two_systems(write):
    """A reference, a system, and one with half its errors, of 120 utterances."""
    rng = random.Random(0)
    lines = {"ref": [], "one": [], "two": []}
    for number in range(120):
        words = [rng.choice("abcdef") for _ in range(8)]
        heard = {"ref": words}
        for name, rate in (("one", 0.2), ("two", 0.1)):
            heard[name] = [word if rng.random() > rate else "x" for word in words]
        for name, said in heard.items():
            lines[name].append(f"{' '.join(said)} (s{number % 4}-{number})")
    return [write(f"{name}.trn", *texts) for name, texts in lines.items()]


def test_a_better_system_is_told_from_a_lucky_one(two_systems):
    one, two = (score_files(two_systems[0], path) for path in two_systems[1:])
    comparison = compare(one, two, None, samples=500, seed=0)
    assert comparison.difference == pytest.approx(two.total.counts.rate - one.total.counts.rate)
    low, high = comparison.interval
    assert low < comparison.difference < high < 0
    assert comparison.probability_of_improvement > 0.99
    assert comparison.matched_pairs.p < 0.001
    assert comparison.sentence.endswith(f"two.trn makes fewer errors than {one.path} (p < 0.001), and not by chance.")
    back = compare(two, one, one.speakers, samples=500, seed=0)
    assert back.matched_pairs.z == pytest.approx(-comparison.matched_pairs.z)
    assert back.sentence == comparison.sentence
    same = compare(one, one, None, samples=50, seed=0)
    assert (same.difference, same.interval, same.probability_of_improvement) == (0.0, (0.0, 0.0), 0.5)
    assert same.matched_pairs.p == 1.0
    assert "cannot be told apart" in same.sentence


def test_other_utterances_cannot_be_compared(write):
    reference = write("ref.trn", "a (s-1)", "b (s-2)")
    one, two = (
        score_files(reference, write(name, line), missing="skip")
        for name, line in (("one.trn", "a (s-1)"), ("two.trn", "b (s-2)"))
    )
    with pytest.raises(InputError, match="--missing=delete scores all of both"):
        compare(one, two, None, 10, 0)


def test_few_segments_are_no_proof(write):
    reference = write("ref.trn", "a b c d (s-1)", "a b c d (s-2)")
    good = score_files(reference, reference)
    bad = score_files(reference, write("bad.trn", "a x c d (s-1)", "a b x d (s-2)"))
    test = matched_pairs(bad, good)
    assert (test.segments, test.mean, test.z, test.p) == (2, 1.0, None, 0.5)
    comparison = compare(bad, good, None, 50, 0)
    assert comparison.sentence == (
        "The two systems cannot be told apart by this test set (p = 0.5); the test wants 50 segments with errors and "
        "has 2."
    )
    assert compare(good, good, None, 50, 0).sentence.startswith("Neither system has an error")


def test_pairs_are_drawn_together():
    """What is hard for both does not blur the difference: here it is the same in every draw."""
    hard, easy = EditCounts(substitutions=8, hits=2), EditCounts(hits=10)
    first = [hard, easy] * 20
    second = [EditCounts(substitutions=7, hits=3), easy] * 20
    low, high, better = paired_bootstrap(first, second, samples=300)
    assert -0.1 < low < high < 0
    assert better == 1.0
    width = width_of(bootstrap_interval(first, samples=300))
    assert high - low < width / 2
    assert paired_bootstrap(first, second, samples=300) == (low, high, better)
    with pytest.raises(ValueError, match="40 and 1 utterances"):
        paired_bootstrap(first, second[:1])
    assert paired_bootstrap([], []) == (0.0, 0.0, 0.5)
    inserted = [EditCounts(insertions=1)]
    assert paired_bootstrap(inserted, inserted) == (0.0, 0.0, 0.5)
    assert math.isinf(paired_bootstrap(inserted, [EditCounts()])[0])


def width_of(interval) -> float:
    return interval[1] - interval[0]
