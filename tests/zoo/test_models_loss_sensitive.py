"""LS-GAN and GLS-GAN: terms by hand, special cases to the bit, all pairs on several replicas."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.support.devices import replicas
from zoo.models import (
    GeneralizedLossSensitive,
    GeneralizedLossSensitiveGAN,
    LossSensitive,
    LossSensitiveGAN,
    WassersteinGAN,
)
from zoo.models.examples import Examples
from zoo.networks import DCGANCritic, DCGANGenerator
from zoo.penalties import make_penalty

SHAPE = (8, 8, 1)


def pair(seed=0):
    keras.utils.set_random_seed(seed)
    generator = DCGANGenerator(SHAPE, latent_dim=5, base_filters=8, normalization="none")
    return generator, DCGANCritic(SHAPE, filters=4, normalization="none")


def scored(scores, brightness):
    """Images of one brightness each."""
    levels = tf.reshape(tf.constant(brightness, tf.float32), (-1, 1, 1, 1))
    return Examples(levels * tf.ones((1, *SHAPE)), None, tf.constant(scores, tf.float32))


REAL, FAKE = scored([1.0, 0.0], [0.5, 0.0]), scored([1.5, 3.0], [0.0, -1.0])
"""Margins of scale 2: 1 and 2 for pairs of one index, [[1, 3], [0, 2]] for all. So the arguments
Delta + L(x) - L(g) are 0.5 and -1, and [[0.5, 1], [-1.5, -1]]."""


@pytest.mark.parametrize(
    ("pairs", "hinges", "active"),
    [("same_index", [0.5, 0.0], [1.0, 0.0]), ("all", [0.75, 0.0], [1.0, 0.0])],
)
def test_hinge_term_by_hand(pairs, hinges, active):
    model = LossSensitiveGAN(*pair(), LossSensitive(margin_scale=2.0, pairs=pairs))
    terms, values = model.critic_terms(REAL, FAKE)
    assert terms.keys() == {"hinge"}
    np.testing.assert_allclose(terms["hinge"], hinges, rtol=1e-6)
    np.testing.assert_array_equal(values["active_hinges"], active)
    np.testing.assert_allclose(values["gap"], [0.5, 3.0])


@pytest.mark.parametrize(
    ("slope", "costs"),
    [(0.5, [0.5, -0.5]), (-1.0, [0.5, 1.0]), (1.0, [0.5, -1.0]), ("elu", [0.5, np.exp(-1) - 1])],
)
def test_generalized_cost_by_hand(slope, costs):
    model = GeneralizedLossSensitiveGAN(
        *pair(), GeneralizedLossSensitive(margin_scale=2.0, slope=slope)
    )
    np.testing.assert_allclose(model.critic_terms(REAL, FAKE)[0]["hinge"], costs, rtol=1e-6)


def test_first_term_and_generator_have_the_sign_of_a_loss():
    model = LossSensitiveGAN(*pair(), LossSensitive(first_term_weight=0.1))
    terms, _ = model.critic_terms(REAL, FAKE)
    np.testing.assert_allclose(terms["first_term"], [0.1, 0.0], rtol=1e-6)
    assert model.generator_losses(FAKE, REAL)["loss_of_fakes"] is FAKE.scores


def test_l2_margin_reaches_the_objective():
    images = tf.reshape(tf.constant([1.0] + 63 * [0.0]), (1, *SHAPE))
    real, fake = (Examples(v, None, tf.zeros(1)) for v in (images, tf.zeros_like(images)))
    for distance, delta in (("l1", 1 / 64), ("l2", 1 / 8)):
        model = LossSensitiveGAN(*pair(), LossSensitive(distance=distance, margin_scale=1.0))
        assert float(model.critic_terms(real, fake)[0]["hinge"][0]) == pytest.approx(delta)


@pytest.mark.parametrize(("activation", "least"), [("relu", 0.0), ("softplus", 1e-9)])
def test_output_activation_makes_the_loss_non_negative(activation, least):
    networks = pair()
    images = Examples(tf.random.stateless_normal((32, *SHAPE), (1, 2)) * 50.0)
    noise = LossSensitiveGAN(*networks).unpack(images.images)[1]
    raw = LossSensitiveGAN(*networks).score(images, noise).scores
    scores = (
        LossSensitiveGAN(*networks, LossSensitive(output_activation=activation))
        .score(images, noise)
        .scores
    )
    assert float(tf.reduce_min(raw)) < 0 <= least <= float(tf.reduce_min(scores))
    positive = raw > 5
    np.testing.assert_allclose(scores[positive], raw[positive], rtol=1e-2)


def images(count=6):
    return tf.random.stateless_uniform((count, *SHAPE), (3, 4), -1.0, 1.0)


def trained(model, *, steps=3, critic=None, optimizer=lambda: keras.optimizers.SGD(0.05)):
    """Weights of (generator, critic) after some steps."""
    if critic is not None:
        critic(model.critic)
    model.compile(optimizer(), optimizer())
    for _ in range(steps):
        model.train_step(images())
    return [[np.array(w) for w in net.variables] for net in (model.generator, model.critic)]


def test_weight_decay_adds_the_weight_itself_to_both_gradients():
    """One step of SGD from the same weights differs by -rate * decay * w, to rounding."""
    start = [[np.array(w) for w in net.variables] for net in pair()]
    plain = trained(LossSensitiveGAN(*pair()), steps=1)
    decayed = trained(LossSensitiveGAN(*pair(), LossSensitive(weight_decay=0.5)), steps=1)
    # The generator's gradient comes after the critic's step, which differs: compare the critic.
    for first, left, right in zip(start[1], plain[1], decayed[1], strict=True):
        np.testing.assert_allclose(right - left, -0.05 * 0.5 * first, atol=1e-7)
    model = LossSensitiveGAN(*pair(), LossSensitive(weight_decay=0.5))
    squares = sum(float(tf.reduce_sum(w.value**2)) for w in model.generator.trainable_variables)
    terms = model.generator_losses(FAKE, REAL)["generator_weight_decay"]
    np.testing.assert_allclose(terms, [0.25 * squares] * 2, rtol=1e-5)


def test_slope_zero_is_ls_gan_to_the_bit():
    left = trained(LossSensitiveGAN(*pair(), LossSensitive(margin_scale=1e-3)))
    right = trained(
        GeneralizedLossSensitiveGAN(*pair(), GeneralizedLossSensitive(margin_scale=1e-3, slope=0.0))
    )
    other = trained(
        GeneralizedLossSensitiveGAN(*pair(), GeneralizedLossSensitive(margin_scale=1e-3, slope=0.1))
    )
    assert all(np.array_equal(a, b) for a, b in zip(left[1], right[1], strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(left[0], right[0], strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(left[1], other[1], strict=True))


@pytest.mark.parametrize(
    "optimizer",
    [lambda: keras.optimizers.SGD(0.05), lambda: keras.optimizers.RMSprop(5e-4)],
    ids=["sgd", "rmsprop"],
)
def test_slope_one_is_wgan_to_the_bit(optimizer):
    """WGAN's critic is -L: the same network with the last layer's sign changed."""

    def negate(critic):
        critic.score.kernel.assign(-critic.score.kernel.value)

    def clip():
        return make_penalty("clip", {"bound": 0.05})

    loss = GeneralizedLossSensitiveGAN(*pair(), GeneralizedLossSensitive(slope=1.0), penalty=clip())
    left = trained(loss, optimizer=optimizer)
    right = trained(WassersteinGAN(*pair(), penalty=clip()), critic=negate, optimizer=optimizer)
    assert all(np.array_equal(a, b) for a, b in zip(left[0], right[0], strict=True))
    *hidden, last = zip(left[1], right[1], strict=True)
    assert all(np.array_equal(a, b) for a, b in hidden)
    assert np.array_equal(last[0], -last[1])


@pytest.mark.parametrize(
    "shares", [(5, 5), pytest.param((3, 3, 2, 2), marks=pytest.mark.slow)], ids=["2", "4"]
)
def test_all_pairs_are_those_of_the_global_batch(shares):
    """Pairs of each replica's own images alone would differ at once."""
    results = []
    for count in (1, len(shares)):
        with replicas(count).scope():
            model = LossSensitiveGAN(*pair(), LossSensitive(margin_scale=0.1, pairs="all"))
            model.compile(keras.optimizers.SGD(0.05), keras.optimizers.SGD(0.05))
        model.fit(images(10), batch_size=10, epochs=3, shuffle=False, verbose=0)
        results.append([np.array(w) for w in (*model.critic.variables, *model.generator.variables)])
    for left, right in zip(*results, strict=True):
        np.testing.assert_allclose(left, right, atol=1e-5 * max(np.abs(left).max(), 1e-3))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"margin_scale": -1.0}, "margin_scale"),
        ({"first_term_weight": -0.1}, "first_term_weight"),
        ({"weight_decay": -0.1}, "weight_decay"),
        ({"distance": "linf"}, "'l1' or 'l2'"),
        ({"pairs": "none"}, "same_index"),
        ({"output_activation": "tanh"}, "softplus"),
        ({"slope": 1.5}, "at most 1"),
        ({"slope": float("nan")}, "at most 1"),
        ({"slope": "leaky"}, "'elu'"),
    ],
)
def test_options_that_cannot_be(options, message):
    with pytest.raises(ValueError, match=message):
        GeneralizedLossSensitiveGAN(*pair(), GeneralizedLossSensitive(**options))
