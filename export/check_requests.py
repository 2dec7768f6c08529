"""What the self-check asks of an artefact, and what the model itself answers."""

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
"""The largest batch that an artefact is compared in, and the measured batching's limit."""
_SEED = 20170123

Arrays = Mapping[str, np.ndarray]
Pairs = dict[str, tuple[np.ndarray, np.ndarray]]


@dataclasses.dataclass(frozen=True)
class Case:
    """One request.

    Args:
        signature: the signature's name.
        inputs: arrays by name; strings as arrays of bytes objects.
        compare: gives, for each output of an answer, what there is and what it must be; None where
            the request must be refused.
    """

    signature: str
    inputs: Arrays
    compare: Callable[[Arrays], Pairs] | None


def cases(task: Network, declared: Mapping[str, Signature]) -> list[Case]:
    """Returns requests for every signature: good ones in four batch sizes, and bad ones."""
    kinds = {ImageClassifier: _classifier_cases, ImageGenerator: _generator_cases}
    make = kinds.get(type(task), _critic_cases)
    batches = (*BATCHES, MAX_BATCH)
    good = [case for batch in batches for case in make(task, batch) if case.signature in declared]
    firsts = {case.signature: case for case in reversed(good)}
    bad = [case for name in declared for case in _misshapen(firsts[name])]
    if isinstance(task, ImageGenerator) and task.num_classes:
        bad += [_out_of_range(case, task.num_classes) for case in firsts.values()]
    return good + bad


def example(task: Network) -> Case:
    """Returns one request of what a task is mostly asked: images, or images of seeds."""
    kinds = {ImageClassifier: _classifier_cases, ImageGenerator: _generator_cases}
    asked = list(kinds.get(type(task), _critic_cases)(task, 1))
    return next((case for case in asked if case.signature == "generate"), asked[0])


def _classifier_cases(classifier: ImageClassifier, batch: int) -> Iterator[Case]:
    random = np.random.default_rng(_SEED + batch)
    height, width, channels = classifier.image_shape
    images = random.integers(0, 256, (batch, height, width, channels), dtype="uint8")
    names = np.array([name.encode() for name in classifier.class_names], dtype=object)

    def prediction(probabilities: np.ndarray) -> Callable[[Arrays], Pairs]:
        def compare(answer: Arrays) -> Pairs:
            # Of the answer's own probabilities: rounding may decide between two that are equal.
            best = answer["probabilities"].argmax(axis=-1)
            expected = {"probabilities": probabilities, "class_id": best, "class_name": names[best]}
            return _pairs(expected)(answer)

        return compare

    yield Case("serving_default", {"images": images}, prediction(classifier.predict(images)))
    losses = classifier.losses_per_class(images).numpy()
    scores = {"losses": losses, "real_score": -losses.min(axis=-1)}
    yield Case("score", {"images": images}, _pairs(scores))
    if channels not in ENCODED_CHANNELS:
        return
    # Other sizes than the network's, by turns in colour and grey.
    raw = [
        random.integers(0, 256, (height + 3 * i, 2 * width + i, 3 if i % 2 else 1), dtype="uint8")
        for i in range(batch)
    ]
    encoded = [tf.io.encode_png(image).numpy() for image in raw]
    probabilities = classifier.predict(raw)
    image_bytes = np.array(encoded, dtype=object)
    yield Case("image_bytes", {"image_bytes": image_bytes}, prediction(probabilities))
    examples = np.array([_example(content) for content in encoded], dtype=object)
    ranking = {"classes": np.tile(names, (batch, 1)), "scores": probabilities}
    yield Case("classify", {"inputs": examples}, _pairs(ranking))


def _critic_cases(critic: ImageNetwork, batch: int) -> Iterator[Case]:
    random = np.random.default_rng(_SEED + batch)
    height, width, channels = critic.image_shape
    images = random.integers(0, 256, (batch, height, width, channels), dtype="uint8")
    scores = critic(prepare(images, (height, width, channels)), training=False)
    scores = np.reshape(tf.cast(scores, tf.float32), [-1])
    yield Case("serving_default", {"images": images}, _pairs({"score": scores}))
    if channels in ENCODED_CHANNELS:
        examples = [_example(tf.io.encode_png(image).numpy()) for image in images]
        inputs = {"inputs": np.array(examples, dtype=object)}
        yield Case("score", inputs, _pairs({"outputs": scores}))


def _example(encoded: bytes) -> bytes:
    feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[encoded]))
    features = tf.train.Features(feature={"image": feature})
    return tf.train.Example(features=features).SerializeToString()


def _generator_cases(generator: ImageGenerator, batch: int) -> Iterator[Case]:
    random = np.random.default_rng(_SEED + batch)
    label = {"label": np.arange(batch) % generator.num_classes} if generator.num_classes else {}
    latent = random.uniform(-1.0, 1.0, (batch, generator.latent_dim)).astype("float32")
    floats = generator.images_from_latents(latent, **{k + "s": v for k, v in label.items()})
    images = {"images": floats.numpy()}
    yield Case("serving_default", {"latent": latent, **label}, _pairs(images))
    first = int(random.integers(2**62))
    seed = first + np.arange(batch, dtype="int64")
    generated = generator.generate(batch, seed=first)
    yield Case("generate", {"seed": seed, **label}, _pairs({"images": generated}))

    truncation = np.linspace(0.3, 1.0, batch, dtype="float32")
    drawn = latents_from_seeds(seed, generator.latent_dim, generator.network.latent).numpy()

    def pixels(latents: np.ndarray) -> np.ndarray:
        return to_uint8(generator.images_from_latents(latents, *label.values())).numpy()

    expected = {"images": pixels(truncation[:, np.newaxis] * drawn)}
    inputs = {"seed": seed, "truncation": truncation, **label}
    yield Case("generate_truncated", inputs, _pairs(expected))
    fraction = np.linspace(0.0, 1.0, batch + 1, dtype="float32")[1:]
    inputs = {"seed": seed, "end_seed": seed[::-1].copy(), "fraction": fraction, **label}
    way = interpolate_latents(drawn, drawn[::-1], fraction, generator.network.latent)
    yield Case("interpolate", inputs, _pairs({"images": pixels(way.numpy())}))

    def compare_pixels(answer: Arrays) -> Pairs:
        pixels = [tf.io.decode_png(content).numpy() for content in answer["image_bytes"]]
        return {"image_bytes": (np.stack(pixels), generated)}

    yield Case("generate_png", {"seed": seed, **label}, compare_pixels)


def _pairs(expected: Arrays) -> Callable[[Arrays], Pairs]:
    return lambda answer: {name: (answer[name], value) for name, value in expected.items()}


def _misshapen(case: Case) -> Iterator[Case]:
    """Gives each input, by turns, a dimension too many, one too few, and another inner size."""
    for name, value in case.inputs.items():
        wrong = [value[..., np.newaxis], value[0]]
        wrong += [np.repeat(value, 2, axis=axis) for axis in range(1, value.ndim)]
        for shape in wrong:
            yield Case(case.signature, {**case.inputs, name: shape}, None)


def _out_of_range(case: Case, num_classes: int) -> Case:
    outside = np.full_like(case.inputs["label"], num_classes)
    return Case(case.signature, {**case.inputs, "label": outside}, None)
