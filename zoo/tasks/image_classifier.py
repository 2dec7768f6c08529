"""The image classifier, which is also the critic of CLS-GAN."""

from collections.abc import Sequence
from typing import Self

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from zoo.images import check_raw, prepare
from zoo.layers.dropout import StatelessDropout
from zoo.models.class_losses import class_losses
from zoo.networks.network import Inputs, Network
from zoo.presets.read import Handle
from zoo.tasks.task import Task

POOLINGS = ("avg", "max")
ACTIVATIONS = (None, "softmax")


@keras.saving.register_keras_serializable(package="zoo")
class ImageClassifier(Task):
    """An image classifier: a feature network, global pooling, dropout and a dense layer.

    A call takes float images `[B, height, width, channels]` in [-1, 1], or raw uint8 images of any
    size, and returns float32 logits a `[B, K]`. These are the outputs of CLS-GAN's critic, whose
    loss of class l is `L(x, l) = -log(exp(a_l) / (1 + sum_j exp(a_j)))` with the extra class, and
    the same without the 1 otherwise. `predict`, `classify`, `fit` and `evaluate` take raw uint8
    images.

    Args:
        network: a feature network, `[B, height, width, channels] -> [B, h, w, c]`.
        num_classes: int, K, at least 1.
        class_names: K distinct strings; "0" to "K-1" by default.
        pooling: `"avg"` or `"max"`, over all positions.
        activation: None if a call returns logits, `"softmax"` if it returns probabilities.
        dropout: float in [0, 1), the rate before the last layer.
        extra_class: bool, whether training used an implicit class of logit 0 (semi-supervised
            CLS-GAN). It affects only `losses_per_class`.
        head_bias: bool, whether the last layer has a bias.
        name: str, the model's name.
        dtype: a dtype policy or its name for pooling and dropout; None for that of the network.
            Logits are always float32.

    Raises:
        ValueError: an argument outside its range, or a network that does not return `[B, h, w, c]`.

    Source: Qi, arXiv 1701.06264v3, section 6 and Table 1.

    Example:
    >>> import numpy as np
    >>> from zoo.networks import make_features
    >>> features = make_features("clsgan", image_shape=(32, 32, 3), filters=8)
    >>> classifier = ImageClassifier(features, 10)
    >>> classifier.compile()
    >>> images = np.random.randint(0, 256, (8, 32, 32, 3), dtype="uint8")
    >>> history = classifier.fit(images, np.arange(8), verbose=0)
    >>> classifier.predict(images).shape
    (8, 10)
    """

    preset_class = "NetworkImageClassifier"

    def __init__(
        self,
        network: Network,
        num_classes: int,
        *,
        class_names: Sequence[str] | None = None,
        pooling: str = "avg",
        activation: str | None = None,
        dropout: float = 0.0,
        extra_class: bool = False,
        head_bias: bool = True,
        name: str | None = None,
        dtype: object = None,
    ):
        super().__init__(network, name=name, dtype=dtype)
        features = network(network.symbolic_inputs())
        if len(features.shape) != 4:
            raise ValueError(
                f"`network` must return features [B, h, w, c]; {type(network).__name__} returns "
                f"{tuple(features.shape)}."
            )
        if pooling not in POOLINGS:
            raise ValueError(f"`pooling` must be one of {POOLINGS}, received {pooling!r}.")
        if activation not in ACTIVATIONS:
            raise ValueError(f"`activation` must be one of {ACTIVATIONS}, received {activation!r}.")
        if num_classes < 1:
            raise ValueError(f"`num_classes` must be at least 1, received {num_classes}.")
        self.num_classes = num_classes
        self.class_names = _check_class_names(class_names, num_classes)
        self.pooling = pooling
        self.activation = activation
        self.dropout = dropout
        self.extra_class = extra_class
        self.head_bias = head_bias
        self.head_dropout = StatelessDropout(dropout, name="head_dropout", dtype=self.dtype_policy)
        self.predictions = keras.layers.Dense(
            num_classes, use_bias=head_bias, dtype="float32", name="predictions"
        )
        self.build_from_symbolic_inputs()

    def symbolic_inputs(self) -> Inputs:
        return keras.Input(self.image_shape, name="images")

    def call(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        logits = self._logits(images, training=training)
        return ops.softmax(logits) if self.activation == "softmax" else logits

    def _logits(self, images: tf.Tensor, *, training: bool) -> tf.Tensor:
        images = ops.convert_to_tensor(images)
        if images.dtype == "uint8":
            images = prepare(images, self.image_shape)
        features = ops.cast(self.network(images, training=training), self.compute_dtype)
        pooled = (ops.mean if self.pooling == "avg" else ops.max)(features, axis=(1, 2))
        return self.predictions(self.head_dropout(pooled, training=training))

    def probabilities(self, images: tf.Tensor) -> tf.Tensor:
        """Computes the softmax of the logits in inference mode, also inside a graph.

        Args:
            images: float `[B, height, width, channels]` in [-1, 1], or uint8 of any size.

        Returns:
            float32 tensor `[B, K]`; rows sum to one.
        """
        return ops.softmax(self._logits(images, training=False))

    def losses_per_class(self, images: tf.Tensor) -> tf.Tensor:
        """Computes the loss `L(x, l)` of each class l, in inference mode.

        Args:
            images: float `[B, height, width, channels]` in [-1, 1], or uint8 of any size.

        Returns:
            float32 tensor `[B, K]`, non-negative. `-min_l L(x, l)` is high for real images.
        """
        logits = self._logits(images, training=False)
        return class_losses(logits, extra_class=self.extra_class)

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

    def train_step(self, data: object) -> dict:
        """Runs Keras' training step after checking that the images are raw."""
        return super().train_step(_with_raw_images(data))

    def test_step(self, data: object) -> dict:
        """Runs Keras' evaluation step after checking that the images are raw."""
        return super().test_step(_with_raw_images(data))

    def predict_step(self, data: object) -> tf.Tensor:
        """Computes the probabilities of a batch."""
        return self.probabilities(keras.utils.unpack_x_y_sample_weight(data)[0])

    def predict(
        self, images: np.ndarray | Sequence[np.ndarray], batch_size: int = 32
    ) -> np.ndarray:
        """Computes the probabilities of the classes.

        Args:
            images: uint8 array `[N, h, w, c]` of any size, grey or colour, or a list of uint8
                arrays `[h, w, c]` of different sizes.
            batch_size: int, at least 1, number of images per batch.

        Returns:
            float32 array `[N, K]`; rows sum to one.

        Raises:
            ValueError: no images, another dtype, a missing batch axis, or channels that cannot be
                converted.
        """
        if len(images) == 0:
            raise ValueError("`images` is empty; give at least one image.")
        if isinstance(images, list | tuple):
            pieces = [np.asarray(image) for image in images]
            for image in pieces:
                check_raw(image, rank=3)
            batches = [image[np.newaxis] for image in pieces]
        else:
            images = np.asarray(images)
            check_raw(images, rank=4)
            if images.shape[1:] == self.image_shape:
                return super().predict(images, batch_size=batch_size, verbose=0)
            batches = [images[i : i + batch_size] for i in range(0, len(images), batch_size)]
        # Outside `predict_step`, because XLA may compile that, and XLA cannot resize.
        prepared = [prepare(tf.constant(batch), self.image_shape) for batch in batches]
        return super().predict(tf.concat(prepared, axis=0), batch_size=batch_size, verbose=0)

    def classify(
        self, images: np.ndarray | Sequence[np.ndarray], batch_size: int = 32
    ) -> list[str]:
        """Returns the name of each image's most probable class; see `predict`."""
        return [self.class_names[i] for i in self.predict(images, batch_size).argmax(axis=-1)]

    @classmethod
    def from_preset(
        cls,
        handle: Handle,
        *,
        load_weights: bool = True,
        dtype: object = None,
        num_classes: int | None = None,
        class_names: Sequence[str] | None = None,
    ) -> Self:
        """Loads a trained classifier, or its feature network with a new head.

        Args:
            handle: a built-in name (see `zoo.list_presets`), a folder or an address.
            load_weights: bool, False for random weights.
            dtype: a dtype policy or its name (`"mixed_bfloat16"`); None for the saved one.
            num_classes: int, number of classes of a new, untrained head for fine-tuning; None for
                the trained head.
            class_names: names of the new head's classes, or new names for the trained head's.

        Raises:
            ValueError, FileNotFoundError: see `Task.from_preset`.

        Example:
        >>> name = next(iter(ImageClassifier.presets))
        >>> new_task = ImageClassifier.from_preset(name, num_classes=2, class_names=["cat", "dog"])
        >>> new_task.compile()  # Then new_task.fit(images, labels).
        """
        if num_classes is None:
            classifier = super().from_preset(handle, load_weights=load_weights, dtype=dtype)
            if class_names is not None:
                classifier.class_names = _check_class_names(class_names, classifier.num_classes)
            return classifier
        preset = cls._read(handle)
        new = {"num_classes": num_classes, "class_names": class_names, "extra_class": False}
        return cls._build(preset, {**preset.arguments, **new}, load_weights, dtype)

    def head(self) -> keras.Model:
        pooled = keras.Input(self.predictions.kernel.shape[:1])
        return keras.Model(pooled, self.predictions(pooled))

    def preset_arguments(self) -> dict:
        return {
            "num_classes": self.num_classes,
            "class_names": list(self.class_names),
            "pooling": self.pooling,
            "activation": self.activation,
            "dropout": self.dropout,
            "extra_class": self.extra_class,
            "head_bias": self.head_bias,
            "name": self.name,
        }


def _check_class_names(names: Sequence[str] | None, num_classes: int) -> tuple[str, ...]:
    checked = tuple(names) if names is not None else tuple(str(i) for i in range(num_classes))
    if len(checked) != num_classes or len(set(checked)) != num_classes:
        raise ValueError(
            f"`class_names` must be {num_classes} distinct names, received {len(checked)}: "
            f"{checked}."
        )
    return checked


def _with_raw_images(data: object) -> object:
    """Returns `data` unchanged; raises ValueError unless its images are uint8."""
    images = keras.utils.unpack_x_y_sample_weight(data)[0]
    if images.dtype != tf.uint8:
        raise ValueError(
            f"`fit` and `evaluate` take raw uint8 images, received {images.dtype}. The classifier "
            "scales them; after augmentation use tf.cast(tf.round(images), tf.uint8)."
        )
    return data
