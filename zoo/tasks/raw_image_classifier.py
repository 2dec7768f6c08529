"""Training, evaluation and prediction of a classifier on raw images, by Keras' methods."""

import abc
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from zoo.notebook_output import bars_in_notebook
from zoo.options import Count, check_value, python_value
from zoo.tasks.class_names import class_numbers
from zoo.tasks.classifier_inputs import Images, as_input, checked_batch, is_array, to_predict
from zoo.tasks.task import Task


class RawImageClassifier(Task):
    """A task whose `fit`, `evaluate`, `predict` and `classify` take raw uint8 images.

    Attributes:
        class_names: the names of the classes.
        activation: None if a call returns logits, `"softmax"` if it returns probabilities.
    """

    class_names: tuple[str, ...]
    activation: str | None

    @abc.abstractmethod
    def probabilities(self, images: tf.Tensor) -> tf.Tensor:
        """Computes the probabilities `[B, K]` of the classes, in inference mode."""

    def compile(
        self,
        optimizer: object = "auto",
        loss: object = "auto",
        *,
        metrics: object = "auto",
        jit_compile: bool | str = False,
        **keras_arguments: object,
    ) -> None:
        """Configures `fit` and `evaluate`, with defaults for fine-tuning.

        Args:
            optimizer: `"auto"` for Adam(5e-5), or a value that Keras accepts.
            loss: `"auto"` for sparse categorical cross-entropy, or a value that Keras accepts.
            metrics: `"auto"` for the accuracy, or a value that Keras accepts.
            jit_compile: bool, whether to compile with XLA. XLA cannot resize, so it needs images of
                the network's size.
            **keras_arguments: further arguments of `keras.Model.compile`.
        """
        if optimizer == "auto":
            optimizer = keras.optimizers.Adam(5e-5)
        if loss == "auto":
            loss = keras.losses.SparseCategoricalCrossentropy(from_logits=self.activation is None)
        if metrics == "auto":
            metrics = [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]
        super().compile(
            optimizer=optimizer,
            loss=loss,
            metrics=metrics,
            jit_compile=jit_compile,
            **keras_arguments,
        )

    def fit(
        self, x: object = None, y: object = None, *arguments: object, **keras_arguments: object
    ) -> keras.callbacks.History:
        """Trains as `keras.Model.fit`; labels may be names of classes."""
        held_out = keras_arguments.get("validation_data")
        if isinstance(held_out, tuple | list) and len(held_out) > 1:
            numbers = class_numbers(held_out[1], self.class_names)
            keras_arguments["validation_data"] = (held_out[0], numbers, *held_out[2:])
        y = class_numbers(y, self.class_names)
        with bars_in_notebook():
            return super().fit(x, y, *arguments, **keras_arguments)

    def evaluate(
        self, x: object = None, y: object = None, *arguments: object, **keras_arguments: object
    ) -> object:
        """Evaluates as `keras.Model.evaluate`; labels may be names of classes."""
        y = class_numbers(y, self.class_names)
        with bars_in_notebook():
            return super().evaluate(x, y, *arguments, **keras_arguments)

    def train_step(self, data: object) -> dict:
        """Runs Keras' training step after checking that the images are raw."""
        return super().train_step(checked_batch(data, self.class_names))

    def test_step(self, data: object) -> dict:
        """Runs Keras' evaluation step after checking that the images are raw."""
        return super().test_step(checked_batch(data, self.class_names))

    def predict_step(self, data: object) -> tf.Tensor:
        """Computes the probabilities of a batch."""
        return self.probabilities(to_predict(data))

    def predict(
        self,
        x: Images,
        batch_size: int | None = None,
        verbose: int | str = 0,
        steps: int | None = None,
        callbacks: Sequence[keras.callbacks.Callback] | None = None,
    ) -> np.ndarray:
        """Computes the probabilities of the classes, `softmax(logits / temperature)`.

        Args:
            x: uint8 array `[N, h, w, c]` of any size, grey or colour, or a list of uint8 arrays
                `[h, w, c]` of different sizes; or a `tf.data.Dataset`, `keras.utils.PyDataset` or
                generator of such batches, with or without labels, as `keras.Model.predict` takes.
            batch_size: int, at least 1, number of images per batch of arrays; 32 by default.
            verbose: 0 for silence, 1 or `"auto"` for a progress bar, 2 for one line.
            steps: int, number of batches; None for all.
            callbacks: Keras callbacks.

        Returns:
            float32 array `[N, K]`; rows sum to one.

        Raises:
            ValueError: no images, another dtype, a missing batch axis, channels that cannot be
                converted, or a batch size that is not a positive integer.
        """
        check_value("batch_size", batch_size, Count | None)
        batch_size = python_value(batch_size)
        if is_array(x):
            x = as_input(x, self.image_shape, 32 if batch_size is None else batch_size)
        with bars_in_notebook():
            return super().predict(x, batch_size, verbose, steps, callbacks)

    def classify(
        self,
        x: Images,
        batch_size: int | None = None,
        verbose: int | str = 0,
        steps: int | None = None,
        callbacks: Sequence[keras.callbacks.Callback] | None = None,
    ) -> list[str]:
        """Returns the name of each image's most probable class; see `predict`."""
        probabilities = self.predict(x, batch_size, verbose, steps, callbacks)
        return [self.class_names[i] for i in probabilities.argmax(axis=-1)]
