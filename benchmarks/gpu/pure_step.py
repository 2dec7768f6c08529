"""A prototype of the step as pure functions, which XLA compiles on every replica.

The compiled functions take weights, statistics and a batch, and return gradients or new weights.
Variables are read before and assigned after. Gradients cross the replicas between two of the
functions, so that XLA never meets a collective operation. The losses are those of the model itself.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf

from zoo.gradients import share_of_global_mean
from zoo.models.adversarial import AdversarialModel
from zoo.models.trainer import Examples
from zoo.randomness import Noise

Tensors = list[tf.Tensor]
State = dict[str, Tensors]
BatchAt = Callable[[tf.Tensor], tuple[Any, tf.Tensor]]
NETWORKS = ("critic", "generator")


class _Capture:
    """Takes the place of an optimizer and stores the gradients that it is given."""

    def __init__(self) -> None:
        self.gradients: Tensors = []

    def scale_loss(self, loss: tf.Tensor) -> tf.Tensor:
        """Returns the loss as it is."""
        return loss

    def apply(self, gradients: Tensors, variables: list[keras.Variable]) -> None:
        """Stores the gradients."""
        self.gradients = gradients


class PureStep:
    """The step of a model with one critic step, without batch statistics in the critic.

    Args:
        model: a compiled model with one critic step and one generator batch.
        global_batch: int, images of one step over all replicas.
        optimizer: `"adam"` with the constants of the model's own optimizers, or `"sgd"`.
        rate: float, learning rate of SGD.
        jit: bool, whether XLA compiles the functions of `on_replica`.
    """

    def __init__(
        self,
        model: AdversarialModel,
        *,
        global_batch: int,
        optimizer: str = "adam",
        rate: float = 0.01,
        jit: bool = True,
    ):
        self.model = model
        self.global_batch = tf.constant(float(global_batch))
        self.adam = optimizer == "adam"
        self.sgd_rate = rate
        self.variables = {
            "critic_weights": model.critic.trainable_variables,
            "critic_statistics": model.critic.non_trainable_variables,
            "generator_weights": model.generator.trainable_variables,
            "generator_statistics": model.generator.non_trainable_variables,
        }
        self.constants = {
            name: (float(o.get_config()["learning_rate"]), o.beta_1, o.beta_2, o.epsilon)
            for name, o in zip(
                NETWORKS, (model.critic_optimizer, model.generator_optimizer), strict=True
            )
        }
        self.slots = {
            f"{name}_{slot}": [
                tf.Variable(tf.zeros(weight.shape), trainable=False)
                for weight in self.variables[f"{name}_weights"]
            ]
            for name in NETWORKS
            for slot in (("means", "squares") if self.adam else ())
        }
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False)
        functions: dict[str, Callable] = {
            "critic": self.critic_gradients,
            "generator": self.generator_gradients,
            **{f"{name}_update": functools.partial(self.updated, name) for name in NETWORKS},
        }
        self.compiled = {
            name: tf.function(function, jit_compile=True) if jit else function
            for name, function in functions.items()
        }

    @contextlib.contextmanager
    def _given(self, state: State) -> Iterator[keras.StatelessScope]:
        """Makes the networks read their variables from a state."""
        pairs = [
            pair
            for name, variables in self.variables.items()
            for pair in zip(variables, state[name], strict=True)
        ]
        with keras.StatelessScope(state_mapping=pairs) as scope:
            yield scope

    def _statistics(self, scope: keras.StatelessScope, name: str) -> Tensors:
        found = self.variables[f"{name}_statistics"]
        return [tf.convert_to_tensor(scope.get_current_value(variable)) for variable in found]

    def _logs(self, logs: dict[str, tf.Tensor]) -> tf.Tensor:
        return tf.stack([share_of_global_mean(v, self.global_batch) for v in logs.values()])

    def critic_gradients(
        self, state: State, data: Any, index: tf.Tensor, step: tf.Tensor
    ) -> tuple[Tensors, Tensors, tf.Tensor]:
        """Returns the critic's gradients, the generator's new statistics and the logs."""
        model, capture = self.model, _Capture()
        batch = {
            name: Examples(
                tf.cast(data[name]["images"], tf.float32) / 127.5 - 1.0, data[name].get("labels")
            )
            for name in model.streams
        }
        noise = Noise(model.seed, step, index).child("critic_0")
        optimizer, model.critic_optimizer = model.critic_optimizer, capture
        try:
            with self._given(state) as scope:
                logs = model.critic_step(batch, noise, self.global_batch)
                statistics = self._statistics(scope, "generator")
        finally:
            model.critic_optimizer = optimizer
        return capture.gradients, statistics, self._logs(logs)

    def generator_gradients(
        self, state: State, data: Any, index: tf.Tensor, step: tf.Tensor
    ) -> tuple[Tensors, Tensors, tf.Tensor]:
        """Returns the generator's gradients, its new statistics and the logs."""
        model = self.model
        noise = Noise(model.seed, step, index).child("generator")
        labels = data[model.streams[0]].get("labels")
        weights = state["generator_weights"]
        with self._given(state) as scope, tf.GradientTape() as tape:
            tape.watch(weights)
            fake = model.make_fakes(noise, labels)
            # These models' losses do not read the real images.
            terms = model.generator_terms(fake, fake, noise, training=True)
            share, logs = model._total("generator_loss", terms, self.global_batch)
            statistics = self._statistics(scope, "generator")
        return tape.gradient(share, weights), statistics, self._logs(logs)

    def updated(self, name: str, state: State, gradients: Tensors, step: tf.Tensor) -> State:
        """Returns the new weights and slots of one network."""
        weights = state[f"{name}_weights"]
        if not self.adam:
            pairs = zip(weights, gradients, strict=True)
            return {f"{name}_weights": [w - self.sgd_rate * g for w, g in pairs]}
        rate, beta_1, beta_2, epsilon = self.constants[name]
        power = tf.cast(step + 1, tf.float32)
        rate *= tf.sqrt(1.0 - tf.pow(beta_2, power)) / (1.0 - tf.pow(beta_1, power))
        new: State = {f"{name}_{part}": [] for part in ("weights", "means", "squares")}
        slots = (state[f"{name}_means"], state[f"{name}_squares"])
        for weight, gradient, mean, square in zip(weights, gradients, *slots, strict=True):
            mean += (1.0 - beta_1) * (gradient - mean)
            square += (1.0 - beta_2) * (tf.square(gradient) - square)
            new[f"{name}_weights"].append(weight - rate * mean / (tf.sqrt(square) + epsilon))
            new[f"{name}_means"].append(mean)
            new[f"{name}_squares"].append(square)
        return new

    def whole(
        self, state: State, data: Any, index: tf.Tensor, step: tf.Tensor
    ) -> tuple[State, tf.Tensor]:
        """Takes a whole step on one device."""
        gradients, statistics, critic_logs = self.critic_gradients(state, data, index, step)
        state = state | {"generator_statistics": statistics}
        state |= self.updated("critic", state, gradients, step)
        gradients, statistics, logs = self.generator_gradients(state, data, index, step)
        state |= {"generator_statistics": statistics}
        state |= self.updated("generator", state, gradients, step)
        return state, tf.concat([critic_logs, logs], axis=0)

    def read(self) -> State:
        """Reads all variables."""
        everything: dict[str, Any] = self.variables | self.slots
        return {
            name: [tf.convert_to_tensor(variable) for variable in variables]
            for name, variables in everything.items()
        }

    def write(self, state: State, step: tf.Tensor) -> None:
        """Assigns all variables."""
        everything: dict[str, Any] = self.variables | self.slots
        for name, variables in everything.items():
            for variable, value in zip(variables, state[name], strict=True):
                variable.assign(value)
        self.step.assign(step)

    def on_replica(self, data: Any, index: tf.Tensor) -> tf.Tensor:
        """Takes a step on one replica, inside `strategy.run`; returns the logs' global means."""
        state, step = self.read(), tf.identity(self.step)
        all_logs = []
        for name in NETWORKS:
            gradients, statistics, logs = self.compiled[name](state, data, index, step)
            gradients, logs = self._summed(gradients, logs)
            state = state | {"generator_statistics": statistics}
            state |= self.compiled[f"{name}_update"](state, gradients, step)
            all_logs.append(logs)
        self.write(state, step + 1)
        return tf.concat(all_logs, axis=0)

    @staticmethod
    def _summed(gradients: Tensors, logs: tf.Tensor) -> tuple[Tensors, tf.Tensor]:
        context = tf.distribute.get_replica_context()
        if context.num_replicas_in_sync == 1:
            return gradients, logs
        *gradients, logs = context.all_reduce(tf.distribute.ReduceOp.SUM, [*gradients, logs])
        return gradients, logs

    def many(
        self, state: State, step: tf.Tensor, count: tf.Tensor, batch_at: BatchAt
    ) -> tuple[State, tf.Tensor, tf.Tensor]:
        """Takes `count` steps on one device in one loop, which XLA can compile whole.

        Args:
            state: of all variables.
            step: int64 scalar, number of the first step.
            count: int64 scalar, at least 1.
            batch_at: makes the batch of a step, and its rows' positions.

        Returns:
            The new state, the next step's number, and the critic's loss of the last step.
        """

        def body(
            now: tf.Tensor, state: State, loss: tf.Tensor
        ) -> tuple[tf.Tensor, State, tf.Tensor]:
            data, index = batch_at(now)
            state, logs = self.whole(state, data, index, now)
            return now + 1, state, logs[0]

        end, state, loss = tf.while_loop(
            lambda now, *_: now < step + count, body, (step, state, tf.constant(0.0))
        )
        return state, end, loss
