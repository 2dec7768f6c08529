"""Signatures of a task: served functions with named inputs and outputs and checked shapes."""

import dataclasses
from collections.abc import Callable, Mapping

import tensorflow as tf

from export.image_files import decode_image_file
from zoo.images import prepare, to_uint8
from zoo.latents import interpolate_latents, latents_from_seeds
from zoo.networks.network import ImageNetwork, Network
from zoo.tasks import ImageClassifier, ImageGenerator

ENCODED_CHANNELS = (1, 3)
"""Numbers of channels that PNG and JPEG support; others have no signatures for image files."""

Specs = Mapping[str, tf.TensorSpec]


@dataclasses.dataclass(frozen=True)
class Signature:
    """A served function with its inputs and outputs.

    Args:
        function: takes tensors by name and returns tensors by name.
        inputs: dtypes and shapes of the inputs; the first dimension is the batch, of any size.
        outputs: dtypes and shapes of the outputs.
    """

    function: Callable[..., dict[str, tf.Tensor]]
    inputs: Specs
    outputs: Specs

    def trace(self) -> tf.types.experimental.ConcreteFunction:
        """Returns the function as a graph that refuses inputs of another shape than declared.

        TF Serving compares only dtypes with the signature. Without this check, it would compute
        nonsense from an image of another size, and an input of another rank can end its process.
        """

        def served(**tensors: tf.Tensor) -> dict[str, tf.Tensor]:
            return _ensure_shapes(
                self.function(**_ensure_shapes(tensors, self.inputs)), self.outputs
            )

        named = {
            name: tf.TensorSpec(spec.shape, spec.dtype, name=name)
            for name, spec in self.inputs.items()
        }
        return tf.function(served, autograph=False).get_concrete_function(**named)


def signatures(task: Network) -> dict[str, Signature]:
    """Returns the signatures of a task by name.

    Args:
        task: an `ImageClassifier`, an `ImageGenerator`, or a critic's network.
    """
    if isinstance(task, ImageClassifier):
        return _classifier_signatures(task)
    if isinstance(task, ImageGenerator):
        return _generator_signatures(task)
    if isinstance(task, ImageNetwork) and len(_output_shape(task)) <= 2:
        return _critic_signatures(task)
    raise ValueError(
        "Only an ImageClassifier, an ImageGenerator or a critic without labels can be exported, "
        f"received {type(task)}."
    )


def _output_shape(network: ImageNetwork) -> tuple[int | None, ...]:
    return tuple(network(network.symbolic_inputs()).shape)


