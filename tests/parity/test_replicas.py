"""Same seed, same global batch: one replica and several give the same weights and logs."""

import keras
import numpy as np
import pytest

from tests.cases import (
    CLASSES,
    REGISTERED,
    SHAPE,
    build,
    tiny_data,
    tiny_recipe,
    train,
    weights,
)
from tests.devices import replicas
from zoo.networks import DCGANCritic, DCGANGenerator

STEPS = 10
OPTIMIZERS = {
    "sgd": (lambda: keras.optimizers.SGD(0.05), 1e-5),
    "adam": (lambda: keras.optimizers.Adam(1e-3, 0.5), 1e-4),
}


def run(recipe, optimizer, count, *, control=False):
    model = build(recipe, replicas(count))
    with model.distribute_strategy.scope():
        if control:
            model = recipe.build_control(image_shape=SHAPE, class_names=CLASSES)
            model.compile(optimizer())
        else:
            model.compile(optimizer(), optimizer())
    logs = train(model, recipe, tiny_data(), steps=STEPS)
    return weights(model), logs


def assert_equal_runs(one, many, tolerance):
    for left, right in zip(one[0], many[0], strict=True):
        scale = max(np.abs(left).max(), 1e-3)
        assert np.abs(left - right).max() <= tolerance * scale
    assert one[1].keys() == many[1].keys()
    for name, value in one[1].items():
        assert many[1][name] == pytest.approx(value, rel=1e-3, abs=1e-5), name


CASES = [(model, "adam") for model in REGISTERED] + [("lsgan", "sgd"), ("clsgan", "sgd")]


@pytest.mark.parametrize(("model", "optimizer"), CASES)
def test_two_replicas_equal_one(model, optimizer):
    """A mean over each replica's own batch, or noise of its own, would differ at once with SGD."""
    make, tolerance = OPTIMIZERS[optimizer]
    recipe = tiny_recipe(model)
    assert_equal_runs(run(recipe, make, 1), run(recipe, make, 2), tolerance)


@pytest.mark.parametrize("model", REGISTERED)
def test_uneven_shares_of_several_critic_batches_equal_one_replica(model):
    """Ten images on four replicas are 3, 3, 2, 2."""
    make, tolerance = OPTIMIZERS["sgd"]
    recipe = tiny_recipe(model, critic_steps=2, shift=1)
    assert_equal_runs(run(recipe, make, 1), run(recipe, make, 4), tolerance)


VARIANTS = {
    "buffer appended": ("lgan", {"penalty_buffer": 3, "penalty_buffer_mode": "append"}),
    "buffer replacing": (
        "lgan",
        {"penalty": "max_al", "penalty_weight": 1.0, "penalty_buffer": 3, "multiplier_rate": 0.1},
    ),
    "noise near real images": ("wgan_gp", {"penalty": "dragan"}),
    "all pairs": ("ls_gan", {"pairs": "all", "penalty": "direct"}),
    "label maps": (
        "hinge",
        {"conditional": "embedding", "label_dim": 2, "spectral_norm": True, "generator_batches": 2},
    ),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_uneven_shares_of_a_variant_equal_one_replica(variant):
    """Buffer and multiplier are among the weights that are compared."""
    make, tolerance = OPTIMIZERS["sgd"]
    model, changes = VARIANTS[variant]
    recipe = tiny_recipe(model, critic_normalization="none", **changes)
    recipe.check()
    assert_equal_runs(run(recipe, make, 1), run(recipe, make, 4), tolerance)


def test_the_supervised_control_is_the_same_on_two_replicas():
    make, tolerance = OPTIMIZERS["sgd"]
    recipe = tiny_recipe("clsgan", dropout=0.5)
    one, two = (run(recipe, make, count, control=True) for count in (1, 2))
    assert_equal_runs(one, two, tolerance)


def test_plain_arrays_with_an_uneven_last_batch_equal_one_replica():
    """`fit(images)` without the pipeline: 25 images in batches of 10 end with 5, as 3 and 2."""
    from zoo.models import LeastSquaresGAN

    images = tiny_data().train.images[:25]
    results = []
    for count in (1, 2):
        keras.utils.set_random_seed(0)
        with replicas(count).scope():
            model = LeastSquaresGAN(
                DCGANGenerator(SHAPE, latent_dim=5, base_filters=8), DCGANCritic(SHAPE, filters=4)
            )
            model.compile(keras.optimizers.SGD(0.05), keras.optimizers.SGD(0.05))
        model.fit(images, batch_size=10, epochs=2, shuffle=False, verbose=0)
        results.append((weights(model), {}))
    assert_equal_runs(*results, 1e-5)
