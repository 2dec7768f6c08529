"""The base of all trained models: streams, stateless noise, a step counter and logged means."""

import functools
import types
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo.gradients import global_sum, share_of_global_mean
from zoo.models.batch_rows import batch_rows, global_index
from zoo.models.data_checks import (
    DataError,
    RecentBatches,
    Wanted,
    as_streams,
    check_extremes,
    check_stream,
    extremes,
    warn_of_half_range,
)
from zoo.models.examples import Examples, Losses
from zoo.models.logs import Logs
from zoo.models.stepping import TOTAL, Steps, guarded, train_function
from zoo.notebook_output import bars_in_notebook
from zoo.randomness import Noise
from zoo.rematerialisation import rematerialising

Step = Callable[[Any], dict[str, tf.Tensor]]
"""A function that takes a replica's batch, updates variables and returns logs."""


class StatelessTrainer(keras.Model):
    """A model whose step depends only on its weights, the data, the seed and the step number.

    Args:
        seed: int, the seed of all noise drawn in training.
        streams: names of the image streams of a batch, in order. Plain data for `fit` (`images`,
            or `(images, labels)`) are used as the first of them.
        batches_per_step: int, number of batches of one step, concatenated along axis 0.

    Attributes:
        stream_multiples: mapping from the name of a stream to its number of images per sample of a
            batch, which are consecutive; 1 for a stream that is not in it.
        source: makes the batch of a step from an element of the data; None if elements are batches.
        rematerialise: bool, whether the step stores only the inputs of each block of the networks
            and computes the rest again for the gradient: less memory, more time, the same numbers
            up to rounding. Passes for a gradient penalty store everything.
    """

    train_function: Any
    source: Callable[[Any], Any] | None = None
    rematerialise = False
    stream_multiples: Mapping[str, int] = types.MappingProxyType({})

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
        self._checks_data = True
        self._data_error: DataError | None = None
        self._recent = RecentBatches()

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
    def wanted_data(self) -> Wanted:
        """The data that the model takes."""
        return Wanted(reads_labels=self.streams)

    @property
    def classifier(self) -> keras.Model | None:
        """The classifier to predict with; None for models without one."""
        return None

    @property
    def sampler(self) -> keras.Model | None:
        """The generator to sample from; None for models without one."""
        return None

    @property
    def stacks_batches(self) -> bool:
        """Whether XLA runs all steps of a call in one loop over stacked batches."""
        compiles = self.jit_compile and not self.run_eagerly and self.steps_per_execution > 1
        return bool(compiles) and self.distribute_strategy.num_replicas_in_sync == 1

    def make_control(self, *, with_unlabelled_terms: bool = False) -> Any:
        """Returns a new trainer, without an optimizer, that this model is compared with.

        Args:
            with_unlabelled_terms: bool, whether it learns from unlabelled images too.

        Raises:
            ValueError: the model has no control.
        """
        raise ValueError(f"{type(self).__name__} has no control to compare with.")

    def in_update_order(self) -> list[keras.Variable]:
        """All variables of the model, in the order in which a step updates them."""
        return self.variables

    @functools.wraps(keras.Model.fit)
    def fit(self, *arguments: Any, **keras_arguments: Any) -> keras.callbacks.History:
        with bars_in_notebook():
            return super().fit(*arguments, **keras_arguments)

    def make_train_function(self, force: bool = False) -> None:
        """Builds the function that `fit` calls: guarded, on every replica (see `stepping`)."""
        if self.train_function is not None and not force:
            return
        state = [v for v in self.in_update_order() if v is not self.step and v is not self.guard]
        for optimizer in self.optimizers.values():
            state += optimizer.variables
        state += self.logs.variables
        self.guarded_names = [variable.path for variable in state]
        jit = bool(self.jit_compile)
        kinds = [
            guarded(self._rematerialised(step), state=state, guard=self.guard, selects=jit)
            for step in self.kinds_of_steps
        ]

        def results() -> dict[str, tf.Tensor]:
            skipped = tf.convert_to_tensor(self.guard)[TOTAL]
            return {**self.logged_means(), "skipped_steps": skipped}

        call = train_function(
            Steps(
                kinds=kinds,
                next_kind=self.next_kind,
                draw=self.source or (lambda data: data),
                results=results,
                check=lambda data: extremes(data, self.streams, self.wanted_data),
                checked=tf.TensorSpec((len(self.streams), 5), tf.float32),
            ),
            strategy=self.distribute_strategy,
            jit=jit,
            eager=self.run_eagerly,
            steps_per_call=self.steps_per_execution,
        )
        self.train_function = functools.partial(self._call_and_check, call)

    def _call_and_check(self, call: Callable[[Any], Any], iterator: Any) -> dict[str, tf.Tensor]:
        """Takes the steps of one call; the first one after the start of `fit` checks the data."""
        try:
            logs, found = call(iterator)
        except Exception:
            if self._data_error is None:
                raise
            # AutoGraph has added its own traceback to the message.
            error, self._data_error = self._data_error, None
            raise error from None
        if self._checks_data:
            self._checks_data = False
            self._check_first_batch(np.stack([part.numpy() for part in found]))
        self._recent.add(found)
        return logs

    def get_metrics_result(self) -> dict[str, Any]:
        """Returns the logged means; at the end of an epoch it warns about bad batches."""
        if tf.executing_eagerly():
            skipped = int(keras.ops.convert_to_numpy(self.guard)[TOTAL])
            self._recent.end_epoch(skipped, self.wanted_data.num_classes)
        return super().get_metrics_result()

    def _check_first_batch(self, found: np.ndarray) -> None:
        """Checks the values and the size of a batch, from `[replicas, streams, 5]` extremes."""
        check_extremes(found, self.wanted_data.num_classes)
        warn_of_half_range(found)
        hosts = self.distribute_strategy.num_replicas_in_sync // len(found)
        self.check_batch(int(found[:, 0, -1].sum()) * hosts // self.batches_per_step)

    def check_batch(self, size: int) -> None:
        """Checks the number of images of a critic step, over all replicas.

        Raises:
            ValueError: the model cannot be trained on so few images.
        """
        return

    @property
    def kinds_of_steps(self) -> tuple[Step, ...]:
        """The steps that training chooses from; they log values of the same names."""
        return (self.train_step,)

    def next_kind(self) -> tf.Tensor:
        """Returns the position of the next step in `kinds_of_steps`, int32 scalar.

        It is called outside of the replicas, where a choice may depend on a variable.
        """
        return tf.constant(0)

    def _rematerialised(self, step: Step) -> Step:
        def rematerialised_step(data: Any) -> dict[str, tf.Tensor]:
            with rematerialising(self.rematerialise):
                return step(data)

        return rematerialised_step

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
        # All variables exist already. Keras would average a batch over the replicas to find its
        # shapes, which fails when their shares differ. Keras calls this at the start of each `fit`.
        self._checks_data = True

    def unpack(self, data: Any) -> tuple[list[dict[str, Examples]], Noise, tf.Tensor]:
        """Prepares the data of a step.

        Args:
            data: `{stream: {"images": [n*b,H,W,C], "labels": [n*b]}, ..., "index": [b]}` as the
                input pipeline gives it (n = `batches_per_step`), `"plain"` images beside the
                `"images"` of a stream that has them; or images, or (images, labels). A stream with
                a multiple m has n*b*m rows, those of a sample next to each other.

        Returns:
            n dicts of `Examples` by stream; the step's noise; B, the global batch size (float32).

        Raises:
            DataError: data of another structure, kind or shape; see `data_checks`.
        """
        wanted = self.wanted_data
        try:
            data = tf.nest.map_structure(tf.convert_to_tensor, as_streams(data, self.streams))
            for name in self.streams:
                check_stream(name, data[name], wanted)
        except DataError as error:
            self._data_error = error
            raise
        index = data.get("index")
        if index is None:
            first = self.streams[0]
            per_sample = self.batches_per_step * self.stream_multiples.get(first, 1)
            index = global_index(tf.shape(data[first]["images"])[0] // per_sample)
        global_batch = global_sum(tf.cast(tf.size(index), tf.float32))
        noise = Noise(self.seed, self.step.value, index)
        given = {name: wanted.without_unread(name, data[name]) for name in self.streams}
        rows = {name: tf.size(index) * self.stream_multiples.get(name, 1) for name in given}
        batches = [
            {
                name: batch_rows(stream, k, rows[name], wanted.classes_of(name))
                for name, stream in given.items()
            }
            for k in range(self.batches_per_step)
        ]
        return batches, noise, global_batch

    @staticmethod
    def _total(name: str, terms: Losses, global_batch: tf.Tensor) -> tuple[tf.Tensor, Losses]:
        """Returns this replica's share of the sum of all terms, and the values to log."""
        total = tf.add_n([tf.cast(term, tf.float32) for term in terms.values()])
        logs = {name: total} if len(terms) == 1 else {name: total, **terms}
        return share_of_global_mean(total, global_batch), logs

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
        return self.logged_means()

    def logged_means(self) -> dict[str, tf.Tensor]:
        """Returns the means of the logged values since the last reset."""
        return self.logs.result()
