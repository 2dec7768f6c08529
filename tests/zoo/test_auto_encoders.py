"""BEGAN and EBGAN: losses by hand, the controller of BEGAN, and the auto-encoder."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.support.cases import build, tiny_data, tiny_recipe, train
from tests.support.devices import replicas
from zoo.models import (
    BoundaryEquilibrium,
    BoundaryEquilibriumGAN,
    EnergyBased,
    EnergyBasedGAN,
)
from zoo.models.ebgan import pull_away
from zoo.models.examples import Examples
from zoo.networks import AutoEncoderCritic, AutoEncoderGenerator, DCGANCritic

REAL = Examples(None, scores=tf.constant([0.25, 0.75]))
FAKE = Examples(None, scores=tf.constant([0.125, 2.0]))


def test_losses_of_ebgan_by_hand():
    """With margin 1 the hinges of 0.125 and 2 are 0.875 and 0."""
    objective = EnergyBased(margin=1.0)
    losses = objective.critic_losses(REAL, FAKE)
    np.testing.assert_allclose(losses["critic_loss_real"], [0.25, 0.75])
    np.testing.assert_allclose(losses["critic_loss_fake"], [0.875, 0.0])
    assert objective.generator_losses(FAKE, REAL).keys() == {"energy_of_fakes"}
    values = objective.diagnostics(REAL, FAKE)
    np.testing.assert_allclose(values["active_hinges"], [1.0, 0.0])
    np.testing.assert_allclose(values["gap"], [-0.125, 1.25])


def test_the_pull_away_term_is_the_mean_squared_cosine_of_pairs():
    """Cosines 0, 0.6 and 0.8: the mean over the six ordered pairs is (0 + 0.36 + 0.64) / 3."""
    codes = tf.constant([[2.0, 0.0], [0.0, 5.0], [3.0, 4.0]])
    np.testing.assert_allclose(pull_away(codes), [0.18, 0.32, 0.5], rtol=1e-5)
    fake = FAKE._replace(features=codes[:2])
    terms = EnergyBased(pull_away=0.1).generator_losses(fake, REAL)
    np.testing.assert_allclose(terms["pull_away"], [0.0, 0.0], atol=1e-7)


def test_the_pull_away_term_is_finite_at_zero_and_for_one_image():
    codes = tf.zeros((3, 2))
    with tf.GradientTape() as tape:
        tape.watch(codes)
        value = tf.reduce_sum(pull_away(codes))
    assert float(value) == 0.0 and np.isfinite(tape.gradient(value, codes)).all()
    np.testing.assert_allclose(pull_away(tf.ones((1, 2))), [0.0], atol=1e-6)


def test_the_pull_away_term_is_over_the_global_batch():
    codes = tf.random.stateless_normal((8, 5), (0, 0))
    strategy = replicas(2)
    parts = strategy.experimental_distribute_values_from_function(
        lambda context: tf.split(codes, 2)[context.replica_id_in_sync_group]
    )
    run = tf.function(lambda part: strategy.run(pull_away, args=(part,)))
    values = tf.concat(strategy.experimental_local_results(run(parts)), axis=0)
    np.testing.assert_allclose(values, pull_away(codes), rtol=1e-5)


def test_losses_of_began_by_hand():
    losses = BoundaryEquilibrium().critic_losses(REAL, FAKE, 0.5)
    np.testing.assert_allclose(losses["critic_loss_real"], [0.25, 0.75])
    np.testing.assert_allclose(losses["critic_loss_fake"], [-0.0625, -1.0])
    np.testing.assert_allclose(
        BoundaryEquilibrium().generator_losses(FAKE, REAL)["generator_loss"], [0.125, 2.0]
    )


@pytest.mark.parametrize(
    ("start", "expected"),
    # E(x) = 2 and E(g) = 0.5 with ratio 0.75: the excess is 1, and k moves by 0.25.
    [(0.0, 0.25), (0.5, 0.75), (0.9, 1.0)],
)
def test_the_controller_moves_k_by_the_excess(start, expected):
    recipe = tiny_recipe("began", diversity_ratio=0.75, balance_rate=0.25)
    model = build(recipe)
    model.balance.assign(start)
    values = {
        "score_real": tf.constant([1.0, 3.0]),
        "generator_loss": tf.constant([0.25, 0.75]),
    }
    model.finish_step(values, tf.constant(2.0))
    assert float(model.balance.numpy()) == pytest.approx(expected)
    assert float(model.logged_means()["convergence"]) == pytest.approx(3.0)


def test_the_critic_of_began_ignores_fakes_until_k_grows():
    recipe = tiny_recipe("began", balance_rate=0.5)
    model = build(recipe)
    first = train(model, recipe, tiny_data(), steps=1)
    assert first["balance"] == 0.0 and first["critic_loss_fake"] == 0.0
    assert 0.0 < float(model.balance.numpy()) < 1.0
    logs = train(model, recipe, tiny_data(), steps=2, first_step=1)
    assert logs["balance"] > 0.0 and logs["critic_loss_fake"] < 0.0
    measure = logs["score_real"] + abs(0.5 * logs["score_real"] - logs["generator_loss"])
    assert logs["convergence"] >= measure - 1e-5


@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 1), (32, 32, 3), (64, 64, 3)])
def test_the_error_is_that_of_the_reconstruction(shape):
    images = tf.random.stateless_uniform((2, *shape), (0, 0), -1.0, 1.0)
    for kind, size in (("l1", np.abs), ("l2", np.square)):
        critic = AutoEncoderCritic(shape, filters=2, code_dim=3, reconstruction=kind)
        decoded = critic.reconstruct(images)
        assert decoded.shape == images.shape and critic.encode(images).shape == (2, 3)
        expected = size(images - decoded).mean(axis=(1, 2, 3))
        np.testing.assert_allclose(critic(images), expected, rtol=1e-5)


@pytest.mark.parametrize("size", [4, 9, 30])
def test_an_unsupported_size_names_the_nearest(size):
    for network in (AutoEncoderGenerator, AutoEncoderCritic):
        with pytest.raises(ValueError, match="nearest are"):
            network((size, size, 1))


def test_an_auto_encoder_learns_its_images():
    critic = AutoEncoderCritic((8, 8, 1), filters=8, code_dim=8)
    images = tiny_data().train.images.astype("float32") / 127.5 - 1.0
    critic.compile(keras.optimizers.Adam(3e-3), loss=lambda _, error: error)
    before = float(tf.reduce_mean(critic(images)))
    critic.fit(images, np.zeros(30), batch_size=30, epochs=60, verbose=0)
    assert float(tf.reduce_mean(critic(images))) < 0.5 * before


@pytest.mark.parametrize("model", [BoundaryEquilibriumGAN, EnergyBasedGAN])
def test_a_critic_without_reconstruction_is_refused(model):
    generator = AutoEncoderGenerator((8, 8, 1), latent_dim=2, filters=2)
    with pytest.raises(ValueError, match="zoo.networks.AutoEncoderCritic, received a DCGANCritic"):
        model(generator, DCGANCritic((8, 8, 1), filters=2))


@pytest.mark.parametrize(
    ("option", "value", "attribute"),
    [("code_dim", 7, "code_dim"), ("reconstruction", "l2", "reconstruction")],
)
def test_options_reach_the_critic(option, value, attribute):
    assert getattr(build(tiny_recipe("began", **{option: value})).critic, attribute) == value


@pytest.mark.parametrize("model", ["began", "ebgan"])
@pytest.mark.parametrize("generator", ["autoencoder", "dcgan", "resnet"])
def test_the_generator_can_be_chosen(model, generator):
    names = {"autoencoder": "AutoEncoder", "dcgan": "DCGAN", "resnet": "ResNet"}
    built = build(tiny_recipe(model, generator_network=generator))
    assert type(built.generator).__name__ == f"{names[generator]}Generator"
