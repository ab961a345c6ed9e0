"""Where a model errs: each error is counted where it belongs, with an interval where there is enough of it."""

import re

import pytest
from test_report import Page, written

from keras_stt.report import UtteranceResult as Result
from keras_stt.report.rates import FEWEST_FOR_INTERVAL, by_length, by_speaker, by_times_in_train
from keras_stt.wer import EditCounts, bootstrap_interval

TRAIN = {"THE": 20_000, "OF": 10_000, "CAT": 9, "SAT": 1}


def test_by_speaker_the_worst_first_with_an_interval_where_it_has_enough():
    good = [Result(f"g{i}", "good", 2.0, "A B", "A B" if i else "A") for i in range(FEWEST_FOR_INTERVAL)]
    bad = [Result("b", "bad", 3.0, "A B", "X"), Result("c", "", 1.0, "A", "A")]
    worst, *others = by_speaker([*good, *bad])
    assert (worst.label, worst.counts.rate, worst.interval, worst.utterances, worst.seconds) == ("bad", 1.0, None, 1, 3)
    assert [rate.label for rate in others] == ["good", "unknown"]
    assert others[0].interval == bootstrap_interval([result.counts for result in good])
    assert others[0].interval[0] <= others[0].counts.rate == 0.1 <= others[0].interval[1]


def test_by_length_each_utterance_is_in_one_row():
    durations = (0.2, 1.0, 1.99, 2.0, 30.0, 99.0)
    rates = by_length([Result(str(i), "s", seconds, "A", "A") for i, seconds in enumerate(durations)])
    assert [(rate.label, rate.utterances) for rate in rates] == [
        ("below 1 s", 1),
        ("1 to 2 s", 2),
        ("2 to 5 s", 1),
        ("30 s or more", 2),
    ]


def test_by_frequency_every_word_said_counts_once_and_what_was_added_never():
    results = [Result("a", "s", 1.0, "THE CAT NEW SAT", "THE BAT NEW"), Result("b", "s", 1.0, "OF", "OF OF OF")]
    rates = {rate.label: rate.counts for rate in by_times_in_train(results, TRAIN)}
    assert rates == {
        "never": EditCounts(hits=1),
        "1 to 9 times": EditCounts(substitutions=1, deletions=1),
        "10,000 times or more": EditCounts(hits=2),
    }


def test_tables_say_how_much_of_the_test_set_is_new(tmp_path):
    results = [Result(f"u{i}", f"s{i % 2}", 3.0, "THE CAT NEW OF", "THE BAT NEW OF") for i in range(6)]
    source = written(tmp_path, results=results, train_words=TRAIN)
    text = Page(source).text
    assert "25.0 % of the words said in the test set are never said in train." in text
    assert re.search(r"1 to 9 times\s+100\.0 %\s+100\.0 to 100\.0 %", text)
    assert "2 to 5 s 25.0 % 25.0 to 25.0 %" in text
    assert "WER by frequency" not in written(tmp_path, results=results)
    labels = {value for name, value in Page(source).attributes if name == "aria-label"}
    assert {"WER by speaker", "WER by length", "WER by said in train", "Most frequent substitutions"} <= labels


def test_what_is_drawn_stays_within_its_line(tmp_path):
    """Rates above 100 % and infinite ones too."""
    results = [Result("a", "s", 1.0, "A", "X Y Z"), *(Result(f"e{i}", "t", 1.0, "", "A") for i in range(6))]
    results += [Result(f"u{i}", "v", 6.0, "A B C D E F G", "A B C D E F G" if i else "A") for i in range(9)]
    source = written(tmp_path, results=results, train_words={})
    drawn = [tuple(map(float, found)) for found in re.findall(r"class=span style=\"left:(\S+)%;width:(\S+)%", source)]
    assert drawn
    assert all(0 <= left <= left + width <= 100.1 for left, width in drawn)


def test_the_commonest_errors_are_counted_and_the_twenty_commonest_shown(tmp_path):
    said, heard = "THE CAT SAT ON THE MAT", "A CAT ON A MAT UM"
    many = [Result(f"m{i}", "s", 1.0, f"W{i:02d}", f"V{i:02d}") for i in range(30)]
    source = written(tmp_path, results=[Result(f"u{i}", "s", 1.0, said, heard) for i in range(3)] + many)
    source = source[source.index("<h2>Most frequent errors") :]
    source = source[: source.index("</section>")]
    tables = [Page(table).text for table in re.findall(r"<table.*?</table>", source, re.DOTALL)]
    assert len(tables) == 3
    assert tables[0].startswith("Said Heard Times Said in all THE A 6 6 W00 V00 1 1 ")
    assert "W18" in tables[0]
    assert "W19" not in tables[0]
    assert tables[1:] == ["Missed Times Said in all SAT 3 3", "Added Times Said in all UM 3 0"]
    assert "36 substitutions, 31 different" in Page(source).text
    assert "3 deletions, all the same" in Page(source).text
    assert "Most frequent errors" not in written(tmp_path, results=[Result("u", "s", 1.0, said, said)])


@pytest.mark.parametrize("count", [0, 1])
def test_a_run_with_hardly_a_word_has_no_empty_table(tmp_path, count):
    source = written(tmp_path, results=[Result("u", "s", 0.0, "", "")] * count, train_words={})
    assert "<tbody></tbody>" not in source
    assert "WER by frequency" not in source
