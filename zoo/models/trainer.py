"""The base of all trained models: streams, stateless noise, a step counter and logged means."""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from zoo.gradients import global_sum, share_of_global_mean
from zoo.models.examples import Examples
from zoo.models.stepping import guarded, train_function
from zoo.randomness import Noise
from zoo.rematerialisation import rematerialising

MAX_LOGGED = 64


class Logs(keras.metrics.Metric):
    """Means of named values since the last reset, in one variable.

    The values are already equal on all replicas, so their means are too.
    """

    def __init__(self) -> None:
        super().__init__(name="logs")
        self.names: list[str] = []
        self.sums = self.add_variable((MAX_LOGGED,), "zeros", name="sums")
        self.count = self.add_variable((), "zeros", name="count")

    def update_state(self, values: Mapping[str, tf.Tensor]) -> None:
        self.names = list(values)
        row = tf.stack(list(values.values()))
        self.sums.assign(self.sums + tf.pad(row, [[0, MAX_LOGGED - len(values)]]))
        self.count.assign(self.count + 1.0)

    def result(self) -> dict[str, tf.Tensor]:
        means = tf.math.divide_no_nan(
            tf.convert_to_tensor(self.sums), tf.convert_to_tensor(self.count)
        )
        return {name: means[i] for i, name in enumerate(self.names)}


class StatelessTrainer(keras.Model):
    """A model whose step depends only on its weights, the data, the seed and the step number.

    Args:
        seed: int, the seed of all noise drawn in training.
        streams: names of the image streams of a batch, in order. Plain data for `fit` (`images`,
            or `(images, labels)`) are used as the first of them.
        batches_per_step: int, number of batches of one step, concatenated along axis 0.

    Attributes:
        rematerialise: bool, whether the step stores only the inputs of each block of the networks
            and computes the rest again for the gradient: less memory, more time, the same numbers
            up to rounding. Passes for a gradient penalty store everything.
    """

    train_function: Any
    rematerialise = False

    def __init__(
        self, *, seed: int, streams: tuple[str, ...], batches_per_step: int = 1, name: str | None
    ):
        super().__init__(name=name)
        self.seed = seed
        self.streams = streams
        self.batches_per_step = batches_per_step
        self.step = self.add_weight((), "zeros", dtype="int64", trainable=False, name="step")
        self.guard = self.add_weight((3,), "zeros", dtype="int64", trainable=False, name="guard")
        self.logs = Logs()

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        return [self.logs]

    @property
    def optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        """All optimizers by name."""
        return {"optimizer": self.optimizer}

    @property
    def networks(self) -> dict[str, keras.Model]:
        """The networks in training, by name."""
        return {}

    @property
    def classifier(self) -> keras.Model | None:
        """The classifier to predict with; None for models without one."""
        return None

    @property
    def sampler(self) -> keras.Model | None:
        """The generator to sample from; None for models without one."""
        return None

    def make_control(self) -> Any:
        """Returns a new trainer, without an optimizer, that this model is compared with.

        Raises:
            ValueError: the model has no control.
        """
        raise ValueError(f"{type(self).__name__} has no control to compare with.")

    def in_update_order(self) -> list[keras.Variable]:
        """All variables of the model, in the order in which a step updates them."""
        return self.variables

    def make_train_function(self, force: bool = False) -> None:
        """Builds the function that `fit` calls: guarded, on every replica (see `stepping`)."""
        if self.train_function is not None and not force:
            return
        counters = (self.step, self.guard)
        state = [v for v in self.in_update_order() if not any(v is c for c in counters)]
        for optimizer in self.optimizers.values():
            state += optimizer.variables
        state += self.logs.variables
        self.guarded_names = [variable.path for variable in state]
        self.train_function = train_function(
            guarded(self._rematerialised_step, state=state, guard=self.guard),
            strategy=self.distribute_strategy,
            jit=bool(self.jit_compile),
            eager=self.run_eagerly,
            steps_per_call=self.steps_per_execution,
        )

    def _rematerialised_step(self, data: Any) -> dict[str, tf.Tensor]:
        with rematerialising(self.rematerialise):
            return self.train_step(data)

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
        # All variables exist already. Keras would average a batch over the replicas to find its
        # shapes, which fails when their shares differ.
        return

    def unpack(self, data: Any) -> tuple[list[dict[str, Examples]], Noise, tf.Tensor]:
        """Prepares the data of a step.

        Args:
            data: `{stream: {"images": [n*b,H,W,C], "labels": [n*b]}, ..., "index": [b]}` as the
                input pipeline gives it (n = `batches_per_step`), `"plain"` images beside the
                `"images"` of a stream that has them; or images, or (images, labels).

        Returns:
            n dicts of `Examples` by stream; the step's noise; B, the global batch size (float32).
        """
        if not isinstance(data, dict):
            images, labels = data if isinstance(data, tuple) else (data, None)
            stream = {"images": images} if labels is None else {"images": images, "labels": labels}
            data = {self.streams[0]: stream}
        index = data.get("index")
        if index is None:
            rows = tf.shape(data[self.streams[0]]["images"])[0] // self.batches_per_step
            index = _global_index(rows)
        global_batch = global_sum(tf.cast(tf.size(index), tf.float32))
        noise = Noise(self.seed, self.step.value, index)
        given = {name: data[name] for name in self.streams if name in data}
        batches = [
            {name: _rows(stream, k, tf.size(index)) for name, stream in given.items()}
            for k in range(self.batches_per_step)
        ]
        return batches, noise, global_batch

    def finish_step(
        self, values: Mapping[str, tf.Tensor], global_batch: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Counts the step and returns the logged means.

        Args:
            values: per-sample tensors `[b]`; logged is their mean over the global batch.
            global_batch: float32 scalar, B.
        """
        shares = tf.stack([share_of_global_mean(v, global_batch) for v in values.values()])
        means = tf.unstack(global_sum(shares))
        self.logs.update_state(dict(zip(values, means, strict=True)))
        self.step.assign(self.step + 1)
        return self.logs.result()


def _global_index(rows: tf.Tensor) -> tf.Tensor:
    """Returns the positions of this replica's rows in the global batch, for data without them."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return tf.range(rows, dtype=tf.int64)
    before = tf.range(context.num_replicas_in_sync) < context.replica_id_in_sync_group
    counts = context.all_gather(tf.reshape(rows, [1]), axis=0)
    first = tf.reduce_sum(tf.where(before, counts, 0))
    return tf.cast(first + tf.range(rows), tf.int64)


def _rows(stream: Mapping[str, tf.Tensor], k: int, rows: tf.Tensor) -> Examples:
    part = {name: values[k * rows : (k + 1) * rows] for name, values in stream.items()}
    plain = _in_range(part["plain"]) if "plain" in part else None
    return Examples(_in_range(part["images"]), part.get("labels"), plain=plain)


def _in_range(images: tf.Tensor) -> tf.Tensor:
    """Returns float32 images; uint8 images are scaled to [-1, 1]."""
    scaled = tf.cast(images, tf.float32)
    return scaled / 127.5 - 1.0 if images.dtype == tf.uint8 else scaled
