"""What the exported graph computes: waveform to words, with features and vocabulary inside. TensorFlow backend only."""

import keras
import tensorflow as tf

from keras_stt.features import EDGE, HOP_LENGTH
from keras_stt.layers import LogMel
from keras_stt.layers.lengths import length_mask
from keras_stt.text import Vocabulary


def add_endpoints(archive: keras.export.ExportArchive, model) -> None:
    """Adds the signatures `serve` (also as `serving_default`), `transcribe_window` and `vocabulary` for a model.

    `serve`: `waveform` float32 `(B, N)` at 16 kHz, `waveform_lengths` int32 `(B,)` in samples and `token_ids` int32
        `(B, U)` to `tokens`, logits `(B, U, V)`; `token_ids` `(B, U)`, the likeliest word where `<mask>` stood and
        the given one elsewhere; `confidences` `(B, U)`, one where a token was given; `attention` `(B, U, T)`.
    `transcribe_window`: `waveform` and `waveform_lengths` to `words`, strings `(B, U)` that are empty where
        nothing is said, and their `confidences` `(B, U)`.
    `vocabulary`: nothing to `words`, strings `(V,)` in the order of their ids.

    Batch and time are open. What lies after a row's length is never heard; what lies after the window is cut off.
    """
    log_mel = LogMel(model.mel_bands, name="log_mel")
    log_mel.build((None, None))
    waveform = tf.TensorSpec((None, None), tf.float32, "waveform")
    lengths = tf.TensorSpec((None,), tf.int32, "waveform_lengths")
    token_ids = tf.TensorSpec((None, model.text_context), tf.int32, "token_ids")

    def serve(waveform, waveform_lengths, token_ids):
        inputs = _features(model, log_mel, waveform, waveform_lengths)
        outputs = model({**inputs, "token_ids": token_ids}, training=False)
        said, confidences = _likeliest(outputs["tokens"], token_ids)
        return {**outputs, "token_ids": said, "confidences": confidences}

    def transcribe_window(waveform, waveform_lengths):
        masked = tf.fill((tf.shape(waveform)[0], model.text_context), Vocabulary.mask_id)
        outputs = serve(waveform, waveform_lengths, masked)
        spoken = tf.reduce_all(outputs["token_ids"][..., None] != tf.constant(Vocabulary.fill_ids), axis=-1)
        spoken &= waveform_lengths[:, None] >= HOP_LENGTH  # as `transcribe`, which hears nothing in less than a frame
        words = tf.gather(tf.constant(model.vocabulary), outputs["token_ids"])
        return {
            "words": tf.where(spoken, words, ""),
            "confidences": tf.where(spoken, outputs["confidences"], 0.0),
        }

    # The archive finds the variables by itself; with `archive.track` each would be stored twice.
    archive.add_endpoint("serve", serve, [waveform, lengths, token_ids])
    archive.add_endpoint("transcribe_window", transcribe_window, [waveform, lengths])
    archive.add_endpoint("vocabulary", lambda: {"words": tf.constant(model.vocabulary)}, [])


def _features(model, log_mel, waveform, lengths) -> dict:
    """The model's `features` and `feature_lengths` of a window of waveform."""
    # The last frame of a window hears a little beyond it, as it does within a recording.
    waveform = waveform[:, : model.audio_frames * HOP_LENGTH + EDGE]
    samples = tf.shape(waveform)[1]
    # Not by multiplication: what lies in the padding may be NaN.
    waveform = tf.where(length_mask(lengths, samples), waveform, 0.0)
    # At least one audio step, and one frame that is not padding: there is no attention over none.
    missing = tf.maximum(0, model.frames_per_step * HOP_LENGTH - samples)
    frames = log_mel(tf.pad(waveform, [[0, 0], [0, missing]]))[:, : model.audio_frames]
    frame_counts = tf.clip_by_value(tf.minimum(lengths, samples) // HOP_LENGTH, 1, model.audio_frames)
    return {"features": frames, "feature_lengths": frame_counts}


def _likeliest(logits, token_ids):
    """The likeliest tokens `(B, U)` where `<mask>` stands, given ones elsewhere, and the probability of each."""
    unsaid = tf.reduce_any(tf.range(tf.shape(logits)[-1])[:, None] == tf.constant(Vocabulary.unsaid_ids), axis=1)
    probabilities = tf.nn.softmax(tf.where(unsaid, -float("inf"), logits))
    asked = token_ids == Vocabulary.mask_id
    said = tf.argmax(probabilities, axis=-1, output_type=tf.int32)
    return tf.where(asked, said, token_ids), tf.where(asked, tf.reduce_max(probabilities, axis=-1), 1.0)
