"""Penalties on several replicas equal those of one replica on the whole batch."""

import numpy as np
import pytest
import tensorflow as tf

from tests.support.devices import replicas
from tests.support.quadratic_critic import Scale
from zoo.gradients import global_sum, share_of_global_mean
from zoo.penalties import make_penalty
from zoo.randomness import Noise


def steps_on(count, shares, name, options):
    """Takes three gradient steps on `a` with a penalty; returns (losses, `a`, penalty's state)."""
    with replicas(count).scope():
        critic = Scale((2, 1, 2), factor=0.7)
        penalty = make_penalty(name, options)
        penalty.prepare(critic)

    def step(images, first, number):
        noise = Noise(0, number, first + tf.range(tf.shape(images)[0], dtype=tf.int64))
        size = global_sum(tf.cast(tf.shape(images)[0], tf.float32))
        penalty.before_step(critic)
        with tf.GradientTape() as tape:
            # Fake images differ from real ones, so the interpolates depend on the noise.
            result = penalty.terms(critic, images, -0.5 * images, noise, size)
            share = share_of_global_mean(result.terms["penalty"], size)
        slope = global_sum(tape.gradient(share, critic.factor.value))
        critic.factor.assign(critic.factor.value - 0.01 * slope)
        penalty.after_step(critic, result.found)
        return global_sum(share)

    run = tf.function(lambda *args: replicas(count).run(step, args=args), reduce_retracing=True)
    values = []
    for number in range(3):
        images = tf.random.stateless_normal((sum(shares), 2, 1, 2), (number, 7))
        parts = tf.split(images, shares)
        firsts = np.cumsum([0, *shares[:-1]])
        if count == 1:
            args = (parts[0], tf.constant(0, tf.int64))
        else:
            make = replicas(count).experimental_distribute_values_from_function
            args = (
                make(lambda c, parts=parts: parts[c.replica_id_in_sync_group]),
                make(
                    lambda c, firsts=firsts: tf.constant(
                        firsts[c.replica_id_in_sync_group], tf.int64
                    )
                ),
            )
        value = run(*args, tf.constant(number, tf.int64))
        values.append(float(replicas(count).experimental_local_results(value)[0]))
    state = [np.asarray(v.numpy()) for v in penalty.variables]
    return values, float(critic.factor.numpy()), state


@pytest.mark.parametrize("shares", [(4, 4), (3, 3, 2, 0)], ids=["2", "4"])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("gp", {}),
        ("dragan", {}),
        ("per_pixel", {}),
        ("bcr", {"augmentation": "color"}),
        ("max_gp", {}),
        ("max_gp", {"buffer": 3, "buffer_mode": "append"}),
        ("max_gp", {"buffer": 3, "buffer_mode": "replace"}),
        ("max_al", {"multiplier_rate": 0.5, "buffer": 2}),
    ],
)
def test_several_replicas_equal_one_replica_on_the_whole_batch(name, options, shares):
    """A maximum per replica, or noise per replica, would give different values."""
    one = steps_on(1, (sum(shares),), name, options)
    many = steps_on(len(shares), shares, name, options)
    assert many[0] == pytest.approx(one[0], rel=1e-5)
    assert many[1] == pytest.approx(one[1], rel=1e-5)
    for left, right in zip(one[2], many[2], strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-5, atol=1e-6)
