"""What both kinds of AdamW in fewer operations have in common: the algorithm as it was published, and no other."""

import keras


class PlainAdamW(keras.optimizers.AdamW):
    """Keras's AdamW (Loshchilov and Hutter, 2019) without its variant.

    Raises:
        ValueError: `amsgrad`, which it does not know.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.amsgrad:
            raise ValueError("amsgrad: not with the fused AdamW; take keras.optimizers.AdamW")
