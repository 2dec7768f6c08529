"""The step of this project, and the numbers that the other frameworks must reproduce."""

import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from benchmarks.train_step.cases import BATCH, CLASSES, IMAGE_SHAPE, Case, Contender, recipe_of
from benchmarks.train_step.flops import count
from training.build import build_model
from zoo.models import ConditionalLossSensitive, LossSensitive
from zoo.models.adversarial import AdversarialModel
from zoo.models.least_squares import TARGETS, LeastSquares
from zoo.randomness import Noise

Numbers = dict[str, np.ndarray]
MEGABYTES = 8_000
"""Memory of each of several logical devices of a GPU."""


def make_model(case: Case, *, bfloat16: bool = False) -> AdversarialModel:
    """Builds the case's model, its weights from seed 0."""
    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy("mixed_bfloat16" if bfloat16 else "float32")
    names = tuple(map(str, range(CLASSES)))
    try:
        return build_model(recipe_of(case), image_shape=IMAGE_SHAPE, class_names=names)
    finally:
        keras.config.set_dtype_policy("float32")


def make_batch(model: AdversarialModel) -> dict[str, Any]:
    """Makes one batch of noise images in the form of the input pipeline."""
    random = np.random.default_rng(0)
    batch: dict[str, Any] = {"index": np.arange(BATCH)}
    for stream in model.streams:
        rows = BATCH * model.batches_per_step
        images = random.integers(0, 256, (rows, *IMAGE_SHAPE), dtype=np.uint8)
        batch[stream] = {"images": images}
        if stream == "labelled":
            batch[stream]["labels"] = random.integers(0, CLASSES, BATCH)
    return batch


def logical_devices(count: int) -> tf.distribute.Strategy:
    """Returns the strategy of some logical devices of the first GPU, or of the CPU without one."""
    if count == 1:
        return tf.distribute.get_strategy()
    gpus = tf.config.list_physical_devices("GPU")
    limit = {"memory_limit": MEGABYTES} if gpus else {}
    device = gpus[0] if gpus else tf.config.list_physical_devices("CPU")[0]
    parts = [tf.config.LogicalDeviceConfiguration(**limit) for _ in range(count)]
    tf.config.set_logical_device_configuration(device, parts)
    kind = "GPU" if gpus else "CPU"
    return tf.distribute.MirroredStrategy([f"{kind}:{i}" for i in range(count)])


def _distributed(batch: dict[str, Any], strategy: tf.distribute.Strategy) -> Any:
    """Repeats a batch, of which each replica gets an equal, consecutive part."""
    count = strategy.num_replicas_in_sync
    if count == 1:
        return tf.data.Dataset.from_tensors(batch).repeat()
    parts = [
        tf.nest.map_structure(lambda rows, i=i: np.split(rows, count)[i], batch)
        for i in range(count)
    ]
    sets = [tf.data.Dataset.from_tensors(part) for part in parts]
    whole = functools.reduce(lambda left, right: left.concatenate(right), sets).repeat()
    return strategy.distribute_datasets_from_function(lambda _: whole)


class Step:
    """Runs the step on one batch that stays in memory.

    Args:
        case: model and networks.
        contender: how.
        change: changes the model in place; None for none.
    """

    def __init__(
        self,
        case: Case,
        contender: Contender,
        *,
        change: Callable[[AdversarialModel], None] | None = None,
    ):
        strategy = logical_devices(contender.devices)
        with strategy.scope():
            self.model = make_model(case, bfloat16=contender.bfloat16)
        if change is not None:
            change(self.model)
        self.model.jit_compile = contender.compiled
        self.model.steps_per_execution = contender.steps_per_call
        self.batch = make_batch(self.model)
        self.steps = contender.steps_per_call
        with strategy.scope():
            self.model.make_train_function()
        self.iterator = iter(_distributed(self.batch, strategy))

    def __call__(self) -> None:
        logs = self.model.train_function(self.iterator)
        float(next(iter(logs.values())))

    def flops(self) -> float:
        """Counts the operations of a step's matrix products and convolutions."""
        traced = tf.function(self.model.train_step).get_concrete_function(
            tf.nest.map_structure(tf.constant, self.batch)
        )
        return count(traced)

    def reference(self) -> Numbers:
        """Takes one step; returns weights before it, noise, and the losses it had.

        The generator's loss comes after the critic's update, so it tells of the optimizer too.
        """
        model = self.model
        numbers = {f"generator/{i}": w for i, w in enumerate(model.generator.get_weights())}
        numbers |= {f"critic/{i}": w for i, w in enumerate(model.critic.get_weights())}
        noise = Noise(model.seed, 0, tf.range(BATCH, dtype=tf.int64))
        numbers |= _noise(model, noise)
        logs = model.train_step(tf.nest.map_structure(tf.constant, self.batch))
        for name in ("critic_loss", "generator_loss"):
            numbers[name] = np.asarray(logs[name])
        numbers |= {f"images/{s}": self.batch[s]["images"] for s in model.streams}
        if "labelled" in self.batch:
            numbers["labels"] = self.batch["labelled"]["labels"]
        return numbers | {f"constant/{k}": np.array(v) for k, v in constants(model).items()}


def constants(model: AdversarialModel) -> dict[str, float]:
    """Returns the numbers in a model's losses and optimizers."""
    found: dict[str, float] = {}
    if isinstance(model.objective, LeastSquares):
        found |= dict(zip(TARGETS, model.objective.targets, strict=True))
    if isinstance(model.objective, LossSensitive | ConditionalLossSensitive):
        found["margin_scale"] = model.objective.margin_scale
    if model.penalty is not None:
        found["penalty_weight"] = float(model.penalty.weight)
    for network in ("generator", "critic"):
        optimizer = getattr(model, f"{network}_optimizer")
        found |= {
            f"{network}_rate": float(optimizer.learning_rate),
            "beta_1": optimizer.beta_1,
            "beta_2": optimizer.beta_2,
            "epsilon": optimizer.epsilon,
        }
    return found


def _noise(model: AdversarialModel, noise: Noise) -> Numbers:
    """Returns what a step draws, by the names that `torch_steps` knows."""
    size = model.generator.latent_dim
    critic, generator = noise.child("critic_0"), noise.child("generator")
    drawn = {"interpolate": critic.child("penalty").child("interpolate").uniform()}
    drawn["generator_latent"] = generator.child("latent").normal(size)
    if len(model.streams) == 1:
        drawn["real_latent"] = critic.child("latent").normal(size)
    for stream in model.streams if len(model.streams) > 1 else ():
        drawn[f"{stream}_latent"] = critic.child(stream).child("latent").normal(size)
        drawn[f"{stream}_class"] = critic.child(stream).child("label").classes(CLASSES)
    return {name: value.numpy() for name, value in drawn.items()}
