"""Class-conditional layers and networks: by hand, in any network, and with thousands of classes."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.support.cases import tiny_recipe
from training.build import build_model
from training.recipes import find
from zoo.ema import clone
from zoo.layers import ConditionalBatchNormalization, LabelProjection
from zoo.layers.spectral_norm import SpectralNormalization
from zoo.networks import (
    CharacterCritic,
    CharacterGenerator,
    ConditionalCritic,
    ConditionalGenerator,
    ProjectionCritic,
    make_critic,
    make_generator,
)
from zoo.networks.spectral import SpectralCritic

LABELS = tf.constant([0, 2, 2, 1, 0, 1], tf.int64)


def normal(*shape, seed=0):
    return tf.random.stateless_normal(shape, (seed, 1))


def trainable(network):
    return sum(int(np.prod(variable.shape)) for variable in network.trainable_variables)


def test_conditional_batch_normalisation_by_hand():
    """One mean and variance for all classes, then the scale and offset of each image's class."""
    layer = ConditionalBatchNormalization(3, momentum=0.5, epsilon=0.25)
    x = 3.0 + 2.0 * normal(6, 2, 2, 4)
    layer(x, LABELS)
    gamma, beta = (normal(3, 4, seed=seed).numpy() for seed in (1, 2))
    layer.gamma.assign(gamma)
    layer.beta.assign(beta)
    mean, variance = (f(x.numpy(), axis=(0, 1, 2)) for f in (np.mean, np.var))
    classes = LABELS.numpy()

    def expected(mean, variance):
        whitened = (x.numpy() - mean) / np.sqrt(variance + 0.25)
        return gamma[classes][:, None, None] * whitened + beta[classes][:, None, None]

    np.testing.assert_allclose(layer(x, LABELS), expected(0.0, 1.0), rtol=1e-4, atol=1e-5)
    outputs = layer(x, LABELS, training=True)
    np.testing.assert_allclose(outputs, expected(mean, variance), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(
        layer(x, LABELS), expected(0.5 * mean, 0.5 + 0.5 * variance), rtol=1e-4, atol=1e-5
    )
    assert layer.statistics.synchronized
    assert len(layer.trainable_variables) == 2 and len(layer.non_trainable_variables) == 2


@pytest.mark.parametrize(
    ("name", "shape"), [("dcgan", (8, 8, 1)), ("resnet", (8, 8, 1)), ("scene", (64, 64, 1))]
)
def test_the_label_reaches_a_generator_by_its_conditional_norms_alone(name, shape):
    generator = make_generator(
        name,
        image_shape=shape,
        latent_dim=6,
        filters=4,
        num_classes=3,
        normalization="conditional_batch",
    )
    assert generator.project.kernel.shape[0] == 6
    latent, one, two = normal(2, 6), tf.constant([0, 0]), tf.constant([1, 1])

    def difference():
        images = (generator({"latent": latent, "label": y}, training=True) for y in (one, two))
        return np.abs(np.subtract(*images)).max()

    norms = [
        layer
        for layer in generator._flatten_layers()
        if isinstance(layer, ConditionalBatchNormalization)
    ]
    for norm in norms:
        norm.gamma.assign(tf.ones_like(norm.gamma))
    assert difference() == 0.0
    for norm in norms:
        before = norm.beta.value.read_value()
        norm.beta.assign(tf.tensor_scatter_nd_add(before, [[1, 0]], [0.7]))
        assert difference() > 1e-4, norm.path
        norm.beta.assign(before)
    twin = clone(generator)
    inputs = {"latent": latent, "label": one}
    np.testing.assert_array_equal(twin(inputs), generator(inputs))


def test_conditional_norms_need_classes():
    with pytest.raises(ValueError, match="needs classes"):
        make_generator(
            "dcgan", image_shape=(8, 8, 1), latent_dim=2, normalization="conditional_batch"
        )


@pytest.mark.parametrize(
    ("name", "shape"),
    [("dcgan", (8, 8, 1)), ("resnet", (8, 8, 1)), ("mlp", (2,)), ("scene", (64, 64, 1))],
)
def test_projection_adds_the_product_of_features_and_the_classs_vector(name, shape):
    network = make_critic(name, image_shape=shape, filters=4)
    critic = ProjectionCritic(network, 3)
    images = normal(6, *shape)
    features = network.features(images)
    vectors = normal(3, features.shape[-1], seed=2)
    critic.projection.kernel.assign(vectors)
    scores = critic({"images": images, "label": LABELS})
    expected = network(images) + tf.reduce_sum(tf.gather(vectors, LABELS) * features, axis=-1)
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-5)
    assert scores.dtype == "float32" and np.ptp(scores - network(images)) > 1e-3
    twin = clone(critic)
    inputs = {"images": images, "label": LABELS}
    np.testing.assert_array_equal(twin(inputs), critic(inputs))


