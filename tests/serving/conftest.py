"""Servers of tiny models, shared by the tests of serving."""

import shutil

import pytest

from export import saved_model as saved_model_module
from tests.support.random_weights import randomize
from tests.support.served_models import half_plus_two
from tests.support.server_process import serving
from zoo.networks import CLSGANFeatures, DCGANGenerator
from zoo.presets import save_bundle
from zoo.tasks import ImageClassifier, ImageGenerator

PREDICT = "/v1/models/m:predict"
HALF = {"instances": [1.0, 2.0, 5.0]}
SHAPE = (8, 8, 1)


@pytest.fixture(scope="session")
def saved_model(tmp_path_factory):
    """A tiny SavedModel, to be copied to base paths."""
    return half_plus_two(tmp_path_factory.mktemp("saved") / "model")


@pytest.fixture(scope="session")
def base_path(tmp_path_factory, saved_model):
    base = tmp_path_factory.mktemp("models") / "m"
    base.mkdir()
    (base / "1").symlink_to(saved_model)
    return base


@pytest.fixture(scope="session")
def server(tmp_path_factory, saved_model):
    """A server of version 3 of the model m, with labels and metrics."""
    folder = tmp_path_factory.mktemp("served")
    shutil.copytree(saved_model, folder / "m" / "3")
    (folder / "models.config").write_text(
        f"""model_config_list {{ config {{
          name: "m" base_path: "{folder / "m"}" model_platform: "tensorflow"
          version_labels {{ key: "stable" value: 3 }}
        }} }}"""
    )
    (folder / "monitoring.config").write_text("prometheus_config { enable: true }")
    with serving(
        "--model-config-file",
        folder / "models.config",
        "--monitoring_config_file",
        folder / "monitoring.config",
        "--max-request-bytes=200000",
        "--rest-api-timeout-in-ms=1500",
        version=3,
    ) as running:
        yield running


@pytest.fixture(scope="session")
def classifier():
    features = CLSGANFeatures(SHAPE, filters=2)
    return randomize(ImageClassifier(features, 3, class_names=["ant", "bee", "cat"]))


@pytest.fixture(scope="session")
def generator():
    network = DCGANGenerator(SHAPE, latent_dim=4, base_filters=4, num_classes=4)
    return randomize(ImageGenerator(network))


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory, classifier, generator):
    """A folder with a run and its exports, as the commands of docs/serving.md leave it."""
    folder = tmp_path_factory.mktemp("served_run")
    parts = {"generator": generator}
    save_bundle(folder / "runs" / "clsgan-digits" / "preset", root=classifier, parts=parts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(saved_model_module, "verify", lambda folder, task: None)
        saved_model_module.save_preset(
            folder / "runs" / "clsgan-digits", folder / "served", name="digits"
        )
    text = "model_config_list {"
    for name in ("digits", "digits_generator"):
        text += f' config {{ name: "{name}" base_path: "{folder / "served" / name}" }}'
    (folder / "models.config").write_text(text + "}")
    return folder


@pytest.fixture(scope="session")
def exported(run_folder):
    """A server of both exported models."""
    with serving("--model-config-file", run_folder / "models.config", model="digits") as server:
        server.wait_for(1, model="digits_generator")
        yield server
