"""The image classifier, which is also the critic of CLS-GAN."""

from collections.abc import Sequence
from typing import Self

import keras
import tensorflow as tf
from keras import ops

from zoo.images import prepare
from zoo.layers.dropout import StatelessDropout
from zoo.models.class_losses import class_losses
from zoo.networks.network import Inputs, Network
from zoo.options import Positive, check_value, python_value
from zoo.presets.read import Handle
from zoo.tasks.class_names import check_class_names
from zoo.tasks.raw_image_classifier import RawImageClassifier

POOLINGS = ("avg", "max")
ACTIVATIONS = (None, "softmax")


@keras.saving.register_keras_serializable(package="zoo")
class ImageClassifier(RawImageClassifier):
    """An image classifier: a feature network, global pooling, dropout and a dense layer.

    A call takes float images `[B, height, width, channels]` in [-1, 1], or raw uint8 images of any
    size, and returns float32 logits a `[B, K]`. These are the outputs of CLS-GAN's critic, whose
    loss of class l is `L(x, l) = -log(exp(a_l) / (1 + sum_j exp(a_j)))` with the extra class, and
    the same without the 1 otherwise. `predict`, `classify`, `fit` and `evaluate` take raw uint8
    images, and the last two take labels as numbers or names of classes.

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
        temperature: float > 0, T: the probabilities are `softmax(a / T)`. The predicted class, the
            logits and the losses do not depend on it.
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
        temperature: float = 1.0,
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
        self.class_names = check_class_names(class_names, num_classes)
        self.pooling = pooling
        self.activation = activation
        self.dropout = dropout
        self.extra_class = extra_class
        self.head_bias = head_bias
        self.temperature = temperature
        self.head_dropout = StatelessDropout(dropout, name="head_dropout", dtype=self.dtype_policy)
        self.predictions = keras.layers.Dense(
            num_classes, use_bias=head_bias, dtype="float32", name="predictions"
        )
        self.build_from_symbolic_inputs()

    def symbolic_inputs(self) -> Inputs:
        return keras.Input(self.image_shape, name="images")

    @property
    def temperature(self) -> float:
        """The divisor of the logits in the probabilities, a positive number."""
        return self._temperature

    @temperature.setter
    def temperature(self, value: float) -> None:
        value = python_value(value)
        check_value("temperature", value, Positive)
        self._temperature = float(value)
        # Keras traces these functions once, with the number that they were traced with.
        self.train_function = self.test_function = self.predict_function = None

    def call(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        logits = self._logits(images, training=training)
        return self._softmax(logits) if self.activation == "softmax" else logits

    def _softmax(self, logits: tf.Tensor) -> tf.Tensor:
        return ops.softmax(logits / self.temperature)

    def features(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Computes the pooled features `[B, d]`, the input of dropout and the last layer."""
        images = ops.convert_to_tensor(images)
        if images.dtype == "uint8":
            images = prepare(images, self.image_shape)
        features = ops.cast(self.network(images, training=training), self.compute_dtype)
        return (ops.mean if self.pooling == "avg" else ops.max)(features, axis=(1, 2))

    def score_of(self, features: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Computes the float32 logits `[B, K]` of pooled features `[B, d]`."""
        return self.predictions(self.head_dropout(features, training=training))

    def _logits(self, images: tf.Tensor, *, training: bool) -> tf.Tensor:
        return self.score_of(self.features(images, training=training), training=training)

    def logits(self, images: tf.Tensor) -> tf.Tensor:
        """Computes the logits in inference mode, whatever the activation of a call is.

        Args:
            images: float `[B, height, width, channels]` in [-1, 1], or uint8 of any size.

        Returns:
            float32 tensor `[B, K]`.
        """
        return self._logits(images, training=False)

    def probabilities(self, images: tf.Tensor) -> tf.Tensor:
        """Computes `softmax(logits / temperature)` in inference mode, also inside a graph.

        Args:
            images: float `[B, height, width, channels]` in [-1, 1], or uint8 of any size.

        Returns:
            float32 tensor `[B, K]`; rows sum to one.
        """
        return self._softmax(self.logits(images))

    def losses_per_class(self, images: tf.Tensor) -> tf.Tensor:
        """Computes the loss `L(x, l)` of each class l, in inference mode.

        Args:
            images: float `[B, height, width, channels]` in [-1, 1], or uint8 of any size.

        Returns:
            float32 tensor `[B, K]`, non-negative. `-min_l L(x, l)` is high for real images.
        """
        return class_losses(self.logits(images), extra_class=self.extra_class)

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
                classifier.class_names = check_class_names(class_names, classifier.num_classes)
            return classifier
        preset = cls._read(handle)
        new: dict[str, object] = {"num_classes": num_classes, "class_names": class_names}
        new |= {"extra_class": False, "temperature": 1.0}
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
            "temperature": self.temperature,
            "name": self.name,
        }
