"""XLA gives what the uncompiled step gives: several steps in one function, and on each replica."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.support.cases import REGISTERED, SHAPE, build, tiny_data, train, weights
from tests.support.devices import replicas
from tests.support.variants import VARIANTS, recipe_of
from training.streams import batches, label_map_of, streams_of
from zoo.models import LeastSquaresGAN
from zoo.models.trainer import StatelessTrainer
from zoo.networks import DCGANCritic, DCGANGenerator

STEPS = 6
TOLERANCE = 1e-5
FINITE_DIFFERENCE = ("clsgan, all terms, fakes in every second step",)
"""Cases with `virtual_adversarial`. Its direction is a finite difference of predictions, so a
rounding of 1e-7 in a prediction changes the direction by about 1e-3."""
DIFFERENCE_TOLERANCE = 2e-2
SMALL = {
    "network": "mlp",
    "depth": 1,
    "critic_normalization": "none",
    "generator_normalization": "none",
}
"""Networks that XLA compiles in seconds."""


@functools.cache
def run(case, *, count=1, jit=False, steps_per_call=1, precision="float32", small=True, changes=()):
    recipe = recipe_of(case, precision=precision, **(SMALL if small else {}), **dict(changes))
    keras.config.set_dtype_policy(precision)
    try:
        model = build(recipe, replicas(count))
    finally:
        keras.config.set_dtype_policy("float32")
    with model.distribute_strategy.scope():
        model.compile(keras.optimizers.SGD(0.01), keras.optimizers.SGD(0.01))
    model.jit_compile, model.steps_per_execution = jit, steps_per_call
    logs = train(model, recipe, tiny_data(), steps=STEPS)
    return weights(model), logs


def assert_equal(one, other, *, tolerance=TOLERANCE):
    for left, right in zip(one[0], other[0], strict=True):
        scale = max(np.abs(left).max(), 1e-2)
        assert np.abs(left - right).max() <= tolerance * scale
    assert one[1] == pytest.approx(other[1], rel=max(1e-3, tolerance), abs=1e-5)


def test_steps_of_one_call_in_one_function_equal_uncompiled_steps():
    assert_equal(run("lsgan"), run("lsgan", jit=True, steps_per_call=3))


@pytest.mark.parametrize(("count", "small"), [(2, False), (4, True)])
def test_replicas_with_xla_equal_one_without(count, small):
    """Two replicas share batch statistics; four have unequal parts of the ten images of a batch."""
    plain = run("lsgan", small=small)
    assert_equal(plain, run("lsgan", count=count, jit=True, steps_per_call=2, small=small))


@pytest.mark.slow
@pytest.mark.parametrize("case", [*REGISTERED, *VARIANTS])
@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.covers("XLA, 1 and 4 replicas")
def test_every_model_with_xla_equals_one_replica_without(case, count):
    compiled = functools.partial(run, case, count=count, jit=True, steps_per_call=2, small=False)
    if case not in FINITE_DIFFERENCE:
        assert_equal(run(case, small=False), compiled())
        return
    assert_equal(run(case, small=False), compiled(), tolerance=DIFFERENCE_TOLERANCE)
    without = (("virtual_adversarial", 0.0),)
    assert_equal(run(case, small=False, changes=without), compiled(changes=without))


class OfTwoKinds(StatelessTrainer):
    """Doubles a number in each step, and adds 1 to it in every fourth one."""

    def __init__(self):
        super().__init__(seed=0, streams=("real",), name=None)
        self.number = self.add_weight((), "ones", trainable=False, name="number")
        self.compile(keras.optimizers.SGD(0.0))

    @property
    def kinds_of_steps(self):
        return tuple(functools.partial(self.added, value) for value in (0.0, 1.0))

    def next_kind(self):
        return tf.cast(self.step.value % 4 == 0, tf.int32)

    def added(self, value, data):
        (batch,), _, global_batch = self.unpack(data)
        self.number.assign(2.0 * self.number + value)
        return self.finish_step({"value": value + batch["real"].images[:, 0]}, global_batch)


@pytest.mark.parametrize("jit", [False, True])
def test_the_kind_of_each_step_is_chosen_inside_a_call(jit):
    """Six steps in two calls: the first and the fifth add 1."""
    model = OfTwoKinds()
    model.jit_compile, model.steps_per_execution = jit, 3
    points = {"real": {"images": np.zeros((2, 1), "float32")}, "index": np.arange(2)}
    data = tf.data.Dataset.from_tensors(points).repeat()
    history = model.fit(data, steps_per_epoch=6, shuffle=False, verbose=0).history
    assert float(model.number) == 64 + 32 + 2
    assert history["value"] == pytest.approx([2 / 6])


@pytest.mark.slow
def test_a_loop_of_xla_makes_fakes_in_every_fourth_step_of_clsgan():
    """In the first step of the first call, and in the second of the other."""
    changes = {"adversarial_every": 4, "generator_normalization": "none", "dropout": 0.0}
    of_clsgan = functools.partial(run, "clsgan", small=False, changes=tuple(changes.items()))
    plain, every = of_clsgan(), of_clsgan(jit=True, steps_per_call=3)
    assert_equal(plain, every)


@pytest.mark.slow
def test_a_loss_scale_in_a_loop_of_xla():
    plain, compiled = (
        run("lsgan", precision="mixed_float16", jit=jit, steps_per_call=3) for jit in (False, True)
    )
    assert_equal(plain, compiled, tolerance=0.05)


def fit(*, jit, bad=(), **options):
    keras.utils.set_random_seed(0)
    model = LeastSquaresGAN(
        DCGANGenerator(SHAPE, latent_dim=5, base_filters=8), DCGANCritic(SHAPE, filters=4)
    )
    model.compile(keras.optimizers.SGD(0.01), keras.optimizers.SGD(0.01))
    model.jit_compile, model.steps_per_execution = jit, 2
    images = np.random.default_rng(0).uniform(-1, 1, (26, *SHAPE)).astype("float32")
    images[list(bad)] = np.nan
    model.fit(images, shuffle=False, verbose=0, **options)
    return weights(model), {}


def test_plain_arrays_with_a_smaller_last_batch_are_compiled_too():
    """26 images in batches of 7: three of 7 and one of 5."""
    plain, compiled = (fit(jit=jit, batch_size=7, epochs=2) for jit in (False, True))
    assert_equal(plain, compiled)


def test_the_guard_skips_a_step_inside_a_call():
    """The images of the second step of the first call are not finite."""
    data = tiny_data()
    recipe = recipe_of("lsgan", **SMALL)
    found = []
    for jit in (False, True):
        model = build(recipe)
        model.jit_compile, model.steps_per_execution = jit, 3
        stream = batches(recipe, model, streams_of(recipe, data, label_map_of(recipe, data)))
        stream = stream.enumerate().map(lambda i, batch: spoiled(batch, i == 1))
        model.fit(stream, steps_per_epoch=STEPS, epochs=1, shuffle=False, verbose=0)
        found.append((weights(model), {}))
        assert list(keras.ops.convert_to_numpy(model.guard)[:2]) == [1, 0]
    assert_equal(*found)


def spoiled(batch, bad):
    """Returns the batch as float images, NaN if `bad`."""
    images = keras.ops.cast(batch["real"]["images"], "float32") / 127.5 - 1.0
    factor = keras.ops.where(bad, float("nan"), 1.0)
    return {**batch, "real": {**batch["real"], "images": images * factor}}
