"""A small CLS-GAN bundle, which the tests of presets share."""

import shutil

import pytest

from tests.support.preset_files import SHAPE
from tests.support.random_weights import randomize
from zoo.networks import CLSGANFeatures, DCGANCritic, DCGANGenerator
from zoo.presets import save_bundle
from zoo.tasks import ImageClassifier, ImageGenerator

NAMES = ["ant", "bee", "cat"]


@pytest.fixture(scope="module")
def classifier():
    network = CLSGANFeatures(SHAPE, filters=2)
    return randomize(
        ImageClassifier(
            network, 3, class_names=NAMES, pooling="max", extra_class=True, temperature=2.5
        )
    )


@pytest.fixture(scope="module")
def generator():
    return randomize(
        ImageGenerator(DCGANGenerator(SHAPE, latent_dim=5, base_filters=4, num_classes=3))
    )


@pytest.fixture(scope="module")
def critic():
    return randomize(DCGANCritic(SHAPE, filters=2))


@pytest.fixture(scope="module")
def saved(tmp_path_factory, classifier, generator, critic):
    """A preset with parts, which tests must not change; they change a `copy`."""
    return save_bundle(
        tmp_path_factory.mktemp("presets") / "clsgan",
        root=classifier,
        parts={"generator": generator, "critic": critic},
        metadata={"data": "digits", "metric": {"error_rate": 0.1}},
    )


@pytest.fixture
def copy(saved, tmp_path):
    return shutil.copytree(saved, tmp_path / "copy")
