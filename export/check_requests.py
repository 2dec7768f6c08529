"""Requests of the self-check, with the answers that the model itself computes."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import tensorflow as tf

from export.signatures import ENCODED_CHANNELS, Signature
from zoo.images import prepare, to_uint8
from zoo.latents import interpolate_latents, latents_from_seeds
from zoo.networks.network import ImageNetwork, Network
from zoo.tasks import ImageClassifier, ImageGenerator

BATCHES = (1, 2, 3)
MAX_BATCH = 32
"""Largest batch size of the self-check and of measured batching parameters."""
_SEED = 20170123

Arrays = Mapping[str, np.ndarray]
Pairs = dict[str, tuple[np.ndarray, np.ndarray]]


@dataclasses.dataclass(frozen=True)
class CheckRequest:
    """A request to a signature, and the comparison of its answer.

    Args:
        signature: name of the signature.
        inputs: arrays by name; strings are arrays of bytes objects.
        compare: function of the answer that returns (actual, expected) by output name; None if the
            request must be refused.
    """

    signature: str
    inputs: Arrays
    compare: Callable[[Arrays], Pairs] | None


def check_requests(task: Network, declared: Mapping[str, Signature]) -> list[CheckRequest]:
    """Returns requests for every signature: valid ones in four batch sizes, and invalid ones.

    Args:
        task: the model that was exported.
        declared: the signatures to send requests to, by name.
    """
    valid = [
        request
        for batch in (*BATCHES, MAX_BATCH)
        for request in _valid_requests(task, batch)
        if request.signature in declared
    ]
    first = {request.signature: request for request in reversed(valid)}
    invalid = [request for name in declared for request in _wrong_shapes(first[name])]
    if isinstance(task, ImageGenerator) and task.num_classes:
        invalid += [_with_value(request, "label", task.num_classes) for request in first.values()]
    invalid += [
        _with_value(request, name, -1)
        for request in first.values()
        for name in ("seed", "end_seed")
        if name in request.inputs
    ]
    return valid + invalid


def example_request(task: Network) -> CheckRequest:
    """Returns a request to the most used signature: `generate` of a generator, else images."""
    requests = list(_valid_requests(task, 1))
    return next((request for request in requests if request.signature == "generate"), requests[0])


def _valid_requests(task: Network, batch: int) -> Iterator[CheckRequest]:
    if isinstance(task, ImageClassifier):
        return _classifier_requests(task, batch)
    if isinstance(task, ImageGenerator):
        return _generator_requests(task, batch)
    return _critic_requests(task, batch)


def _classifier_requests(classifier: ImageClassifier, batch: int) -> Iterator[CheckRequest]:
    random = np.random.default_rng(_SEED + batch)
    height, width, channels = classifier.image_shape
    images = random.integers(0, 256, (batch, height, width, channels), dtype="uint8")
    names = np.array([name.encode() for name in classifier.class_names], dtype=object)

    def prediction(probabilities: np.ndarray) -> Callable[[Arrays], Pairs]:
        def compare(answer: Arrays) -> Pairs:
            # From the answer's own probabilities: rounding may decide between two equal classes.
            best = answer["probabilities"].argmax(axis=-1)
            expected = {"probabilities": probabilities, "class_id": best, "class_name": names[best]}
            return expect(expected)(answer)

        return compare

    yield CheckRequest(
        "serving_default", {"images": images}, prediction(classifier.predict(images))
    )
    losses = classifier.losses_per_class(images).numpy()
    scores = {"losses": losses, "real_score": -losses.min(axis=-1)}
    yield CheckRequest("score", {"images": images}, expect(scores))
    if channels not in ENCODED_CHANNELS:
        return
    # Sizes that differ from the network's; grey and colour images alternate.
    images_of_any_size = [
        random.integers(0, 256, (height + 3 * i, 2 * width + i, 3 if i % 2 else 1), dtype="uint8")
        for i in range(batch)
    ]
    encoded = [tf.io.encode_png(image).numpy() for image in images_of_any_size]
    probabilities = classifier.predict(images_of_any_size)
    image_bytes = np.array(encoded, dtype=object)
    yield CheckRequest("image_bytes", {"image_bytes": image_bytes}, prediction(probabilities))
    examples = np.array([_tf_example(content) for content in encoded], dtype=object)
    ranking = {"classes": np.tile(names, (batch, 1)), "scores": probabilities}
    yield CheckRequest("classify", {"inputs": examples}, expect(ranking))


def _critic_requests(critic: ImageNetwork, batch: int) -> Iterator[CheckRequest]:
    random = np.random.default_rng(_SEED + batch)
    height, width, channels = critic.image_shape
    images = random.integers(0, 256, (batch, height, width, channels), dtype="uint8")
    scores = critic(prepare(images, (height, width, channels)), training=False)
    scores = np.reshape(tf.cast(scores, tf.float32), [-1])
    yield CheckRequest("serving_default", {"images": images}, expect({"score": scores}))
    if channels in ENCODED_CHANNELS:
        examples = [_tf_example(tf.io.encode_png(image).numpy()) for image in images]
        inputs = {"inputs": np.array(examples, dtype=object)}
        yield CheckRequest("score", inputs, expect({"outputs": scores}))


def _tf_example(encoded: bytes) -> bytes:
    """Returns a serialized tf.Example with the feature `image`."""
    feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[encoded]))
    features = tf.train.Features(feature={"image": feature})
    return tf.train.Example(features=features).SerializeToString()


def _generator_requests(generator: ImageGenerator, batch: int) -> Iterator[CheckRequest]:
    random = np.random.default_rng(_SEED + batch)
    label = {"label": np.arange(batch) % generator.num_classes} if generator.num_classes else {}
    latent = random.uniform(-1.0, 1.0, (batch, generator.latent_dim)).astype("float32")
    floats = generator.images_from_latents(latent, **{k + "s": v for k, v in label.items()})
    images = {"images": floats.numpy()}
    yield CheckRequest("serving_default", {"latent": latent, **label}, expect(images))
    first = int(random.integers(2**62))
    seed = first + np.arange(batch, dtype="int64")
    generated = generator.generate(batch, seed=first)
    yield CheckRequest("generate", {"seed": seed, **label}, expect({"images": generated}))

    truncation = np.linspace(0.3, 1.0, batch, dtype="float32")
    drawn = latents_from_seeds(seed, generator.latent_dim, generator.network.latent).numpy()

    def pixels(latents: np.ndarray) -> np.ndarray:
        return to_uint8(generator.images_from_latents(latents, *label.values())).numpy()

    expected = {"images": pixels(truncation[:, np.newaxis] * drawn)}
    inputs = {"seed": seed, "truncation": truncation, **label}
    yield CheckRequest("generate_truncated", inputs, expect(expected))
    fraction = np.linspace(0.0, 1.0, batch + 1, dtype="float32")[1:]
    inputs = {"seed": seed, "end_seed": seed[::-1].copy(), "fraction": fraction, **label}
    path = interpolate_latents(drawn, drawn[::-1], fraction, generator.network.latent)
    yield CheckRequest("interpolate", inputs, expect({"images": pixels(path.numpy())}))

    def compare_pixels(answer: Arrays) -> Pairs:
        pixels = [tf.io.decode_png(content).numpy() for content in answer["image_bytes"]]
        return {"image_bytes": (np.stack(pixels), generated)}

    yield CheckRequest("generate_png", {"seed": seed, **label}, compare_pixels)


def expect(expected: Arrays) -> Callable[[Arrays], Pairs]:
    """Returns a comparison of an answer's outputs with these arrays."""
    return lambda answer: {name: (answer[name], value) for name, value in expected.items()}


def _wrong_shapes(request: CheckRequest) -> Iterator[CheckRequest]:
    """Yields requests whose inputs have a wrong rank or inner size, one input at a time."""
    for name, value in request.inputs.items():
        wrong = [value[..., np.newaxis], value[0]]
        wrong += [np.repeat(value, 2, axis=axis) for axis in range(1, value.ndim)]
        for array in wrong:
            yield CheckRequest(request.signature, {**request.inputs, name: array}, None)


def _with_value(request: CheckRequest, name: str, value: int) -> CheckRequest:
    """Returns a request that must be refused, because an input has a wrong value."""
    wrong = np.full_like(request.inputs[name], value)
    return CheckRequest(request.signature, {**request.inputs, name: wrong}, None)
