"""A browser with the playground of tiny models."""

import shutil

import pytest

from export import saved_model as saved_model_module
from tests.serving.conftest import SHAPE
from tests.support.browser import Watched, chromium
from tests.support.played import CLASSES, HOSTILE, address
from tests.support.random_weights import randomize
from tests.support.server_process import serving
from zoo.networks import CLSGANFeatures, DCGANGenerator
from zoo.tasks import ImageClassifier, ImageGenerator


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture(scope="session")
def config(tmp_path_factory, saved_model):
    """A file with a classifier, two versions of its generator, and models that do not fit."""
    folder = tmp_path_factory.mktemp("played")
    features = CLSGANFeatures(SHAPE, filters=2)
    network = DCGANGenerator(SHAPE, latent_dim=4, base_filters=4, num_classes=3)
    generator = randomize(ImageGenerator(network))
    classifier = randomize(ImageClassifier(features, 3, class_names=CLASSES))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(saved_model_module, "verify", lambda folder, task: None)
        saved_model_module.save_all({"toy": classifier, "toy_generator": generator}, folder)
    shutil.copytree(folder / "toy_generator" / "1", folder / "toy_generator" / "2")
    shutil.copytree(saved_model, folder / "other" / "1")
    (folder / "broken" / "1").mkdir(parents=True)
    (folder / "broken" / "1" / "saved_model.pb").write_bytes(b"damaged")
    text = "model_config_list {"
    for name, base in (
        ("toy", "toy"), ("toy_generator", "toy_generator"), (HOSTILE, "other"),
        ("broken", "broken"),
    ):  # fmt: skip
        policy = "model_version_policy { all {} }"
        text += f' config {{ name: "{name}" base_path: "{folder / base}" {policy} }}'
    path = folder / "models.config"
    path.write_text(text + "}")
    return path


@pytest.fixture(scope="module")
def server(browser, config):
    """A server of the models."""
    with serving("--playground", "--model-config-file", config, model="toy", grpc=False) as running:
        running.wait_for(2, model="toy_generator")
        yield running


@pytest.fixture(scope="module")
def opened(browser, server):
    """The page of the server, which loads without an error."""
    watched = Watched(browser, viewport={"width": 1180, "height": 900}, accept_downloads=True)
    watched.page.goto(address(server))
    watched.page.wait_for_selector("#bars:not([hidden])")
    assert not watched.errors
    yield watched
    watched.context.close()


@pytest.fixture
def page(opened):
    """The page; the test must leave no error on the console, and no request to other hosts."""
    opened.errors.clear()
    yield opened.page
    assert not opened.errors
    base = opened.page.url.removesuffix("playground/")
    assert all(url.startswith(base) for url in opened.requests)
