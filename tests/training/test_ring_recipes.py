"""The recipes of toy data: found by their data set, checked, built and trained on points."""

import numpy as np
import pytest

from tests.support.cases import build as build_images
from tests.support.cases import train
from training import data as data_sets
from training.build import build_model
from training.recipes import available, find
from zoo.models import MODELS

RINGS = tuple(model for model in MODELS if "ring" in available(model))


def build(recipe, data):
    return build_model(recipe, image_shape=data.image_shape, class_names=data.class_names)


def test_every_method_of_the_papers_has_one():
    assert set(RINGS) >= {"gan", "lsgan", "wgan_gp", "ls_gan", "lgan"}


@pytest.mark.parametrize("model", RINGS)
def test_ring_recipe_trains_on_points(model):
    data = data_sets.load("ring")
    recipe = find(model, data="ring")
    assert (recipe.data.data, recipe.networks.network, recipe.run.batch_size) == (
        "ring",
        "mlp",
        512,
    )
    recipe.check()
    recipe = recipe.with_options(batch_size=80, latent_dim=4, steps=2)
    trained = build(recipe, data)
    before = [weights.copy() for weights in trained.generator.get_weights()]
    logs = train(trained, recipe, data, steps=2)
    assert all(np.isfinite(value) for value in logs.values())
    assert all(
        np.abs(old - new).max() > 0
        for old, new in zip(before, trained.generator.get_weights(), strict=True)
    )


def test_ring_recipe_runs_on_the_grid_too():
    recipe = find("lsgan", data="grid", name="ring")
    recipe.check()
    assert recipe.data.data == "grid"
    grid = data_sets.load("grid")
    assert build(recipe, grid).critic.image_shape == (2,)


def test_image_networks_are_refused_for_points():
    recipe = find("lsgan").with_options(network="dcgan")
    build_images(recipe.with_options(generator_filters=8, critic_filters=4, latent_dim=2))
    with pytest.raises(Exception, match=r"\(size, size, channels\)"):
        build(recipe, data_sets.load("ring"))
