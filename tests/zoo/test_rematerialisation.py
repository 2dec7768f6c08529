"""Keeping fewer activations changes no number by more than rounding; statistics move once."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from tests import sessions
from tests.cases import tiny_recipe
from zoo.rematerialisation import part, rematerialising

CASES = {
    "batch norms": ("lsgan", {"generator_normalization": "batch", "critic_normalization": "batch"}),
    "penalty": ("wgan_gp", {}),
    "residual blocks": ("lgan", {"network": "resnet"}),
    "several devices": ("lsgan", {}),
}


@pytest.mark.parametrize("case", CASES)
def test_the_run_is_the_same(case, tmp_path):
    model, changes = CASES[case]
    recipe = tiny_recipe(model, steps=2, report_every=2, **changes)
    devices = [f"CPU:{i}" for i in range(2)]
    strategy = tf.distribute.MirroredStrategy(devices) if case == "several devices" else None
    found = {}
    for rematerialise in (False, True):
        own = dataclasses.replace(recipe, rematerialise=rematerialise)
        trained = sessions.make(own, strategy)
        assert trained.rematerialise == rematerialise
        sessions.run(own, trained, tmp_path / str(rematerialise))
        found[rematerialise] = trained.get_weights()
    for plain, again in zip(found[False], found[True], strict=True):
        np.testing.assert_allclose(again, plain, rtol=1e-3, atol=5e-6)


def test_a_part_is_computed_twice_and_its_inside_is_not_kept():
    count = tf.Variable(0)
    weight = tf.Variable(3.0)

    def square(x):
        count.assign_add(1)
        return tf.sin(weight * x)

    @tf.function
    def gradients(x, again):
        with rematerialising(again), tf.GradientTape() as tape:
            tape.watch(x)
            y = part(square, x)
        return tape.gradient(y, [x, weight])

    x = tf.constant([0.5, 1.0])
    plain, again = gradients(x, False), None
    assert count.numpy() == 1
    again = gradients(x, True)
    assert count.numpy() == 3
    for left, right in zip(plain, again, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-6)