def test_a_projection_needs_features():
    with pytest.raises(ValueError, match="must be a zoo.networks.network.Critic"):
        ProjectionCritic(CharacterCritic((16, 16, 1), num_classes=2, filters=2, label_dim=2), 2)


def test_spectral_norm_divides_the_projections_vectors_too():
    layer = LabelProjection(3)
    wrapped = SpectralNormalization(layer)
    layer.build((None, 4))
    wrapped.build(None)
    layer.kernel.assign(5.0 * normal(3, 4, seed=3))
    largest = np.linalg.svd(np.array(layer.kernel), compute_uv=False)[0]
    critic = SpectralCritic(ProjectionCritic(make_critic("mlp", image_shape=(4,), filters=3), 3))
    assert len(critic.normalised.kernels()) == 4 and critic.takes_labels
    kernel = critic.network.projection.kernel
    kernel.assign(5.0 * normal(3, 3, seed=3))
    raw = np.array(kernel)
    inputs = {"images": normal(6, 4), "label": LABELS}
    for _ in range(60):
        scores = critic(inputs, training=True)
    np.testing.assert_array_equal(raw, kernel)
    assert largest > 1.0
    # The same network with all kernels divided by hand.
    for one in critic.normalised.kernels():
        one.assign(one / np.linalg.svd(np.array(one), compute_uv=False)[0])
    np.testing.assert_allclose(critic.network(inputs), scores, rtol=1e-3, atol=1e-5)


def test_character_networks_have_the_released_codes_parameters():
    """mcgan.py of Multi-class_GAN: 28 x 28 x 1, 3740 classes mapped to 256, z of 1024.

    G: map 957,440; dense 1280 x 6272 + 6272; 25 x 128 x 128 + 128; 25 x 128 + 1; BN 2 (2 x 128).
    D: map 957,440; conv 25 x 1 x 257 + 257; conv 25 x (257 + 256) x 320 + 320; BN 640; dense
    (7 x 7 x 320 + 256) x 1024 + 1024; BN 2048; last 1024 + 256 + 1.
    """
    network = CharacterGenerator((28, 28, 1), latent_dim=1280)
    generator = ConditionalGenerator(network, 3740, label_dim=256)
    critic = CharacterCritic((28, 28, 1), num_classes=3740)
    assert trainable(generator) == 957_440 + 8_034_432 + 409_728 + 3_201 + 512
    convolutions = 6_682 + 4_104_320 + 640
    assert trainable(critic) == 957_440 + convolutions + 16_319_488 + 2_048 + 1_281
    assert generator.latent_dim == 1024


def test_character_critic_sees_the_label_at_each_of_the_three_layers():
    critic = CharacterCritic((16, 16, 1), num_classes=3, label_dim=2, filters=2)
    critic.label_map.embeddings.assign([[1.0, -1.0], [2.0, 1.0], [0.0, 3.0]])
    weights = [critic.downs[1].kernel, critic.dense.kernel, critic.score.kernel]
    label_rows = [slice(3, 5), slice(-2, None), slice(-2, None)]  # Behind 1 + 2 maps; last.
    saved = [np.array(weight) for weight in weights]
    inputs = {"images": normal(6, 16, 16, 1), "label": LABELS}
    other = inputs | {"label": (LABELS + 1) % 3}

    def keep(*layers):
        for i, (weight, value, rows) in enumerate(zip(weights, saved, label_rows, strict=True)):
            value = 100 * value  # Initial weights are so small that a change would round away.
            axis = -2
            if i not in layers:
                index = [slice(None)] * value.ndim
                index[axis] = rows
                value[tuple(index)] = 0.0
            weight.assign(value)
        return np.abs(critic(inputs) - critic(other)).max()

    assert keep() == 0.0
    for layer in range(3):
        assert keep(layer) > 1e-4, layer


