"""Adapters for keras-hub: after `import zoo.hub`, its classes read and write the zoo's presets.

This module needs an extra: `pip install 'lipschitz-gan-zoo[hub]'`. Its classes are functional
models, like their base classes in keras-hub, and contain the zoo's networks. keras-hub has no task
for image generators, so `NetworkImageGenerator` loads their presets.

Example:
>>> import keras_hub, zoo.hub  # doctest: +SKIP
>>> keras_hub.models.ImageClassifier.from_preset("./preset").predict(images)  # doctest: +SKIP
"""

import functools
import os
import pathlib
from collections.abc import Sequence

import keras
import numpy as np

try:
    import keras_hub
except ImportError as error:
    raise ImportError(
        f"zoo.hub needs keras-hub ({error}). Install it with: pip install 'lipschitz-gan-zoo[hub]'"
    ) from error

from zoo.images import prepare
from zoo.layers.dropout import StatelessDropout
from zoo.networks.network import Network
from zoo.presets.read import build_network, with_dtype
from zoo.presets.safety import check_config
from zoo.presets.serialization import serialize_network
from zoo.tasks.generation_arguments import Labels
from zoo.tasks.image_classifier import POOLINGS, ImageClassifier
from zoo.tasks.image_generator import ImageGenerator


@keras.saving.register_keras_serializable(package="zoo")
class NetworkBackbone(keras_hub.models.Backbone):
    """Adapter of any network of the zoo to `keras_hub.models.Backbone`.

    Args:
        network: a `zoo.networks.Network`, or its configuration as Keras serializes it.
        name: str, the model's name.
        trainable: bool, whether training updates the weights.
        dtype: a dtype policy or its name; None for that of the network.
    """

    def __init__(
        self,
        network: Network | dict,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: object = None,
    ):
        if isinstance(network, Network) and dtype in (None, network.dtype_policy):
            built = network
        else:
            built = _rebuild(network, dtype)
        inputs = built.symbolic_inputs()
        super().__init__(
            inputs, built(inputs), name=name, trainable=trainable, dtype=built.dtype_policy
        )
        self.network = built

    def get_config(self) -> dict:
        return {**super().get_config(), "network": serialize_network(self.network)}


def _rebuild(network: Network | dict, dtype: object) -> Network:
    """Builds a network again from its configuration, in another precision."""
    config = serialize_network(network) if isinstance(network, Network) else network
    check_config(config, where=NetworkBackbone.__name__)
    if dtype is not None:
        config = with_dtype(config, keras.dtype_policies.serialize(keras.dtype_policies.get(dtype)))
    built = build_network(config)
    if isinstance(network, Network):
        built.set_weights(network.get_weights())
    return built


@keras.saving.register_keras_serializable(package="zoo")
class NetworkImagePreprocessor(keras_hub.models.ImageClassifierPreprocessor):
    """Prepares raw images of any size for a network, as `zoo.ImageClassifier` does.

    Args:
        image_shape: (height, width, channels) of the network.
        name: str, the layer's name.
    """

    backbone_cls = NetworkBackbone

    def __init__(
        self, image_shape: Sequence[int], *, name: str = "preprocessor", dtype: object = None
    ):
        super().__init__(name=name, dtype=dtype)
        height, width, channels = image_shape
        self.image_shape = (height, width, channels)

    def call(self, x: object, y: object = None, sample_weight: object = None) -> object:
        x = prepare(keras.ops.convert_to_tensor(x), self.image_shape)
        return keras.utils.pack_x_y_sample_weight(x, y, sample_weight)

    def get_config(self) -> dict:
        return {"image_shape": list(self.image_shape), "name": self.name}


@keras.saving.register_keras_serializable(package="zoo")
class NetworkImageClassifier(keras_hub.models.ImageClassifier):
    """Adapter of `zoo.ImageClassifier` to `keras_hub.models.ImageClassifier`.

    `predict` returns logits `[N, K]` by default, as keras-hub's classifiers do.

    Args:
        backbone: a `NetworkBackbone` of a feature network.
        num_classes: int, K.
        preprocessor: a layer for raw images; None for float images in [-1, 1].
        class_names: K strings; `"0"` to `"K-1"` by default. Only `zoo.ImageClassifier` uses them.
        pooling: `"avg"` or `"max"`.
        activation: None for logits, `"softmax"` for probabilities.
        dropout: float in [0, 1), the rate before the last layer.
        extra_class: bool; only `zoo.ImageClassifier` uses it.
        head_bias: bool, whether the last layer has a bias.
        temperature: float; only `zoo.ImageClassifier` uses it.
        compile: bool, whether to compile with keras-hub's defaults.
        name: str, the model's name.
    """

    backbone_cls = NetworkBackbone
    preprocessor_cls = NetworkImagePreprocessor

    def __init__(
        self,
        backbone: NetworkBackbone,
        num_classes: int,
        *,
        preprocessor: keras.layers.Layer | None = None,
        class_names: Sequence[str] | None = None,
        pooling: str = "avg",
        activation: str | None = None,
        dropout: float = 0.0,
        extra_class: bool = False,
        head_bias: bool = True,
        temperature: float = 1.0,
        compile: bool = True,
        name: str | None = None,
    ):
        if pooling not in POOLINGS:
            raise ValueError(f"`pooling` must be one of {POOLINGS}, received {pooling!r}.")
        self.backbone = backbone
        self.preprocessor = preprocessor
        pool = keras.layers.GlobalAveragePooling2D
        if pooling == "max":
            pool = keras.layers.GlobalMaxPooling2D
        dtype = backbone.dtype_policy
        self.pooler = pool(dtype=dtype, name="pooler")
        self.output_dropout = StatelessDropout(dropout, dtype=dtype, name="output_dropout")
        self.output_dense = keras.layers.Dense(
            num_classes,
            activation=activation,
            use_bias=head_bias,
            dtype="float32",
            name="predictions",
        )
        inputs = backbone.input
        pooled = self.output_dropout(self.pooler(backbone(inputs)))
        # This skips the constructor of ImageClassifier, whose last layer always has a bias.
        keras_hub.models.Task.__init__(
            self, inputs, self.output_dense(pooled), compile=compile, name=name
        )
        self.num_classes = num_classes
        # With `num_classes=`, keras-hub passes the class names of the saved head to the new one.
        fits = class_names is not None and len(class_names) == num_classes
        self.class_names = list(class_names or ()) if fits else [str(i) for i in range(num_classes)]
        self.pooling = pooling
        self.activation = activation
        self.dropout = dropout
        self.extra_class = extra_class
        self.head_bias = head_bias
        self.temperature = temperature

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "class_names": list(self.class_names),
            "extra_class": self.extra_class,
            "head_bias": self.head_bias,
            "temperature": self.temperature,
        }


