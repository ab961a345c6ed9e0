"""The average of the weights is what is evaluated and saved, on every backend, to the last epoch."""

import keras
import numpy as np
import pytest

from keras_stt.train.callbacks.averaging import AveragedWeights

pytestmark = pytest.mark.backend


class Predicts(keras.callbacks.Callback):
    """Predicts and saves at the end of an epoch, and keeps the weights it has met."""

    def __init__(self, inputs, path):
        super().__init__()
        self.inputs, self.path, self.met = inputs, path, []

    def on_epoch_end(self, epoch, logs=None):
        self.model.predict_on_batch(self.inputs)
        self.model.save_weights(self.path)
        self.met.append(self.model.get_weights()[0])


def test_averages_are_predicted_with_and_saved(tmp_path):
    rng = np.random.default_rng(0)
    inputs, targets = rng.standard_normal((8, 4)).astype(np.float32), rng.standard_normal((8, 2)).astype(np.float32)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, name="dense")])
    model.compile(keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5), "mse")
    watch, averages = Predicts(inputs, tmp_path / "averages.weights.h5"), []

    class Follows(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if keras.backend.backend() == "jax":
                self.model.jax_state_sync()
            averages.append(keras.ops.convert_to_numpy(self.model.optimizer._model_variables_moving_average[0]).copy())
            trained = self.model.get_weights()[0]
            assert len(averages) == 1 or np.abs(trained - averages[-1]).max() > 1e-3

    model.fit(inputs, targets, batch_size=8, epochs=3, verbose=0, callbacks=[Follows(), AveragedWeights(), watch])
    np.testing.assert_allclose(watch.met, averages, atol=1e-6)
    np.testing.assert_allclose(model.get_weights()[0], averages[-1], atol=1e-6)
    model.load_weights(watch.path)
    np.testing.assert_allclose(model.get_weights()[0], averages[-1], atol=1e-6)
