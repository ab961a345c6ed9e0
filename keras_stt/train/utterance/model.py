"""The utterance model, built and compiled as the flags say."""

import keras

from keras_stt.losses import TokenCTC
from keras_stt.recognizer import UtteranceRecognizer
from keras_stt.train.fit import build_training
from keras_stt.train.optimizers import learning_rate, make_optimizer
from keras_stt.train.utterance.setup import Setup
from keras_stt.train.utterance.warm_start import warm_start


def compiled_model(setup: Setup) -> UtteranceRecognizer:
    """The model with its losses and its optimizer, from the run's seed or from the weights of `--warm_start`."""
    options = setup.options
    keras.utils.set_random_seed(options.seed)
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(options.precision)
    try:
        model = UtteranceRecognizer(
            setup.tokens.to_config(),
            setup.tokens.size,
            subsampling=options.subsampling,
            model_dim=options.model_dim,
            audio_blocks=options.audio_blocks,
            audio_mixer=options.audio_mixer,
            mixer_kernel=options.mixer_kernel,
            attention_heads=options.attention_heads,
            dropout=options.dropout,
            position=options.position,
            normalization=options.normalization,
            middle_ctc=options.middle_weight > 0,
            phones=setup.phones.names if setup.phones else (),
            refiner_blocks=options.refiner_blocks,
            refiner_mixer=options.refiner_mixer,
            reads_text=setup.batches.texts is not None,
            mel_bands=options.mel_bands,
        )
    finally:
        keras.config.set_dtype_policy(policy)
    if options.warm_start:
        warm_start(model, options.warm_start)
    rate = learning_rate(options.schedule, options.learning_rate, options.warmup_steps, setup.steps)
    losses, weights = _losses(setup)
    model.compile(
        optimizer=make_optimizer(
            options.optimizer, rate, options.weight_decay, options.clip_norm, options.weight_average
        ),
        loss=losses,
        loss_weights=weights,
    )
    inputs, targets = setup.batches[0]
    few = 2  # rows, since views come in pairs
    build_training(
        model,
        {name: value[:few] for name, value in inputs.items()},
        {name: value[:few] for name, value in targets.items()},
    )
    return model


def _losses(setup: Setup) -> tuple[dict, dict]:
    options = setup.options
    weights = {"draft": 1.0, "middle": options.middle_weight, "refined": options.refiner_weight}
    weights = {head: weights[head] for head in setup.batches.heads}
    losses = {head: TokenCTC(options.consistency if head == "draft" else 0.0) for head in weights}
    if setup.batches.texts is not None:
        weights["text"], losses["text"] = options.text_weight, TokenCTC()
    if setup.phones is not None:
        weights["phones"] = options.phone_weight
        losses["phones"] = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1)
    return losses, weights
