"""What training minimises: the loss on tokens, the weights of tokens in it, CTC, and the loss on attention."""

from keras_stt.losses.attention_guide import AttentionGuide
from keras_stt.losses.class_weights import CLASS_WEIGHTINGS, class_weights
from keras_stt.losses.ctc import TokenCTC
from keras_stt.losses.masked_token import (
    FOCAL_GAMMA,
    TOKEN_LOSSES,
    MaskedTokenBinaryCrossentropy,
    MaskedTokenCrossentropy,
    MaskedTokenLoss,
    MaskedTokenSquaredError,
    token_loss,
)

__all__ = [
    "CLASS_WEIGHTINGS",
    "FOCAL_GAMMA",
    "TOKEN_LOSSES",
    "AttentionGuide",
    "MaskedTokenBinaryCrossentropy",
    "MaskedTokenCrossentropy",
    "MaskedTokenLoss",
    "MaskedTokenSquaredError",
    "TokenCTC",
    "class_weights",
    "token_loss",
]
