"""The window model, built and compiled as the flags say."""

import keras

from keras_stt.losses import AttentionGuide
from keras_stt.recognizer import Recognizer
from keras_stt.train.fit import build_training
from keras_stt.train.optimizers import learning_rate, make_optimizer
from keras_stt.train.window.setup import Setup


def compiled_model(setup: Setup) -> Recognizer:
    """The model with its losses and its optimizer, from the run's seed."""
    options = setup.options
    keras.utils.set_random_seed(options.seed)
    model = Recognizer(
        setup.vocabulary.to_list(),
        text_context=options.text_context,
        audio_context=options.audio_context,
        audio_stride_ms=options.audio_stride_ms,
        audio_pooling=options.audio_pooling,
        mel_bands=options.mel_bands,
        model_dim=options.model_dim,
        audio_blocks=options.audio_blocks,
        audio_mixer=options.audio_mixer,
        blocks=options.blocks,
        attention_heads=options.attention_heads,
        dropout=options.dropout,
        residual=options.residual,
        normalization=options.normalization,
        attention_activation=options.attention_activation,
        position=options.position,
        relative_window=options.relative_window,
        word_clock=options.word_clock,
    )
    rate = learning_rate(options.schedule, options.learning_rate, options.warmup_steps, setup.steps)
    model.compile(
        optimizer=make_optimizer(
            options.optimizer, rate, options.weight_decay, options.clip_norm, options.weight_average
        ),
        loss={"tokens": setup.token_loss(), "attention": AttentionGuide()},
        loss_weights={"tokens": 1.0, "attention": options.attention_guide},
    )
    build_training(model, *setup.windows(1))
    return model
