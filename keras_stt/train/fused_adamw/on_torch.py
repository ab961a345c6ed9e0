"""AdamW on torch, each step of it in as few passes over the weights as torch can make."""

import torch
from torch.optim.adamw import adamw

from keras_stt.train.fused_adamw.plain import PlainAdamW


# Of Keras's own name, by which Keras names the variables: a checkpoint of either goes on with the other.
class AdamW(PlainAdamW):
    """Takes the steps that Keras's AdamW takes, in less time on a CPU.

    Keras goes over all weights some twenty times a step: to clip gradients, to move momenta and weights, to average.
    The gradients that it is given are clipped in place.
    """

    @torch.no_grad()
    def _clip_gradients(self, grads):
        if not self.clipnorm:
            return super()._clip_gradients(grads)
        norms = torch.stack(torch._foreach_norm(grads))
        torch._foreach_mul_(grads, list((self.clipnorm / norms.clamp(min=self.clipnorm)).unbind()))
        return grads

    @torch.no_grad()
    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        weights = [variable.value for variable in trainable_variables]
        places = [self._get_variable_index(variable) for variable in trainable_variables]
        steps = int(self.iterations)
        adamw(
            weights,
            grads,
            [self._momentums[place].value for place in places],
            [self._velocities[place].value for place in places],
            [],
            list(torch.full((len(weights),), float(steps), device=weights[0].device).unbind()),
            fused=True,
            amsgrad=False,
            beta1=self.beta_1,
            beta2=self.beta_2,
            lr=float(learning_rate),
            weight_decay=0.0,  # Keras has decayed them
            # torch adds it to the velocity after the correction of its bias, Keras before.
            eps=self.epsilon / (1.0 - self.beta_2 ** (steps + 1)) ** 0.5,
            maximize=False,
        )

    @torch.no_grad()
    def _update_model_variables_moving_average(self, trainable_variables):
        averages = [average.value for average in self._model_variables_moving_average]
        weights = [variable.value for variable in trainable_variables]
        torch._foreach_lerp_(averages, weights, 1.0 - self.ema_momentum if int(self.iterations) else 1.0)
