"""Every model in low precision and with XLA gives finite values close to those of float32."""

import functools
import itertools

import keras
import numpy as np
import pytest

from tests.support.cases import REGISTERED, slow_but, tiny_data, train, weights
from tests.support.devices import replicas
from tests.support.tiny_runs import make
from tests.support.variants import PENALISED, VARIANTS, recipe_of

# Relative to each variable's largest value, after three steps of SGD.
TOLERANCE = {"float32": 1e-4, "mixed_bfloat16": 0.1, "mixed_float16": 0.05}
LOW = ("mixed_bfloat16", "mixed_float16")
CASES = slow_but((*REGISTERED, *VARIANTS), quick=("wgan_gp", "clsgan"))


def run(case, *, precision="float32", jit="off", count=1):
    recipe = recipe_of(case, precision=precision, jit=jit)
    model = make(recipe, replicas(count))
    with model.distribute_strategy.scope():
        model.compile(keras.optimizers.SGD(0.01), keras.optimizers.SGD(0.01))
    if precision == "mixed_float16":
        # With Keras' initial scale of 2^15 a step may overflow. It is then skipped, and the runs
        # have different numbers of steps.
        for optimizer in (model.generator_optimizer, model.critic_optimizer):
            optimizer.dynamic_scale.assign(2.0**6)
    model.jit_compile = jit == "on"
    logs = train(model, recipe, tiny_data(), steps=3)
    return model, weights(model), logs


@functools.cache
def plain(case):
    return run(case)[1:]


def assert_close(left, right, tolerance):
    for one, two in zip(left, right, strict=True):
        scale = max(np.abs(one).max(), 1e-2)
        assert np.abs(one - two).max() <= tolerance * scale


def assert_finite_and_near(case, precision, jit):
    model, values, logs = run(case, precision=precision, jit=jit)
    assert all(np.isfinite(value) for value in logs.values())
    assert int(keras.ops.convert_to_numpy(model.guard)[0]) == 0
    # Rounding may change which images a buffer stores, but not the norms of their gradients, which
    # another variable stores.
    same = [precision == "float32" or variable.name != "kept" for variable in model.variables]
    left, right = (list(itertools.compress(each, same)) for each in (plain(case)[0], values))
    assert_close(left, right, TOLERANCE[precision])
    scaled = isinstance(model.critic_optimizer, keras.optimizers.LossScaleOptimizer)
    assert scaled == (precision == "mixed_float16")
    assert all(variable.dtype in ("float32", "int64") for variable in model.variables)
    return logs


@pytest.mark.parametrize("precision", LOW)
@pytest.mark.parametrize("case", CASES)
@pytest.mark.covers("bfloat16 and float16")
def test_low_precision_is_finite_and_near_float32(case, precision):
    assert_finite_and_near(case, precision, "off")


@pytest.mark.parametrize("case", slow_but((*REGISTERED, *VARIANTS), quick=["wgan_gp"]))
@pytest.mark.covers("XLA")
def test_compiled_by_xla_is_the_same(case):
    logs = assert_finite_and_near(case, "float32", "on")
    for key, value in plain(case)[1].items():
        assert logs[key] == pytest.approx(value, rel=1e-2, abs=1e-3), key


@pytest.mark.slow
@pytest.mark.parametrize("precision", LOW)
@pytest.mark.parametrize("case", REGISTERED)
@pytest.mark.covers("XLA in bfloat16 and float16")
def test_low_precision_compiled_is_finite_and_near_float32(case, precision):
    assert_finite_and_near(case, precision, "on")


MATRIX = [(precision, jit) for precision in TOLERANCE for jit in ("off", "on")][1:]


@pytest.mark.slow
@pytest.mark.parametrize(("precision", "jit"), MATRIX)
@pytest.mark.parametrize("case", PENALISED)
@pytest.mark.covers("every penalty x precision x XLA")
def test_every_penalty_in_every_precision_compiled_or_not(case, precision, jit):
    assert_finite_and_near(case, precision, jit)


def test_float16_on_two_replicas_is_as_on_one():
    """Both optimizers scale their loss, and an overflow on one replica skips the step on both."""
    one, two = (run("lsgan", precision="mixed_float16", count=count)[1] for count in (1, 2))
    assert_close(one, two, TOLERANCE["mixed_float16"])


def test_an_overflow_on_one_replica_skips_the_step_on_both_and_lowers_the_scale():
    model, _, _ = run("lsgan", precision="mixed_float16", count=2)
    optimizer = model.critic_optimizer
    optimizer.dynamic_scale.assign(1e30)
    before = [np.array(keras.ops.convert_to_numpy(v)) for v in model.critic.variables]
    train(model, recipe_of("lsgan"), tiny_data(), steps=1, first_step=3)
    after = [keras.ops.convert_to_numpy(v) for v in model.critic.variables]
    assert all(np.array_equal(x, y) for x, y in zip(before, after, strict=True))
    assert float(keras.ops.convert_to_numpy(optimizer.dynamic_scale)) < 1e30