@keras.saving.register_keras_serializable(package="zoo")
class NetworkImageGenerator(keras_hub.models.Task):
    """Adapter of `zoo.ImageGenerator` to `keras_hub.models.Task`.

    Args:
        backbone: a `NetworkBackbone` of a generator.
        preprocessor: None; generators have no preprocessor.
        class_names: K strings; `"0"` to `"K-1"` by default.
        compile: bool, whether to compile with Keras' defaults.
        name: str, the model's name.
    """

    backbone_cls = NetworkBackbone

    def __init__(
        self,
        backbone: NetworkBackbone,
        *,
        preprocessor: None = None,
        class_names: Sequence[str] | None = None,
        compile: bool = False,
        name: str | None = None,
    ):
        self.backbone = backbone
        self.preprocessor = preprocessor
        inputs = backbone.input
        super().__init__(inputs, backbone(inputs), compile=compile, name=name)
        self.class_names = None if class_names is None else list(class_names)

    def get_config(self) -> dict:
        names = {} if self.class_names is None else {"class_names": self.class_names}
        return {**super().get_config(), **names}

    @functools.cached_property
    def _generator(self) -> ImageGenerator:
        return ImageGenerator(self.backbone.network, class_names=self.class_names)

    def generate(
        self,
        n: int,
        *,
        labels: Labels | None = None,
        seed: int | None = None,
        truncation: float | None = None,
    ) -> np.ndarray:
        """Generates uint8 images; see `zoo.ImageGenerator.generate`."""
        return self._generator.generate(n, labels=labels, seed=seed, truncation=truncation)


def save_portable(classifier: ImageClassifier, directory: str | os.PathLike) -> pathlib.Path:
    """Writes a preset with Keras' own layers only, which keras-hub loads without this package.

    The classifier of `keras_hub.models.ImageClassifier.from_preset(directory)` takes raw images of
    the network's size and channels, and returns logits.

    Args:
        classifier: a `zoo.ImageClassifier`.
        directory: the preset's folder; it must be new or empty.

    Returns:
        The folder.

    Raises:
        ValueError: a folder that is not empty, a network with other layers than Keras' own, or a
            head that keras-hub's classifier does not support.
    """
    directory = pathlib.Path(directory)
    if directory.exists() and any(directory.iterdir()):
        raise ValueError(f"{directory} is not empty; give a new folder.")
    if not classifier.head_bias:
        raise ValueError(
            "keras-hub's classifier has a bias in its last layer, and this classifier has none "
            "(head_bias=False). Save it with save_to_preset instead."
        )
    inputs = classifier.network.symbolic_inputs()
    functional = keras.Model(inputs, classifier.network.call(inputs))
    backbone = keras.models.clone_model(functional, clone_function=_as_keras_layer)
    backbone.set_weights(functional.get_weights())
    height, width, _ = classifier.image_shape
    preprocessor = keras.layers.Pipeline(
        [
            keras.layers.Resizing(height, width, antialias=True, name="resizing"),
            keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="rescaling"),
        ],
        name="preprocessor",
    )
    portable = keras_hub.models.ImageClassifier(
        backbone,
        classifier.num_classes,
        preprocessor=preprocessor,
        pooling=classifier.pooling,
        activation=classifier.activation,
        dropout=classifier.dropout,
        head_dtype="float32",
        name=classifier.name,
    )
    portable.output_dense.set_weights(classifier.predictions.get_weights())
    portable.save_to_preset(str(directory))
    return directory


def _as_keras_layer(layer: keras.layers.Layer) -> keras.layers.Layer:
    if isinstance(layer, StatelessDropout):
        return keras.layers.Dropout(layer.rate, name=layer.name, dtype=layer.dtype_policy)
    if not type(layer).__module__.startswith("keras."):
        raise ValueError(
            f"The layer {layer.name} is a {type(layer).__name__}, which is not one of Keras' own "
            "layers. keras-hub cannot load this network without the zoo; use save_to_preset."
        )
    return type(layer).from_config(layer.get_config())
