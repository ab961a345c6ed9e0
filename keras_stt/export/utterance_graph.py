"""What the exported graph of an utterance model computes: waveform to tokens and text. TensorFlow backend only."""

import tensorflow as tf

from keras_stt.export.pieces import Cut
from keras_stt.features import EDGE, HOP_LENGTH
from keras_stt.layers import LogMel
from keras_stt.layers.ctc_head import BLANK_ID, NEVER
from keras_stt.layers.lengths import length_mask, pooled_lengths
from keras_stt.tokens import WORD_START

INPUTS = {
    "waveform": tf.TensorSpec((None, None), tf.float32, "waveform"),
    "waveform_lengths": tf.TensorSpec((None,), tf.int32, "waveform_lengths"),
}


def utterance_function(model, passes: int):
    """The function of a recogniser: `waveform` and `waveform_lengths` to a dict of numbers; see `export` for them.

    Args:
        model: an `UtteranceRecognizer`.
        passes: refinements of the draft; 0, or a model without a refiner, gives the draft alone.
    """
    log_mel = LogMel(model.mel_bands, name="log_mel")
    log_mel.build((None, None))
    decoder, cut = model.decoder(passes), Cut(model.frames_per_step)

    def recognize(waveform, waveform_lengths):
        frames, lengths = _frames(log_mel, cut.frames_per_step, waveform, waveform_lengths)
        pieces, piece_lengths = _pieces(cut, frames, lengths)
        heard = decoder({"features": pieces, "feature_lengths": piece_lengths}, training=False)
        steps = pooled_lengths(lengths, cut.frames_per_step)
        size = tf.shape(frames)[1] // cut.frames_per_step
        said = {name: _whole(cut, heard[name], tf.shape(waveform)[0], size, steps) for name in heard}
        outputs = {f"{name}_logits": logits for name, logits in said.items()}
        outputs["draft_token_ids"] = greedy_token_ids(said["draft"])
        outputs["token_ids"] = greedy_token_ids(said["refined"]) if "refined" in said else outputs["draft_token_ids"]
        return {**outputs, "steps": steps}

    return recognize


def with_text(recognize, vocabulary: list[str]):
    """The same function with the strings `draft_text` and `text`, `(B,)`, single spaces between words."""

    def text(token_ids):
        joined = tf.strings.reduce_join(tf.gather(tf.constant(vocabulary), token_ids), axis=-1)
        return tf.strings.strip(tf.strings.regex_replace(joined, f"{WORD_START}+", " "))

    return _with(recognize, "text", text)


def with_pieces(recognize, vocabulary: list[str]):
    """The same function with the strings `draft_pieces` and `pieces`, `(B, S)`: what every token writes."""
    return _with(recognize, "pieces", lambda token_ids: tf.gather(tf.constant(vocabulary), token_ids))


def _with(recognize, name: str, written):
    def recognize_written(waveform, waveform_lengths):
        outputs = recognize(waveform, waveform_lengths)
        strings = {f"draft_{name}": written(outputs["draft_token_ids"]), name: written(outputs["token_ids"])}
        return {**outputs, **strings}

    return recognize_written


def greedy_token_ids(logits):
    """The likeliest token of every step, repeats merged, blanks dropped: int32 `(B, S)`, zeros behind the tokens."""
    path = tf.argmax(logits, axis=-1, output_type=tf.int32)
    before = tf.pad(path[:, :-1], [[0, 0], [1, 0]], constant_values=-1)
    said = tf.logical_and(path != before, path != BLANK_ID)
    rows, size = tf.shape(path)[0], tf.shape(path)[1]
    # What is not said goes, as a zero, to a place behind the last.
    places = tf.where(said, tf.cumsum(tf.cast(said, tf.int32), axis=1) - 1, size)
    values = tf.reshape(tf.where(said, path, 0), [-1])
    places = tf.reshape(_counted(rows, size + 1) + places, [-1, 1])
    front = tf.scatter_nd(places, values, tf.reshape(rows * (size + 1), [1]))
    return tf.reshape(front, [rows, size + 1])[:, :-1]


def _frames(log_mel, frames_per_step: int, waveform, waveform_lengths):
    """Log-mel frames `(B, T, bands)`, T whole steps and at least one, and valid frames `(B,)`."""
    samples = tf.shape(waveform)[1]
    lengths = tf.clip_by_value(waveform_lengths, 0, samples)
    # Not by multiplication: what lies in the padding may be NaN.
    waveform = tf.where(length_mask(lengths, samples), waveform, 0.0)
    step = frames_per_step * HOP_LENGTH
    # Whole steps, and what the last frame hears beyond them.
    wanted = tf.maximum(pooled_lengths(samples // HOP_LENGTH, frames_per_step), 1) * step + EDGE
    waveform = tf.pad(waveform, [[0, 0], [0, tf.maximum(wanted - samples, 0)]])[:, :wanted]
    return log_mel(waveform), lengths // HOP_LENGTH


def _pieces(cut: Cut, frames, lengths):
    """Frames `(B * P, L, bands)` and lengths `(B * P,)` of what is heard at once; at least a frame of each."""
    total = tf.shape(frames)[1]
    size = tf.minimum(total, cut.piece_frames)
    count = 1 + tf.maximum(cut.last_piece(total // cut.frames_per_step), 0)
    starts = tf.range(count) * cut.hop_frames
    places = tf.minimum(starts[:, None] + tf.range(size)[None], total - 1)
    pieces = tf.gather(frames, tf.reshape(places, [-1]), axis=1)
    pieces = tf.reshape(pieces, [-1, size, frames.shape[-1]])
    return pieces, tf.reshape(tf.clip_by_value(lengths[:, None] - starts[None], 1, size), [-1])


def _whole(cut: Cut, logits, rows, size, steps):
    """Logits `(B, S, tokens)` of the pieces' `(B * P, L, tokens)`, sure blanks where nothing is heard."""
    width, length = logits.shape[-1], tf.shape(logits)[1]
    places = tf.range(size)[None]
    last = tf.maximum(cut.last_piece(steps), 0)[:, None]  # of each row: what its neighbours need does not matter
    piece = tf.minimum(tf.maximum((places - cut.edge_steps) // cut.hop_steps, 0), last)
    before = _counted(rows, tf.shape(logits)[0] // rows)  # pieces of other rows
    told = tf.gather(tf.reshape(logits, [-1, width]), (before + piece) * length + places - piece * cut.hop_steps)
    sure_blank = tf.constant([0.0] + [NEVER] * (width - 1))
    return tf.where(tf.expand_dims(length_mask(steps, size), -1), told, sure_blank)


def _counted(rows, step):
    """`(B, 1)`: 0, `step`, twice `step` and so on."""
    return tf.cumsum(tf.fill([rows, 1], step), axis=0, exclusive=True)
