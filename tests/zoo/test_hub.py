"""keras-hub and the zoo read each other's presets, in separate processes."""

import importlib
import json
import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

keras_hub = pytest.importorskip("keras_hub")
pytest.importorskip("grain")

from keras_hub.src.tests.test_case import TestCase  # noqa: E402

import zoo.hub  # noqa: E402
from tests.support.small_tasks import make_classifier, make_generator, raw  # noqa: E402
from zoo.networks import CLSGANFeatures, DCGANGenerator  # noqa: E402
from zoo.presets import load_network  # noqa: E402
from zoo.tasks import ImageClassifier, ImageGenerator, from_preset  # noqa: E402

# Keras and keras-hub warn about their own optimizers, data adapters and `compile`.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Skipping variable loading for optimizer"),
    pytest.mark.filterwarnings("ignore:`shuffle=True` was passed"),
    pytest.mark.filterwarnings("ignore:`compile..` was not called as part of model loading"),
]

ROOT = pathlib.Path(__file__).parents[2]
SHAPE = (8, 8, 3)
TASKS = ("classifier", "generator", "conditional")

READ_WITH_KERAS_HUB = """
import sys, numpy as np, keras_hub, zoo.hub
folder = sys.argv[1]
x = np.load(folder + "/x.npy")
found = {"classifier": keras_hub.models.ImageClassifier.from_preset(folder + "/classifier")}
for name in ("generator", "conditional"):
    found[name] = zoo.hub.NetworkImageGenerator.from_preset(f"{folder}/{name}")
np.savez(folder + "/outputs.npz", classifier=found["classifier"].predict(x, verbose=0),
         **{name: found[name].generate(5, seed=3) for name in ("generator", "conditional")})
for name, task in found.items():
    task.save_to_preset(f"{folder}/again/{name}")
backbone = keras_hub.models.Backbone.from_preset(folder + "/conditional")
assert type(backbone) is zoo.hub.NetworkBackbone, type(backbone)
portable = keras_hub.models.ImageClassifier.from_preset(folder + "/classifier", num_classes=7)
assert portable.predict(x, verbose=0).shape == (5, 7)
"""
READ_WITH_STOCK = """
import sys, numpy as np, keras_hub
folder = sys.argv[1]
x = np.load(folder + "/x.npy")
model = keras_hub.models.ImageClassifier.from_preset(folder + "/portable")
np.save(folder + "/portable.npy", model.predict(x, verbose=0))
assert not [name for name in sys.modules if name.split(".")[0] == "zoo"]
"""
READ_WITHOUT_HUB = """
import sys, numpy as np, zoo
folder = sys.argv[1]
x = np.load(folder + "/x.npy")
np.savez(folder + "/core.npz",
         classifier=zoo.from_preset(folder + "/again/classifier")(x),
         **{name: zoo.from_preset(f"{folder}/again/{name}").generate(5, seed=3)
            for name in ("generator", "conditional")})
assert "keras_hub" not in sys.modules
"""