@pytest.mark.parametrize("recipe", ["many_classes", "plain"])
def test_thousands_of_classes_take_a_map_and_not_as_many_channels(recipe):
    """3740 classes: one step at tiny widths; no tensor has 3740 channels an image."""
    classes = 3740
    changes = {"label_dim": 8, "latent_dim": 6, "generator_filters": 8, "critic_filters": 4}
    if recipe == "many_classes":
        full = find("lsgan", name="many_classes")
        recipe = full.with_options(batch_size=4, steps=1, **changes)
    else:
        recipe = tiny_recipe("lsgan", **changes, conditional="embedding", batch_size=4)
    recipe.check()
    names = tuple(map(str, range(classes)))
    model = build_model(recipe, image_shape=(28, 28, 1), class_names=names)
    images = np.zeros((4, 28, 28, 1), "uint8")
    labels = np.array([0, 7, 3739, 3739])
    before = np.array(model.critic.label_map.embeddings)
    logs = model.fit(images, labels, batch_size=4, verbose=0).history
    assert np.isfinite(logs["critic_loss"]).all()
    moved = np.abs(np.array(model.critic.label_map.embeddings) - before).max(axis=1) > 0
    np.testing.assert_array_equal(np.flatnonzero(moved), [0, 7, 3739])
    assert trainable(model.critic) < 8 * classes + 100_000
    assert trainable(model.generator) < 8 * classes + 30_000
    assert model.generator.num_classes == classes
    variables = [*model.critic.variables, *model.generator.variables]
    assert all(size < classes for variable in variables for size in variable.shape[1:])


ROUND_TRIP = [
    lambda: ProjectionCritic(make_critic("dcgan", image_shape=(8, 8, 1), filters=2), 3),
    lambda: SpectralCritic(
        ProjectionCritic(make_critic("resnet", image_shape=(8, 8, 1), filters=2), 3)
    ),
    lambda: CharacterCritic((16, 16, 1), num_classes=3, label_dim=2, filters=2),
    lambda: ConditionalCritic(make_critic("mlp", image_shape=(4,), filters=2), 3),
    lambda: make_generator(
        "resnet",
        image_shape=(8, 8, 1),
        latent_dim=3,
        filters=4,
        num_classes=2,
        normalization="conditional_batch",
    ),
    lambda: CharacterGenerator(
        (16, 16, 1), latent_dim=3, base_filters=2, num_classes=2, normalization="conditional_batch"
    ),
]


@pytest.mark.parametrize("make", ROUND_TRIP)
def test_config_and_preset_weights_round_trip(make, tmp_path):
    network = make()
    twin = clone(network)
    assert twin.get_config() == network.get_config()
    for variable in network.variables:
        variable.assign(variable + 0.25)
    network.as_functional().save_weights(tmp_path / "model.weights.h5")
    twin.as_functional().load_weights(tmp_path / "model.weights.h5")
    for left, right in zip(network.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)


def test_mixed_precision_scores_are_float32():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        critic = ProjectionCritic(make_critic("dcgan", image_shape=(8, 8, 1), filters=2), 3)
        generator = make_generator(
            "dcgan",
            image_shape=(8, 8, 1),
            latent_dim=3,
            filters=4,
            num_classes=3,
            normalization="conditional_batch",
        )
    finally:
        keras.config.set_dtype_policy("float32")
    images = generator({"latent": normal(6, 3), "label": LABELS}, training=True)
    scores = critic({"images": images, "label": LABELS})
    assert images.dtype == "bfloat16" and scores.dtype == "float32"
    assert critic.projection.kernel.dtype == "float32"
