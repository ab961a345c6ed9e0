"""The peer: Hugging Face's FastConformer with a CTC head (`ParakeetForCTC`), as small as ours and from scratch.

What a Keras user would leave for. Eight-fold subsampling and ten blocks of width 144, 5.2 million parameters.
"""

import numpy as np
import torch
from transformers import ParakeetCTCConfig, ParakeetForCTC

BLANK = 256  # after as many subwords
MEL_BANDS = 80
SUBSAMPLING = 8


def build() -> ParakeetForCTC:
    """The model, its weights drawn at random."""
    torch.manual_seed(0)
    width = 144
    encoder = {
        "hidden_size": width,
        "intermediate_size": 4 * width,
        "num_hidden_layers": 10,
        "num_attention_heads": 4,
        "conv_kernel_size": 15,
        "subsampling_factor": SUBSAMPLING,
        "subsampling_conv_channels": 64,
        "num_mel_bins": MEL_BANDS,
        "layerdrop": 0.0,
    }
    return ParakeetForCTC(ParakeetCTCConfig(vocab_size=BLANK + 1, pad_token_id=BLANK, encoder_config=encoder))


class Training:
    """Steps of AdamW on one batch, `features` `(B, T, mel_bands)` and `labels` `(B, U)`, in float32 or bfloat16."""

    def __init__(self, features: np.ndarray, labels: np.ndarray, precision: str):
        self.model = build().train()
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-4)
        self.inputs = {
            "input_features": torch.from_numpy(features),
            "attention_mask": torch.ones(features.shape[:2], dtype=torch.long),
            "labels": torch.from_numpy(labels.astype(np.int64)),
        }
        self.half = precision == "bfloat16"

    @property
    def parameters(self) -> int:
        return sum(weight.numel() for weight in self.model.parameters())

    def step(self) -> float:
        """One step; returns the loss."""
        self.optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=self.half):
            loss = self.model(**self.inputs).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        return loss.item()
