"""The utterance recogniser on recordings of tones: its encoder is a listener that knows them, all else is real."""

import dataclasses
import tracemalloc

import numpy as np
import pytest
import soundfile
from conftest import PAUSE_SECONDS, WORD_SECONDS, WORDS, say

from keras_stt.decoding.language_model import WordNgrams
from keras_stt.errors import InputError
from keras_stt.features import log_mel
from keras_stt.recognizer import UtteranceRecognizer, load_model
from keras_stt.speed import change_speed
from keras_stt.tokens import CharacterTokens, Tokens
from keras_stt.transcribe.chunks import MOST_SECONDS
from keras_stt.transcribe.utterances import SPEEDS, Decoding, Heard, decode, hear, hear_at_speeds

SECONDS_A_WORD = WORD_SECONDS + PAUSE_SECONDS
SURE = 6.0  # a logit


class WholeWords(Tokens):
    """Every word a piece."""

    def __init__(self, words):
        super().__init__("bpe", [f"▁{word}" for word in words])

    def _encode(self, text):
        return [self.pieces.index(f"▁{word}") + 1 for word in text.split()]

    def _known(self, text):
        return text


def listener(tokens, bands, refinement=None):
    """`draft_and_refine` of one who says of every tone its word, and then what `refinement` makes of that."""
    sounds = [log_mel(say([word], np.random.default_rng(0))[0], bands) for word in WORDS]
    templates = np.array([sounds[0][:9].mean(axis=0), *(sound[14:32].mean(axis=0) for sound in sounds)])

    def draft_and_refine(features, lengths, passes):
        draft = np.zeros((len(features), -(-features.shape[1] // 4), tokens.size), np.float32)
        for row, length in enumerate(lengths):
            apart = np.abs(templates[:, None] - features[row, :length]).mean(axis=-1)
            for step, heard in enumerate(np.array_split(apart.argmin(axis=0), range(4, length, 4))):
                # Where a tone begins or ends there is a bit of everything.
                draft[row, step, heard[0] if len(set(heard.tolist())) == 1 else 0] = SURE
        return draft, refinement(draft.copy()) if passes and refinement else None

    return draft_and_refine


def tiny(tokens, **changes):
    import keras

    keras.utils.set_random_seed(0)
    size = {"model_dim": 16, "audio_blocks": 2, "attention_heads": 2, "refiner_blocks": 1}
    return UtteranceRecognizer(tokens.to_config(), tokens.size, **{**size, **changes})


@pytest.fixture(scope="module")
def untrained():
    return tiny(CharacterTokens("ABCDE"))


@pytest.fixture
def model():
    """One that hears tones; all texts are made of their words."""
    model = tiny(WholeWords(WORDS))
    model.__dict__["token_set"] = WholeWords(WORDS)
    model.draft_and_refine = listener(model.token_set, model.mel_bands)
    return model


def spoken(count, seed=0):
    """So many words as text, samples and their times; never the same word twice in a row."""
    rng = np.random.default_rng(seed)
    words = [WORDS[0]]
    while len(words) < count:
        words.append(rng.choice([word for word in WORDS if word != words[-1]]))
    samples, times = say(words, rng)
    return " ".join(words), samples, times


def assert_times(words, times, within=0.06):
    assert [word.start for word in words] == pytest.approx([start for start, _ in times], abs=within)
    assert all(word.start < word.end for word in words)
    assert all(one.end <= other.start + 1e-6 for one, other in zip(words, words[1:], strict=False))


@pytest.mark.backend
def test_a_recording_is_its_words_with_times(model):
    text, samples, times = spoken(6)
    transcript = model.transcribe(samples, 16_000)
    assert transcript.text == text
    assert transcript.duration == len(samples) / 16_000
    assert_times(transcript.words, times)
    assert all(0.9 < word.confidence <= 1 for word in transcript.words)


def test_lead_moves_all_words_earlier(model):
    text, samples, times = spoken(5)
    model.training_record = {"lead": 0.1}
    moved = model.transcribe(samples, 16_000)
    assert moved.text == text
    assert_times(moved.words, [(start - 0.1, end) for start, end in times])
    assert_times(model.align(samples, text, 16_000), [(start - 0.1, end) for start, end in times])


@pytest.mark.parametrize("seconds", [MOST_SECONDS - 1, MOST_SECONDS + 1, 60.0, 420.0])
def test_long_recordings_are_heard_in_pieces_and_sewn_together(model, seconds):
    text, samples, times = spoken(round(seconds / SECONDS_A_WORD), seed=round(seconds))
    heard = []
    whole = model.draft_and_refine

    def counting(features, lengths, passes):
        heard.extend(lengths.tolist())
        return whole(features, lengths, passes)

    model.draft_and_refine = counting
    transcript = model.transcribe(samples, 16_000)
    assert transcript.text == text
    assert_times(transcript.words, times)
    assert max(heard) <= 100 * MOST_SECONDS
    assert (len(heard) > 1) == (seconds > MOST_SECONDS)


def test_long_digital_silence_is_not_heard_and_what_is_said_around_it_is(model):
    text, samples, times = spoken(round(20 / SECONDS_A_WORD), seed=20)
    silence, heard, whole = 600.0, [], model.draft_and_refine

    def counting(features, lengths, passes):
        heard.extend(lengths.tolist())
        return whole(features, lengths, passes)

    model.draft_and_refine = counting
    recording = np.concatenate([samples, np.zeros(round(silence * 16_000), np.float32), samples])
    transcript = model.transcribe(recording, 16_000)
    assert transcript.text == f"{text} {text}"
    later = len(samples) / 16_000 + silence
    assert_times(transcript.words, [*times, *((start + later, end + later) for start, end in times)])
    assert sum(heard) <= 100 * 4 * MOST_SECONDS


def test_memory_does_not_grow_with_the_length_of_a_recording(untrained, tmp_path):
    """Nor do its samples: they are read, resampled and heard a part at a time."""
    most = {}
    for minutes in (8, 24):
        path = tmp_path / f"{minutes}.wav"
        with soundfile.SoundFile(path, "w", 8_000, 2, "PCM_U8") as file:
            for _ in range(minutes):
                file.write(np.full((60 * 8_000, 2), 0.01, np.float32))  # digital silence is not heard at all
        tracemalloc.start()
        assert untrained.transcribe(path, passes=0).duration == minutes * 60
        most[minutes] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert most[24] < 1.05 * most[8]


def test_a_recording_parted_by_digital_zeros_is_heard_like_its_parts(untrained):
    """To the last digit of times, whatever is said: a part is heard as if it were alone."""
    rng = np.random.default_rng(3)
    parts = [rng.normal(0, 0.1, round(seconds * 16_000)).astype(np.float32) for seconds in (7.123, 12, 3.3, 21.7)]
    joined, expected, begin = [], [], 0.0
    for part in parts:
        for word in untrained.transcribe(part, 16_000).words:
            expected.append((word.text, word.start + begin, word.end + begin, word.confidence))
        joined += [part, np.zeros(8_000, np.float32)]
        begin += len(part) / 16_000 + 0.5
    words = list(untrained.stream(iter(joined)))
    assert len(expected) > 4
    assert [word.text for word in words] == [text for text, *_ in expected]
    told = [(word.start, word.end, word.confidence) for word in words]
    assert np.array(told) == pytest.approx(np.array([numbers for _, *numbers in expected]), abs=1e-4)


def test_words_are_told_before_the_recording_ends(model):
    """And from blocks of any length they are the same words."""
    _, samples, _ = spoken(round(400 / SECONDS_A_WORD))
    taken = 0

    def blocks():
        nonlocal taken
        for first in range(0, len(samples), 44_100):
            taken = first
            yield samples[first : first + 44_100]

    words = model.stream(blocks())
    told = [next(words)]
    assert taken < 300 * 16_000
    told += words
    assert told == model.transcribe(samples, 16_000).words


@pytest.mark.parametrize("samples", [0, 1, 159, 160, 161, 800])
@pytest.mark.parametrize("passes", [0, 1, 2])
def test_next_to_nothing_says_next_to_nothing(untrained, samples, passes):
    transcript = untrained.transcribe(np.zeros(samples, np.float32), 16_000, passes=passes)
    assert transcript.duration == samples / 16_000
    assert samples >= 160 or transcript.words == []
    for word in transcript.words:
        assert 0 <= word.start <= word.end <= transcript.duration


@pytest.mark.parametrize("seconds", [2, 65])
def test_a_model_that_hears_nothing_says_nothing(model, seconds):
    """As every model does before it has left CTC's plateau."""
    model.draft_and_refine = lambda features, lengths, *_: (silent(features), silent(features))
    transcript = model.transcribe(np.zeros(seconds * 16_000, np.float32), 16_000)
    assert (transcript.text, transcript.words) == ("", [])


def silent(features):
    logits = np.zeros((len(features), features.shape[1] // 4, len(WORDS) + 1), np.float32)
    logits[..., 0] = SURE
    return logits


def test_words_end_with_the_recording(model):
    """The last step may be longer than what is left of the recording."""
    _, samples, times = spoken(2)
    cut = samples[: round((times[1][0] + 0.205) * 16_000)]
    assert model.transcribe(cut, 16_000).words[-1].end <= len(cut) / 16_000


def test_files_and_samples_are_one(model, tmp_path):
    text, samples, _ = spoken(4)
    soundfile.write(tmp_path / "a.wav", samples, 16_000, subtype="PCM_16")
    assert model.transcribe(tmp_path / "a.wav").text == text
    assert model.transcribe(str(tmp_path / "a.wav"), passes=0).text == text
    assert model.transcribe(np.stack([samples, samples], axis=1), 16_000).text == text


def test_utterances_of_all_lengths_are_heard_in_batches_as_alone(untrained):
    """And each comes back at its own place."""
    rng = np.random.default_rng(0)
    frames = [rng.standard_normal((length, 80)).astype(np.float32) for length in (150, 0, 40, 9, 150, 5)]
    together = hear(untrained, frames, passes=1)
    for piece, said in zip(frames, together, strict=True):
        own = hear(untrained, [piece], passes=1)[0]
        assert said.draft.shape == (-(-len(piece) // 4), untrained.token_set.size)
        np.testing.assert_allclose(said.draft, own.draft, atol=1e-4)
        np.testing.assert_allclose(said.refined, own.refined, atol=1e-4)
    assert hear(untrained, frames, passes=0)[0].refined is None


@pytest.mark.backend
def test_passes_refine_and_none_is_the_draft(untrained):
    features = np.random.default_rng(1).standard_normal((1, 160, 80)).astype(np.float32)
    lengths = np.array([160], np.int32)
    drafts, refined = zip(*(untrained.draft_and_refine(features, lengths, passes) for passes in (0, 1, 2)), strict=True)
    np.testing.assert_allclose(drafts[1], drafts[0], atol=1e-5)
    assert refined[0] is None
    assert np.abs(refined[1] - drafts[1]).max() > 1e-2
    assert refined[2].shape == drafts[0].shape


def test_candidates_are_heard_at_other_speeds(untrained):
    frames = [np.random.default_rng(length).standard_normal((length, 80)).astype(np.float32) for length in (160, 90, 0)]
    together = hear_at_speeds(untrained, frames, 1, candidates=len(SPEEDS))
    for piece, hearings in zip(frames, together, strict=True):
        lengths = [round(len(piece) / speed) for speed in SPEEDS]
        assert [len(heard.draft) for heard in hearings] == [-(-length // 4) for length in lengths]
    np.testing.assert_allclose(together[0][0].draft, hear(untrained, frames[:1], 1)[0].draft, atol=1e-4)
    slower = hear(untrained, [change_speed(frames[0], SPEEDS[1])], 1)[0]
    np.testing.assert_allclose(together[0][1].refined, slower.refined, atol=1e-4)


@pytest.mark.backend
def test_candidates_vote_on_every_word(model):
    model.__dict__["token_set"] = WholeWords("ABCD")
    first, other = of_path([0, 1, 0, 2, 0]), of_path([0, 1, 0, 0, 3, 0])
    hearings = [Heard(first, first), Heard(other, other), Heard(other, other)]
    words = decode(model, hearings, Decoding())
    assert [word.text for word in words] == ["A", "C"]
    assert [round(word.start, 2) for word in words] == [0.04, 0.12]
    silence = Heard(of_path([0, 0]), of_path([0, 0]))
    assert decode(model, [silence] * 3, Decoding()) == []
    for wrong in (0, 8):
        with pytest.raises(InputError, match="candidates"):
            Decoding(candidates=wrong)


def test_what_only_slow_hearings_have_room_for_is_left_to_the_first(model):
    model.__dict__["token_set"] = WholeWords("ABCD")
    short, slow = of_path([1, 2]), of_path([1, 2, 3, 4])
    assert [word.text for word in decode(model, [Heard(short), Heard(slow), Heard(slow)], Decoding())] == ["A", "B"]


def test_the_search_is_made_of_every_hearing(model):
    model.__dict__["token_set"] = WholeWords(["THE", "DOG", "HOG", "SAT"])
    ngrams = WordNgrams.learn(["THE HOG SAT"] * 5 + ["A DOG RAN"], order=2)
    unsure = of_path([0, 1, 0, 2, 0, 4, 0]) + 0.0
    unsure[3, 3] = unsure[3, 2] - 0.1
    sure = of_path([0, 1, 0, 2, 0, 4, 0], sure=50.0)
    for hearings, said in (([sure, unsure, unsure], "HOG"), ([sure, sure, unsure], "DOG")):
        words = decode(model, [Heard(each) for each in hearings], Decoding(language_model=ngrams))
        assert [word.text for word in words] == ["THE", said, "SAT"]


def of_path(path, size=5, sure=SURE):
    logits = sure * np.eye(size)[path]
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


@pytest.mark.parametrize(("surer", "kept"), [("draft", "A B"), ("refined", "A C")])
def test_a_refinement_is_kept_where_both_together_like_it(model, surer, kept):
    model.__dict__["token_set"] = WholeWords("ABCD")
    draft, refined = of_path([0, 1, 0, 2, 0]), of_path([0, 1, 0, 3, 0])
    faint = of_path([0, 1, 0, 2, 0], sure=1.0) if surer == "refined" else of_path([0, 1, 0, 3, 0], sure=1.0)
    heard = Heard(draft, faint) if surer == "draft" else Heard(faint, refined)
    assert " ".join(word.text for word in decode(model, [heard], Decoding())) == kept


def test_what_draft_and_refinement_say_in_other_steps_is_said_once(model):
    """Their mean finds every token half as likely as silence, and would say nothing."""
    model.__dict__["token_set"] = WholeWords("ABCD")
    heard = Heard(of_path([0, 1, 0, 0, 2, 0]), of_path([0, 0, 1, 0, 0, 2]))
    faint = dataclasses.replace(heard, refined=heard.refined - np.eye(5)[0] * 0.5)
    assert " ".join(word.text for word in decode(model, [faint], Decoding())) == "A B"


@pytest.mark.backend
def test_a_language_model_decides_between_words_that_sound_alike(model):
    model.__dict__["token_set"] = WholeWords(["THE", "DOG", "HOG", "SAT"])
    logits = of_path([0, 1, 0, 2, 0, 4, 0]) + 0.0
    logits[3, 3] = logits[3, 2] - 0.1
    ngrams = WordNgrams.learn(["THE HOG SAT"] * 5 + ["A DOG RAN"], order=2)
    heard = [Heard(logits, logits)]
    for decoding, said in ((Decoding(), "DOG"), (Decoding(language_model=ngrams), "HOG")):
        words = decode(model, heard, decoding)
        assert [word.text for word in words] == ["THE", said, "SAT"]
        assert words[1].start == pytest.approx(3 * 0.04)
    assert decode(model, heard, Decoding(language_model=ngrams, lm_weight=0.0, beam=4))[1].text == "DOG"
    silence = Heard(of_path([0, 0, 0]), of_path([0, 0, 0]))
    assert decode(model, [silence], Decoding(language_model=ngrams)) == []


@pytest.mark.backend
def test_alignment_says_when_the_words_of_a_text_are_said(model):
    text, samples, times = spoken(6)
    words = model.align(samples, text.lower() + "!", 16_000)
    assert " ".join(word.text for word in words) == text
    assert_times(words, times)
    wrong = text.split()
    wrong[2] = next(word for word in WORDS if word not in wrong[1:4])
    unsure = model.align(samples, " ".join(wrong), 16_000)
    assert unsure[2].confidence < 0.1 < 0.9 < unsure[1].confidence


@pytest.mark.backend
def test_the_true_text_scores_best(model):
    text, samples, _ = spoken(5)
    wrong = " ".join(text.split()[::-1])
    missing = " ".join(text.split()[:-1])
    scores = model.score(samples, [wrong, text, missing], 16_000)
    assert scores[1] > max(scores[0], scores[2])
    assert model.score(samples, text, 16_000, passes=0) == pytest.approx(scores[1])
    assert scores[1] <= 0
    assert model.score(samples, " ".join([text] * 30), 16_000) == -np.inf


@pytest.mark.backend
def test_a_gap_is_filled_with_what_is_said(model):
    text, samples, times = spoken(5)
    words = text.split()
    done = model.fill(samples, " ".join([words[0], "___", *words[3:]]), 16_000)
    assert done.text == text
    assert done.filled == [False, True, True, False, False]
    assert_times(done.words, times)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda model, sound: model.transcribe(sound), "sample_rate=16000"),
        (lambda model, sound: model.transcribe(sound, 16_000, passes=-1), "passes -1: give 0"),
        (lambda model, sound: model.transcribe("/nowhere/a.wav"), "no such file"),
        (lambda model, sound: model.transcribe(np.full(1000, np.nan, "f"), 16_000), "NaN"),
        (lambda model, sound: model.align(sound, "", 16_000), "no words"),
        (lambda model, sound: model.align(sound, "...", 16_000), "no words"),
        (lambda model, sound: model.align(sound, "ABC XYZ", 16_000), "the model has no X, Y, Z"),
        (lambda model, sound: model.align(sound, "ABC " * 40, 16_000), "needs 159 steps of audio"),
        (lambda model, sound: model.align(sound[:100], "ABC", 16_000), "no audio"),
        (lambda model, sound: model.score(sound, ["ABC", "A1"], 16_000), "the model has no 1"),
        (lambda model, sound: model.score(sound, "", 16_000), "no words"),
        (lambda model, sound: model.score(sound[:100], "ABC", 16_000), "no audio"),
        (lambda model, sound: model.score(sound, "ABC", 16_000, passes=-1), "passes -1"),
        (lambda model, sound: model.fill(sound, "", 16_000), "no word and no gap"),
        (lambda model, sound: model.fill(sound, "ABC __ Z", 16_000), "no 'Z'"),
        (lambda model, sound: model.fill(sound[:100], "ABC __", 16_000), "no audio"),
        (lambda model, sound: model.fill(sound, "___", 16_000, passes=-2), "passes -2"),
    ],
)
def test_wrong_input_is_one_line(untrained, call, message):
    with pytest.raises(InputError, match=message) as caught:
        call(untrained, spoken(3)[1])
    assert "\n" not in str(caught.value)


def test_texts_that_are_none_are_no_error(untrained):
    assert untrained.score(spoken(2)[1], [], 16_000) == []


@pytest.mark.backend
def test_a_saved_recogniser_is_loaded_as_one(untrained, tmp_path):
    untrained.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path)
    assert type(loaded) is UtteranceRecognizer
    assert loaded.token_set == untrained.token_set
    samples = spoken(3)[1]
    expected = untrained.transcribe(samples, 16_000)
    again = loaded.transcribe(samples, 16_000)
    assert again.text == expected.text
    assert [word.start for word in again.words] == pytest.approx([word.start for word in expected.words], abs=1e-4)
