"""Saved presets load with the same outputs, arguments and files."""

import hashlib
import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from tests.support.preset_files import IMAGES, SHAPE, edit_json
from zoo.networks import DCGANGenerator, Network, ResidualFeatures
from zoo.presets import load_network, save_bundle
from zoo.presets.read import read
from zoo.tasks import ImageClassifier, ImageGenerator, from_preset

NEW_PROCESS = """
import sys
import numpy as np
import zoo.tasks, zoo.presets
folder, images, out = sys.argv[1:]
images = np.load(images)
classifier = zoo.tasks.ImageClassifier.from_preset(folder)
generator = zoo.tasks.ImageGenerator.from_preset(folder)
critic = zoo.presets.load_network(folder + "/critic")
np.savez(
    out,
    probabilities=classifier.predict(images),
    losses=classifier.losses_per_class(images),
    names=classifier.classify(images),
    images=generator.generate(3, seed=7),
    scores=critic(images / np.float32(255)),
)
"""


def test_a_new_process_computes_the_same(saved, tmp_path, classifier, generator, critic):
    np.save(tmp_path / "images.npy", IMAGES)
    arguments = [saved, tmp_path / "images.npy", tmp_path / "out.npz"]
    subprocess.run([sys.executable, "-c", NEW_PROCESS, *arguments], check=True)
    loaded = np.load(tmp_path / "out.npz")
    np.testing.assert_array_equal(loaded["probabilities"], classifier.predict(IMAGES))
    np.testing.assert_array_equal(loaded["losses"], classifier.losses_per_class(IMAGES))
    assert loaded["names"].tolist() == classifier.classify(IMAGES)
    np.testing.assert_array_equal(loaded["images"], generator.generate(3, seed=7))
    np.testing.assert_array_equal(loaded["scores"], critic(IMAGES / np.float32(255)))
    assert np.ptp(loaded["probabilities"], axis=0).max() > 0