def run(code, folder):
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        cwd=folder,
        env={
            "PYTHONPATH": str(ROOT),
            "HOME": str(folder),
            "TF_CPP_MIN_LOG_LEVEL": "3",
            # The parent and the child must use the same kernels, which round alike.
            "TF_ENABLE_ONEDNN_OPTS": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "0"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.fixture(scope="module")
def tasks():
    return {
        "classifier": make_classifier(
            dropout=0.2, pooling="max", class_names=["a", "b", "c", "d"], extra_class=True
        ),
        "generator": make_generator(latent="uniform"),
        "conditional": make_generator(num_classes=3),
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory, tasks):
    folder = tmp_path_factory.mktemp("hub")
    for name, task in tasks.items():
        task.save_to_preset(folder / name)
    zoo.hub.save_portable(tasks["classifier"], folder / "portable")
    np.save(folder / "x.npy", raw())
    run(READ_WITH_KERAS_HUB, folder)
    run(READ_WITHOUT_HUB, folder)
    return folder


@pytest.mark.parametrize("name", TASKS)
def test_both_readers_give_the_same(folder, tasks, name):
    task = tasks[name]
    expected = task(raw()) if name == "classifier" else task.generate(5, seed=3)
    for file in ("outputs.npz", "core.npz"):
        np.testing.assert_array_equal(np.load(folder / file)[name], expected)


@pytest.mark.parametrize("name", TASKS)
def test_both_writers_agree(folder, name):
    ours, theirs = folder / name, folder / "again" / name
    names = {path.name for path in ours.iterdir()}
    assert names == {path.name for path in theirs.iterdir()}
    for file in sorted(file for file in names if file.endswith(".json")):
        one, two = (json.loads((path / file).read_text()) for path in (ours, theirs))
        if file == "metadata.json":
            # keras-hub counts only the backbone's parameters, and also lists a task's base classes.
            assert name != "classifier" or set(one["tasks"]) <= set(two["tasks"])
        else:
            assert one == two, file


def test_stock_keras_hub_loads_a_portable_classifier(folder, tasks):
    run(READ_WITH_STOCK, folder)
    expected = tasks["classifier"](raw())
    np.testing.assert_allclose(np.load(folder / "portable.npy"), expected, atol=1e-5)
    with pytest.raises(ValueError, match="not empty"):
        zoo.hub.save_portable(tasks["classifier"], folder / "portable")
    with pytest.raises(ValueError, match="has none"):
        zoo.hub.save_portable(make_classifier(head_bias=False), folder / "other")


def test_precision_is_that_asked_for(folder, tasks):
    path = str(folder / "classifier")
    low = keras_hub.models.ImageClassifier.from_preset(path, dtype="mixed_bfloat16")
    layers = [layer for layer in low.backbone.network.layers if layer.weights]
    assert {layer.compute_dtype for layer in layers} == {"bfloat16"}
    assert keras.config.dtype_policy().name == "float32"
    np.testing.assert_allclose(low.predict(raw()), tasks["classifier"](raw()), atol=0.2)
    network = tasks["generator"].network
    rebuilt = zoo.hub.NetworkBackbone(network, dtype="bfloat16")
    assert rebuilt.network is not network
    np.testing.assert_allclose(rebuilt.network.get_weights()[0], network.get_weights()[0], atol=0.1)


def test_keras_hub_fine_tunes_and_the_zoo_loads_it(folder, tmp_path):
    path = str(folder / "classifier")
    model = keras_hub.models.ImageClassifier.from_preset(path)
    model.compile(optimizer=keras.optimizers.SGD(0.01), loss=model.loss)
    before = model.predict(raw(), verbose=0)
    model.fit(raw(), np.arange(5) % 4, batch_size=5, verbose=0)
    after = model.predict(raw(), verbose=0)
    assert np.abs(after - before).max() > 1e-4
    model.save_to_preset(str(tmp_path / "tuned"))
    np.testing.assert_allclose(from_preset(tmp_path / "tuned")(raw()), after, atol=1e-6)
    # Raw images of any size and channels.
    assert model.predict(raw(2, (13, 9, 1)), verbose=0).shape == (2, 4)


def test_hostile_backbones_are_refused():
    layer = {"module": "keras.layers", "class_name": "Lambda", "config": {}}
    with pytest.raises(ValueError, match="names 'Lambda'"):
        zoo.hub.NetworkBackbone(layer)


def test_without_the_extra_the_install_line_is_given(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras_hub", None)
    monkeypatch.delitem(sys.modules, "zoo.hub")
    with pytest.raises(ImportError, match=r"pip install 'lipschitz-gan-zoo\[hub\]'"):
        importlib.import_module("zoo.hub")


class TestWithKerasHubsOwnCases(TestCase):
    """keras-hub's own test cases, applied to the adapters and to the zoo's tasks."""

    def test_backbone_of_features(self):
        self.run_vision_backbone_test(
            cls=zoo.hub.NetworkBackbone,
            init_kwargs={"network": CLSGANFeatures(SHAPE, filters=3, normalization="none")},
            input_data=np.ones((2, *SHAPE), "float32"),
            expected_output_shape=(2, 2, 2, 6),
            # The `dtype` of a network reaches its layers only when a preset is loaded.
            run_mixed_precision_check=False,
            run_quantization_check=False,
            run_data_format_check=False,
        )

    def test_backbone_of_a_generator(self):
        network = DCGANGenerator(SHAPE, latent_dim=6, base_filters=4, num_classes=3)
        self.run_backbone_test(
            cls=zoo.hub.NetworkBackbone,
            init_kwargs={"network": network},
            input_data={"latent": np.ones((2, 6), "float32"), "label": np.ones(2, "int64")},
            expected_output_shape=(2, *SHAPE),
            variable_length_data=[],
            run_mixed_precision_check=False,
            run_quantization_check=False,
        )

    def test_classifier(self):
        backbone = zoo.hub.NetworkBackbone(CLSGANFeatures(SHAPE, filters=3))
        self.run_task_test(
            cls=zoo.hub.NetworkImageClassifier,
            init_kwargs={
                "backbone": backbone,
                "preprocessor": zoo.hub.NetworkImagePreprocessor(SHAPE),
                "num_classes": 4,
            },
            train_data=(raw(4), np.arange(4)),
            expected_output_shape=(4, 4),
        )
        self.run_model_saving_test(
            cls=zoo.hub.NetworkImageClassifier,
            init_kwargs={"backbone": backbone, "num_classes": 4},
            input_data=np.ones((2, *SHAPE), "float32"),
        )

    def test_core_classes(self):
        network = CLSGANFeatures(SHAPE, filters=3, normalization="none")
        images = np.ones((2, *SHAPE), "float32")
        classifier = {"network": network, "num_classes": 3}
        self.run_serialization_test(ImageClassifier(**classifier))
        self.run_model_saving_test(ImageClassifier, classifier, images)
        generator = {"network": DCGANGenerator(SHAPE, latent_dim=6, base_filters=4)}
        self.run_serialization_test(ImageGenerator(**generator))
        self.run_model_saving_test(ImageGenerator, generator, np.ones((2, 6), "float32"))

    def test_presets(self):
        task = make_classifier()
        folder = pathlib.Path(self.get_temp_dir()) / "preset"
        task.save_to_preset(folder)
        images = np.ones((2, *SHAPE), "float32")
        for cls, expected in (
            (ImageClassifier, task(images)),
            (keras_hub.models.ImageClassifier, task(images)),
            (keras_hub.models.Backbone, load_network(folder)(images)),
        ):
            self.run_preset_test(cls, str(folder), images, expected_output=expected)
