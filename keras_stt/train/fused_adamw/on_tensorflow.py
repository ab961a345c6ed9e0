"""AdamW on TensorFlow, a step of it traced in half the time: before a graph's first step, that is most of the wait."""

import tensorflow as tf

from keras_stt.train.fused_adamw.plain import PlainAdamW


# Of Keras's own name, by which Keras names the variables: a checkpoint of either goes on with the other.
class AdamW(PlainAdamW):
    """Takes the steps that Keras's AdamW takes, each weight by one operation of TensorFlow where Keras has some twenty.

    Keras also builds the learning rate's schedule once for every weight that decays. For one device: under a strategy
    of `tf.distribute` variables are not what these operations take.
    """

    def _clip_gradients(self, grads):
        if not self.clipnorm:
            return super()._clip_gradients(grads)
        return [tf.clip_by_norm(tf.convert_to_tensor(gradient), self.clipnorm) for gradient in grads]

    def _apply_weight_decay(self, variables):
        if self.weight_decay is None:
            return
        share = self.weight_decay * tf.cast(self.learning_rate, tf.float32)
        for variable in variables:
            if self._use_weight_decay(variable.value):
                variable.value.assign_sub(variable.value * share)

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        step = tf.cast(self.iterations.value + 1, tf.float32)
        powers = {"beta1_power": tf.pow(self.beta_1, step), "beta2_power": tf.pow(self.beta_2, step)}
        rates = {"lr": tf.cast(learning_rate, tf.float32), "beta1": self.beta_1, "beta2": self.beta_2}
        for gradient, variable in zip(grads, trainable_variables, strict=True):
            place = self._get_variable_index(variable)
            tf.raw_ops.ResourceApplyAdam(
                var=variable.value.handle,
                m=self._momentums[place].value.handle,
                v=self._velocities[place].value.handle,
                grad=tf.convert_to_tensor(gradient),
                epsilon=self.epsilon,
                **powers,
                **rates,
            )

    def _update_model_variables_moving_average(self, trainable_variables):
        # At the first step the average is the weight itself.
        share = tf.where(self.iterations.value == 0, 1.0, 1.0 - self.ema_momentum)
        for variable, average in zip(trainable_variables, self._model_variables_moving_average, strict=True):
            average.value.assign_sub((average.value - variable.value) * share)