def test_layout_is_keras_hubs(saved, classifier):
    files = {str(p.relative_to(saved)) for p in saved.rglob("*") if p.is_file()}
    root = {"config.json", "model.weights.h5", "metadata.json", "task.json"}
    expected = (
        root | {"task.weights.h5", "preprocessor.json"} | {f"generator/{name}" for name in root}
    )
    assert files == expected | {f"critic/{name}" for name in root - {"task.json"}}
    config = json.loads((saved / "config.json").read_text())
    assert config["registered_name"] == "zoo>NetworkBackbone"
    assert config["config"]["network"]["registered_name"] == "zoo>CLSGANFeatures"
    task = json.loads((saved / "task.json").read_text())
    assert task["registered_name"] == "zoo>NetworkImageClassifier"
    assert task["config"]["backbone"] == config
    metadata = json.loads((saved / "metadata.json").read_text())
    assert metadata["format"] == 1 and metadata["tasks"] == ["ImageClassifier"]
    assert metadata["parameter_count"] == classifier.count_params()
    assert metadata["data"] == "digits"
    for name, file in metadata["files"].items():
        content = (saved / name).read_bytes()
        assert file == {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    assert set(metadata["files"]) == {"model.weights.h5", "task.weights.h5"}
    assert "build_config" not in (saved / "config.json").read_text()


def test_arguments_come_back(saved, classifier):
    loaded = from_preset(saved)
    assert isinstance(loaded, ImageClassifier)
    assert loaded.get_config() == classifier.get_config()
    assert isinstance(from_preset(saved / "generator"), ImageGenerator)


def test_a_preset_without_a_temperature_has_1(copy, classifier):
    """Presets had none before temperatures were fitted."""
    edit_json(copy / "task.json", lambda task: task["config"].pop("temperature"))
    loaded = ImageClassifier.from_preset(copy)
    assert (classifier.temperature, loaded.temperature) == (2.5, 1.0)
    expected = keras.ops.softmax(classifier.logits(IMAGES))
    np.testing.assert_allclose(loaded.predict(IMAGES), expected, atol=1e-6)


def test_load_weights_and_dtype(saved, classifier, generator):
    fresh = ImageClassifier.from_preset(saved, load_weights=False)
    assert not np.array_equal(fresh.predictions.kernel, classifier.predictions.kernel)
    low = ImageClassifier.from_preset(saved, dtype="mixed_bfloat16")
    assert low.network.compute_dtype == low.compute_dtype == "bfloat16"
    np.testing.assert_allclose(low.predict(IMAGES), classifier.predict(IMAGES), atol=0.1)
    assert load_network(saved / "critic", dtype="bfloat16").compute_dtype == "bfloat16"
    assert not np.array_equal(
        ImageGenerator.from_preset(saved, load_weights=False).generate(2, seed=0),
        generator.generate(2, seed=0),
    )


def test_the_generator_of_a_classifier_knows_the_class_names(tmp_path, classifier):
    network = DCGANGenerator(SHAPE, latent_dim=3, base_filters=2, num_classes=3)
    conditional = ImageGenerator(network)
    folder = save_bundle(tmp_path / "bundle", root=classifier, parts={"generator": conditional})
    names = classifier.class_names
    for handle in (folder, folder / "generator"):
        loaded = ImageGenerator.from_preset(handle)
        assert loaded.class_names == tuple(names)
        np.testing.assert_array_equal(
            loaded.generate(2, labels=names[::2], seed=1),
            conditional.generate(2, labels=[0, 2], seed=1),
        )
    alone = ImageGenerator.from_preset(loaded.save_to_preset(tmp_path / "alone"))
    assert alone.class_names == tuple(names)
    assert ImageGenerator.from_preset(
        conditional.save_to_preset(tmp_path / "unnamed")
    ).class_names == ("0", "1", "2")


def test_a_new_head_on_the_same_features(saved, classifier):
    new = ImageClassifier.from_preset(saved, num_classes=2, class_names=["no", "yes"])
    assert new.predict(IMAGES).shape == (4, 2) and new.class_names == ("no", "yes")
    assert new.pooling == "max" and not new.extra_class and new.temperature == 1.0
    floats = IMAGES / np.float32(255)
    np.testing.assert_array_equal(new.network(floats), classifier.network(floats))
    assert ImageClassifier.from_preset(saved, num_classes=2).class_names == ("0", "1")
    renamed = ImageClassifier.from_preset(saved, class_names=["x", "y", "z"])
    assert set(renamed.classify(IMAGES)) <= {"x", "y", "z"}
    np.testing.assert_array_equal(renamed.predict(IMAGES), classifier.predict(IMAGES))
    with pytest.raises(ValueError, match="class_names"):
        ImageClassifier.from_preset(saved, class_names=["x"])


def test_subclasses_load_what_their_base_saved(saved):
    class Judge(ImageClassifier):
        pass

    assert isinstance(Judge.from_preset(saved), Judge)


def test_a_generator_alone_with_its_critic(tmp_path, generator, critic):
    folder = save_bundle(tmp_path / "gan", root=generator, parts={"critic": critic})
    assert isinstance(from_preset(folder), ImageGenerator)
    with pytest.raises(ValueError, match="holds an ImageGenerator.*zoo.ImageGenerator.from_preset"):
        ImageClassifier.from_preset(folder)


@keras.saving.register_keras_serializable(package="test_presets")
class OwnFeatures(Network):
    def __init__(self, image_shape, *, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.image_shape = tuple(image_shape)
        self.convolution = keras.layers.Conv2D(2, 3)
        self.build_from_symbolic_inputs()

    def symbolic_inputs(self):
        return keras.Input(self.image_shape)

    def call(self, images, training=False):
        return self.convolution(images)

    def get_config(self):
        return {"image_shape": list(self.image_shape), "name": self.name}


def test_own_networks_work_once_registered(tmp_path):
    task = ImageClassifier(OwnFeatures(SHAPE), 2)
    folder = task.save_to_preset(tmp_path / "own", metadata={"licence": "MIT"})
    np.testing.assert_array_equal(from_preset(folder).predict(IMAGES), task.predict(IMAGES))
    assert json.loads((folder / "metadata.json").read_text())["licence"] == "MIT"

    def unregister(config):
        config["config"]["network"]["registered_name"] = "test_presets>Other"

    edit_json(folder / "config.json", unregister)
    with pytest.raises(ValueError, match="Import the module that defines it"):
        from_preset(folder)


@pytest.fixture(scope="module")
def opened_files():
    """A list of the paths that Python opens; an audit hook appends to it and cannot be removed."""
    paths = []

    def record(event, arguments):
        if event == "open" and isinstance(arguments[0], str | os.PathLike):
            paths.append(os.fspath(arguments[0]))

    sys.addaudithook(record)
    return paths


@pytest.mark.parametrize("load", [from_preset, ImageClassifier.from_preset, load_network])
def test_one_load_reads_each_file_once(copy, opened_files, load):
    """Python opens weight files for their checksum; Keras opens them again through HDF5's library.

    `load_network` reads task.json to check it, but not the weights of the head.
    """
    opened_files.clear()
    load(copy)
    opened = [name for name in opened_files if name.startswith(str(copy))]
    expected = {"config.json", "task.json", "metadata.json", "model.weights.h5"}
    if load is not load_network:
        expected.add("task.weights.h5")
    assert sorted(opened) == sorted(str(copy / name) for name in expected)


def test_a_preset_that_was_read_is_not_read_again(copy, opened_files):
    preset = read(copy)
    opened_files.clear()
    task = from_preset(preset, load_weights=False)
    assert isinstance(task, ImageClassifier)
    assert not [name for name in opened_files if name.startswith(str(copy))]


def test_a_bundle_computes_in_the_given_dtype(tmp_path):
    network = ResidualFeatures((8, 8, 1), filters=4, dtype="mixed_bfloat16")
    task = ImageClassifier(network, 3, dtype="mixed_bfloat16")
    save_bundle(tmp_path / "own", root=task)
    save_bundle(tmp_path / "float32", root=task, dtype="float32")
    own, loaded = (ImageClassifier.from_preset(tmp_path / name) for name in ("own", "float32"))
    assert own.compute_dtype == own.network.compute_dtype == "bfloat16"
    assert loaded.compute_dtype == "float32"
    assert {layer.compute_dtype for layer in loaded.network.layers} == {"float32"}
    for ours, theirs in zip(task.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
