"""The average of the weights: in the model while it is evaluated and saved, out of it while it is trained."""

import keras
from keras import ops


class AveragedWeights(keras.callbacks.SwapEMAWeights):
    """Puts the average that the optimizer keeps into the model at the end of each epoch, and takes it out again.

    Args:
        in_model: whether it is in the model to begin with, as it is after a checkpoint was loaded.
    """

    def __init__(self, in_model: bool = False):
        super().__init__(swap_on_epoch=True)
        self._ema_weights_in_model = in_model

    def _backend_finalize_ema_values(self, optimizer):
        # Keras 3.15 makes the average one array with the weight here; on JAX a prediction then takes both away.
        for weight, average in zip(
            optimizer._trainable_variables, optimizer._model_variables_moving_average, strict=True
        ):
            average.assign(ops.copy(weight))
