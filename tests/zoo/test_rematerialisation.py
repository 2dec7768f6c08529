"""Rematerialisation changes results by rounding only, and updates statistics once."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.support import tiny_runs
from tests.support.cases import slow_but, tiny_data, tiny_recipe, train
from tests.support.devices import replicas
from zoo.rematerialisation import rematerialising, segment

CASES = {
    "batch norms": ("lsgan", {"generator_normalization": "batch", "critic_normalization": "batch"}),
    "penalty": ("wgan_gp", {}),
    "residual blocks": ("lgan", {"network": "resnet"}),
    "several devices": ("lsgan", {}),
}


@pytest.mark.parametrize("case", slow_but(CASES, quick=["batch norms", "several devices"]))
def test_the_run_is_the_same(case, tmp_path):
    """With SGD, because Adam would turn the sign of a rounding error into a full step."""
    name, changes = CASES[case]
    recipe = tiny_recipe(name, **changes)
    strategy = replicas(2 if case == "several devices" else 1)
    found = {}
    for rematerialise in (False, True):
        model = tiny_runs.make(recipe.with_options(rematerialise=rematerialise), strategy)
        assert model.rematerialise == rematerialise
        with model.distribute_strategy.scope():
            model.compile(keras.optimizers.SGD(0.05), keras.optimizers.SGD(0.05))
        train(model, recipe, tiny_data(), steps=3)
        found[rematerialise] = model.get_weights()
    for plain, again in zip(found[False], found[True], strict=True):
        scale = max(np.abs(plain).max(), 1e-3)
        assert np.abs(plain - again).max() <= 1e-5 * scale


def test_a_segment_is_computed_twice_and_its_activations_are_not_stored():
    count = tf.Variable(0)
    weight = tf.Variable(3.0)

    def square(x):
        count.assign_add(1)
        return tf.sin(weight * x)

    @tf.function
    def gradients(x, again):
        with rematerialising(again), tf.GradientTape() as tape:
            tape.watch(x)
            y = segment(square, x)
        return tape.gradient(y, [x, weight])

    x = tf.constant([0.5, 1.0])
    plain, again = gradients(x, False), None
    assert count.numpy() == 1
    again = gradients(x, True)
    assert count.numpy() == 3
    for left, right in zip(plain, again, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-6)
