"""Tiny models, a run folder and its exports, shared by the tests of `export`."""

import io
import os
import pathlib
import subprocess
import sys

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from export import saved_model as saved_model_module
from tests.serving.conftest import saved_model
from tests.support.random_weights import randomize
from zoo.networks import CLSGANFeatures, DCGANCritic, DCGANGenerator
from zoo.presets import save_bundle
from zoo.tasks import ImageClassifier, ImageGenerator

__all__ = ["saved_model"]

SHAPE = (8, 8, 3)
NAMES = ["ant", "bee", "cat"]
ROOT = pathlib.Path(__file__).parents[2]


def raw(n=3, shape=SHAPE):
    return np.random.default_rng(1).integers(0, 256, (n, *shape), dtype="uint8")


def encode(image, kind="PNG"):
    buffer = io.BytesIO()
    PIL.Image.fromarray(image.squeeze()).save(buffer, kind)
    return buffer.getvalue()


@pytest.fixture(scope="session")
def classifier():
    features = CLSGANFeatures(SHAPE, filters=2, dtype="mixed_bfloat16")
    return randomize(
        ImageClassifier(
            features, 3, class_names=NAMES, extra_class=True, dropout=0.5, temperature=2.5
        )
    )


@pytest.fixture(scope="session")
def generator():
    return randomize(
        ImageGenerator(DCGANGenerator(SHAPE, latent_dim=5, base_filters=4, num_classes=3))
    )


@pytest.fixture(scope="session")
def run(tmp_path_factory, classifier, generator):
    folder = tmp_path_factory.mktemp("runs") / "clsgan-digits"
    parts = {"generator": generator, "critic": DCGANCritic(SHAPE, filters=2)}
    save_bundle(folder / "preset", root=classifier, parts=parts)
    return folder


@pytest.fixture(scope="session")
def exported(run, tmp_path_factory):
    """The folder that `python -m export` writes, self-check included, and its output."""
    directory = tmp_path_factory.mktemp("served")
    process = subprocess.run(
        [sys.executable, "-m", "export", run, directory, "--name", "digits"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr
    return directory, process.stdout


@pytest.fixture(scope="session")
def served(exported):
    """Signatures of both models, by model name."""
    load = tf.saved_model.load
    return {
        name: load(str(exported[0] / name / "1")).signatures for name in os.listdir(exported[0])
    }


@pytest.fixture
def unchecked(monkeypatch):
    """Turns off the self-check, which starts a process."""
    monkeypatch.setattr(saved_model_module, "verify", lambda folder, task: None)