def _critic_signatures(critic: ImageNetwork) -> dict[str, Signature]:
    height, width, channels = critic.image_shape
    shape = (height, width, channels)

    def score(images: tf.Tensor) -> dict[str, tf.Tensor]:
        scores = critic(prepare(images, shape), training=False)
        return {"score": tf.reshape(tf.cast(scores, tf.float32), [-1])}

    def regress(inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        decoded = _decode(_encoded_images(inputs), shape)
        scores = critic(decoded, training=False)
        return {"outputs": tf.reshape(tf.cast(scores, tf.float32), [-1])}

    images = {"images": _spec(tf.uint8, *shape)}
    served = {"serving_default": Signature(score, images, {"score": _spec(tf.float32)})}
    if channels in ENCODED_CHANNELS:
        outputs = {"outputs": _spec(tf.float32)}
        served["score"] = Signature(regress, {"inputs": _spec(tf.string)}, outputs)
    return served


def _encoded_images(examples: tf.Tensor) -> tf.Tensor:
    """Returns the encoded images in the feature `image` of serialized tf.Examples."""
    return tf.io.parse_example(examples, {"image": tf.io.FixedLenFeature([], tf.string)})["image"]


def _ensure_shapes(tensors: Mapping[str, tf.Tensor], specs: Specs) -> dict[str, tf.Tensor]:
    return {name: tf.ensure_shape(tensors[name], spec.shape) for name, spec in specs.items()}


def _spec(dtype: tf.DType, *shape: int) -> tf.TensorSpec:
    return tf.TensorSpec([None, *shape], dtype)


def _classifier_signatures(classifier: ImageClassifier) -> dict[str, Signature]:
    k = classifier.num_classes
    names = tf.constant(classifier.class_names)
    images = {"images": _spec(tf.uint8, *classifier.image_shape)}
    prediction = {
        "probabilities": _spec(tf.float32, k),
        "class_id": _spec(tf.int64),
        "class_name": _spec(tf.string),
    }

    def predict(images: tf.Tensor) -> dict[str, tf.Tensor]:
        probabilities = classifier.probabilities(images)
        class_id = tf.argmax(probabilities, axis=-1, output_type=tf.int64)
        return {
            "probabilities": probabilities,
            "class_id": class_id,
            "class_name": tf.gather(names, class_id),
        }

    def predict_bytes(image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        return predict(_decode(image_bytes, classifier.image_shape))

    def classify(inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        scores = predict_bytes(_encoded_images(inputs))["probabilities"]
        return {"classes": tf.tile(names[tf.newaxis], [tf.shape(scores)[0], 1]), "scores": scores}

    def score(images: tf.Tensor) -> dict[str, tf.Tensor]:
        losses = classifier.losses_per_class(images)
        return {"losses": losses, "real_score": -tf.reduce_min(losses, axis=-1)}

    scores = {"losses": _spec(tf.float32, k), "real_score": _spec(tf.float32)}
    served = {"serving_default": Signature(predict, images, prediction)}
    if classifier.image_shape[2] in ENCODED_CHANNELS:
        encoded = {"image_bytes": _spec(tf.string)}
        served["image_bytes"] = Signature(predict_bytes, encoded, prediction)
        ranking = {"classes": _spec(tf.string, k), "scores": _spec(tf.float32, k)}
        served["classify"] = Signature(classify, {"inputs": _spec(tf.string)}, ranking)
    return {**served, "score": Signature(score, images, scores)}


def _generator_signatures(generator: ImageGenerator) -> dict[str, Signature]:
    shape = generator.image_shape
    label = {"label": _spec(tf.int64)} if generator.num_classes else {}

    def generate_from_latent(
        latent: tf.Tensor, label: tf.Tensor | None = None
    ) -> dict[str, tf.Tensor]:
        _check_label(generator, label)
        return {"images": generator.images_from_latents(latent, label)}

    def generate_from_seed(seed: tf.Tensor, label: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
        _check_label(generator, label)
        return {"images": generator.images_from_seeds(seed, label)}

    def generate_png(seed: tf.Tensor, label: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
        return {"image_bytes": tf.io.encode_png(generate_from_seed(seed, label)["images"])}

    def generate_truncated(
        seed: tf.Tensor, truncation: tf.Tensor, label: tf.Tensor | None = None
    ) -> dict[str, tf.Tensor]:
        _check_label(generator, label)
        _check_fraction("truncation", truncation)
        latents = truncation[:, tf.newaxis] * draw(seed)
        return {"images": to_uint8(generator.images_from_latents(latents, label))}

    def interpolate(
        seed: tf.Tensor, end_seed: tf.Tensor, fraction: tf.Tensor, label: tf.Tensor | None = None
    ) -> dict[str, tf.Tensor]:
        _check_label(generator, label)
        _check_fraction("fraction", fraction)
        latents = interpolate_latents(
            draw(seed), draw(end_seed), fraction, generator.network.latent
        )
        return {"images": to_uint8(generator.images_from_latents(latents, label))}

    def draw(seed: tf.Tensor) -> tf.Tensor:
        return latents_from_seeds(seed, generator.latent_dim, generator.network.latent)

    latent = {"latent": _spec(tf.float32, generator.latent_dim), **label}
    seed = {"seed": _spec(tf.int64), **label}
    pixels = {"images": _spec(tf.uint8, *shape)}
    truncated = {**seed, "truncation": _spec(tf.float32)}
    path = {**seed, "end_seed": _spec(tf.int64), "fraction": _spec(tf.float32)}
    served = {
        "serving_default": Signature(
            generate_from_latent, latent, {"images": _spec(tf.float32, *shape)}
        ),
        "generate": Signature(generate_from_seed, seed, pixels),
        "generate_truncated": Signature(generate_truncated, truncated, pixels),
        "interpolate": Signature(interpolate, path, pixels),
    }
    if shape[2] in ENCODED_CHANNELS:
        encoded = {"image_bytes": _spec(tf.string)}
        served["generate_png"] = Signature(generate_png, seed, encoded)
    return served


def _check_label(generator: ImageGenerator, label: tf.Tensor | None) -> None:
    """Refuses labels out of range, whose one-hot encoding would be all zeros."""
    if label is not None:
        message = f"label must be in 0..{generator.num_classes - 1}"
        tf.debugging.assert_non_negative(label, message)
        tf.debugging.assert_less(label, tf.constant(generator.num_classes, tf.int64), message)


def _check_fraction(name: str, values: tf.Tensor) -> None:
    message = f"{name} must be in [0, 1]"
    tf.debugging.assert_non_negative(values, message)
    tf.debugging.assert_less_equal(values, 1.0, message)


def _decode(encoded: tf.Tensor, image_shape: tuple[int, int, int]) -> tf.Tensor:
    """Decodes image files of any size to the network's size, as floats."""

    def one(content: tf.Tensor) -> tf.Tensor:
        return prepare(decode_image_file(content)[tf.newaxis], image_shape)[0]

    spec = tf.TensorSpec(image_shape, tf.float32)
    return tf.map_fn(one, encoded, fn_output_signature=spec)
