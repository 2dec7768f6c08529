"""Every model in low precision, and compiled: finite, and close to plain float32."""

import keras
import numpy as np
import pytest

from tests.cases import MOSTLY_SLOW, build, tiny_data, tiny_recipe, train, weights
from tests.devices import replicas

# Relative to each variable's largest value, after three steps of SGD.
TOLERANCE = {"float32": 1e-4, "mixed_bfloat16": 0.1, "mixed_float16": 0.05}


def run(name, *, precision="float32", jit=False, count=1):
    recipe = tiny_recipe(name)
    keras.config.set_dtype_policy(precision)
    try:
        model = build(recipe, replicas(count))
        with model.distribute_strategy.scope():
            model.compile(keras.optimizers.SGD(0.01), keras.optimizers.SGD(0.01))
    finally:
        keras.config.set_dtype_policy("float32")
    model.jit_compile = jit
    logs = train(model, recipe, tiny_data(), steps=3)
    return model, weights(model), logs


@pytest.fixture(scope="module")
def plain():
    known = {}

    def of(name):
        if name not in known:
            known[name] = run(name)[1:]
        return known[name]

    return of


def assert_close(left, right, tolerance):
    for one, two in zip(left, right, strict=True):
        scale = max(np.abs(one).max(), 1e-2)
        assert np.abs(one - two).max() <= tolerance * scale


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("name", MOSTLY_SLOW)
def test_low_precision_is_finite_and_near_float32(name, precision, plain):
    model, values, logs = run(name, precision=precision)
    assert all(np.isfinite(value) for value in logs.values())
    assert int(keras.ops.convert_to_numpy(model.guard)[0]) == 0
    assert_close(plain(name)[0], values, TOLERANCE[precision])
    scaled = isinstance(model.critic_optimizer, keras.optimizers.LossScaleOptimizer)
    assert scaled == (precision == "mixed_float16")
    assert all(variable.dtype in ("float32", "int64") for variable in model.variables)


@pytest.mark.parametrize("name", MOSTLY_SLOW)
def test_compiled_by_xla_is_the_same(name, plain):
    _, values, logs = run(name, jit=True)
    assert_close(plain(name)[0], values, TOLERANCE["float32"])
    for key, value in plain(name)[1].items():
        assert logs[key] == pytest.approx(value, rel=1e-2, abs=1e-3), key


def test_float16_on_two_replicas_is_as_on_one():
    """Both optimizers scale their loss, and an overflow on one replica is one on both."""
    one, two = (run("lsgan", precision="mixed_float16", count=count)[1] for count in (1, 2))
    assert_close(one, two, TOLERANCE["mixed_float16"])


def test_an_overflow_on_one_replica_skips_the_step_on_both_and_lowers_the_scale():
    model, _, _ = run("lsgan", precision="mixed_float16", count=2)
    optimizer = model.critic_optimizer
    optimizer.dynamic_scale.assign(1e30)
    before = [np.array(keras.ops.convert_to_numpy(v)) for v in model.critic.variables]
    train(model, tiny_recipe("lsgan"), tiny_data(), steps=1, first_step=3)
    after = [keras.ops.convert_to_numpy(v) for v in model.critic.variables]
    assert all(np.array_equal(x, y) for x, y in zip(before, after, strict=True))
    assert float(keras.ops.convert_to_numpy(optimizer.dynamic_scale)) < 1e30
