import hashlib
import json
import os
import shutil
import subprocess
import sys

import h5py
import keras
import numpy as np
import pytest

from zoo.networks import CLSGANFeatures, DCGANCritic, DCGANGenerator, Network
from zoo.presets import builtin, list_presets, load_network, save_bundle, write
from zoo.tasks import ImageClassifier, ImageGenerator, from_preset

SHAPE = (8, 8, 1)
NAMES = ["ant", "bee", "cat"]
IMAGES = np.random.default_rng(0).integers(0, 256, (4, *SHAPE), dtype="uint8")


def randomize(model):
    random = np.random.default_rng(0)
    for variable in model.variables:
        values = random.normal(0.0, 0.5, variable.shape)
        variable.assign(np.abs(values) + 0.5 if "variance" in variable.path else values)
    return model


@pytest.fixture(scope="module")
def classifier():
    network = CLSGANFeatures(SHAPE, filters=2)
    return randomize(
        ImageClassifier(network, 3, class_names=NAMES, pooling="max", extra_class=True)
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
    """A bundle; tests that change it take a `copy`."""
    return save_bundle(
        tmp_path_factory.mktemp("presets") / "clsgan",
        root=classifier,
        parts={"generator": generator, "critic": critic},
        metadata={"data": "digits", "metric": {"error_rate": 0.1}},
    )


@pytest.fixture
def copy(saved, tmp_path):
    return shutil.copytree(saved, tmp_path / "copy")


def edit(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


# Round trips

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


def test_a_new_head_on_the_same_features(saved, classifier):
    new = ImageClassifier.from_preset(saved, num_classes=2, class_names=["no", "yes"])
    assert new.predict(IMAGES).shape == (4, 2) and new.class_names == ("no", "yes")
    assert new.pooling == "max" and not new.extra_class
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

    edit(folder / "config.json", unregister)
    with pytest.raises(ValueError, match="Import the module that defines it"):
        from_preset(folder)


# Handles


@pytest.fixture
def shipped(saved, tmp_path, monkeypatch):
    """A built-in preset that is called clsgan_digits."""
    shutil.copytree(saved, tmp_path / "builtin" / "clsgan_digits")
    monkeypatch.setattr(builtin, "FOLDER", tmp_path / "builtin")

    def describe(metadata):
        metadata["description"] = "CLS-GAN on digits."

    edit(tmp_path / "builtin" / "clsgan_digits" / "metadata.json", describe)


def test_builtin_names(shipped, classifier):
    assert list_presets() == {"clsgan_digits": "CLS-GAN on digits."}
    assert str(list_presets()) == "clsgan_digits  CLS-GAN on digits."
    assert list_presets("ImageGenerator") == {}
    loaded = ImageClassifier.from_preset("clsgan_digits")
    np.testing.assert_array_equal(loaded.predict(IMAGES), classifier.predict(IMAGES))
    assert isinstance(from_preset("clsgan_digits/generator"), ImageGenerator)
    with pytest.raises(ValueError, match="Did you mean clsgan_digits"):
        from_preset("cls_gan_digit")
    with pytest.raises(ValueError, match="Built in are: clsgan_digits"):
        from_preset("xyz")


def test_classes_list_their_presets(shipped, classifier):
    (entry,) = ImageClassifier.presets.values()
    assert entry["parameter_count"] == classifier.count_params()
    assert entry["description"] == "CLS-GAN on digits."
    assert ImageGenerator.presets == {} and "clsgan_digits" in classifier.presets


def test_what_is_no_preset(tmp_path, saved):
    with pytest.raises(ValueError, match="no such folder"):
        from_preset(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="is a file"):
        from_preset(saved / "config.json")
    with pytest.raises(ValueError, match="has no config.json"):
        from_preset(tmp_path)


def test_wrong_classes_are_named(saved, copy):
    with pytest.raises(ValueError, match="holds an ImageGenerator"):
        ImageClassifier.from_preset(saved / "generator")
    shutil.rmtree(copy / "generator")
    with pytest.raises(ValueError, match="ImageClassifier and has no part generator/"):
        ImageGenerator.from_preset(copy)
    for load in (from_preset, ImageClassifier.from_preset, ImageGenerator.from_preset):
        with pytest.raises(ValueError, match=r"DCGANCritic.*zoo.load_network"):
            load(saved / "critic")


# Damage


@pytest.mark.parametrize("name", ["model.weights.h5", "task.weights.h5"])
@pytest.mark.parametrize("damage", ["truncate", "flip"])
def test_damaged_weights_are_refused(copy, name, damage):
    content = bytearray((copy / name).read_bytes())
    if damage == "truncate":
        del content[-100:]
    else:
        content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    with pytest.raises(ValueError, match=f"{name} is damaged"):
        from_preset(copy)
    assert from_preset(copy, load_weights=False)


def test_missing_files_are_named(copy):
    (copy / "task.weights.h5").unlink()
    with pytest.raises(FileNotFoundError, match=r"lacks task\.weights\.h5"):
        from_preset(copy)
    (copy / "metadata.json").unlink()
    with pytest.raises(ValueError, match="has no metadata.json"):
        from_preset(copy)


def test_weights_of_another_network_are_refused(copy, saved):
    shutil.copy(saved / "critic/model.weights.h5", copy)
    edit(copy / "metadata.json", lambda m: (m.pop("format"), m.pop("files")))
    with pytest.raises(ValueError, match="does not fit"):
        from_preset(copy)


def test_presets_of_keras_hub_have_no_checksums(copy, classifier):
    edit(copy / "metadata.json", lambda m: (m.pop("format"), m.pop("files")))
    np.testing.assert_array_equal(from_preset(copy).predict(IMAGES), classifier.predict(IMAGES))


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("config.json", "{", "not valid JSON"),
        ("config.json", "[1]", "JSON object"),
        ("config.json", "[" * 100_000, "not valid JSON"),
        ("config.json", '{"registered_name": "keras_hub>ResNetBackbone"}', "ResNetBackbone"),
        ("task.json", '{"registered_name": "zoo>Trainer", "config": {}}', "zoo>Trainer"),
    ],
)
def test_unreadable_configurations(copy, file, content, message):
    (copy / file).write_text(content)
    with pytest.raises(ValueError, match=message):
        from_preset(copy)


def test_other_formats_and_arguments(copy):
    edit(copy / "task.json", lambda task: task["config"].update(surprise=1))
    with pytest.raises(ValueError, match="surprise"):
        from_preset(copy)
    edit(copy / "config.json", lambda c: c["config"]["network"]["config"].update(odd=1))
    with pytest.raises(ValueError, match="odd"):
        from_preset(copy)
    edit(copy / "metadata.json", lambda metadata: metadata.pop("files"))
    with pytest.raises(ValueError, match="no checksum"):
        from_preset(copy)
    edit(copy / "metadata.json", lambda metadata: metadata.update(format=2))
    with pytest.raises(ValueError, match="format 2"):
        from_preset(copy)


# Hostile presets


def lambda_layer():
    code = {"class_name": "__lambda__", "config": {"value": "4wAAAAA="}}
    return {
        "module": "keras.layers",
        "class_name": "Lambda",
        "config": {"function": code},
        "registered_name": None,
    }


HOSTILE = {
    "import": {"module": "os", "class_name": "system", "config": {}, "registered_name": "os"},
    "function": {"module": "builtins", "class_name": "function", "config": "exec"},
    "lambda": lambda_layer(),
    "download": {"module": "keras.utils", "class_name": "get_file", "config": {"origin": "x"}},
    "layer": {
        "module": "keras.layers",
        "class_name": "TFSMLayer",
        "config": {"filepath": "/tmp"},
        "registered_name": "TFSMLayer",
    },
    "own layer": {
        "module": "zoo.layers.dropout",
        "class_name": "StatelessDropout",
        "config": {"rate": 0.1},
        "registered_name": "zoo>StatelessDropout",
    },
    "typespec": {"class_name": "__typespec__", "spec_name": "x", "module": "os", "config": []},
}


@pytest.mark.parametrize("place", ["network", "inside the network", "task"])
@pytest.mark.parametrize("kind", HOSTILE)
def test_configurations_build_nothing_but_networks(copy, kind, place, monkeypatch):
    def refuse(*arguments, **options):
        raise AssertionError("reached Keras")

    def plant(content):
        arguments = content["config"]
        if place == "network":
            arguments["network"] = HOSTILE[kind]
        elif place == "inside the network":
            arguments["network"]["config"]["normalization"] = [{"x": HOSTILE[kind]}]
        else:
            arguments["activation"] = HOSTILE[kind]

    monkeypatch.setattr(keras.saving, "deserialize_keras_object", refuse)
    edit(copy / ("task.json" if place == "task" else "config.json"), plant)
    with pytest.raises(ValueError, match="names"):
        from_preset(copy)


def test_compile_configurations_are_refused(copy):
    def plant(content):
        content["config"]["network"]["compile_config"] = {"optimizer": HOSTILE["lambda"]}

    edit(copy / "config.json", plant)
    with pytest.raises(ValueError, match="names 'Lambda'|compile_config"):
        from_preset(copy)


def test_weights_may_not_come_from_another_file(copy):
    secret = copy / "secret.h5"
    shutil.copy(copy / "model.weights.h5", secret)
    with h5py.File(copy / "model.weights.h5", "r+") as file:
        (name,) = [key for key in file["layers"] if key.startswith("clsgan")]
        del file["layers"][name]
        file["layers"][name] = h5py.ExternalLink(str(secret), f"/layers/{name}")
    edit(copy / "metadata.json", lambda m: (m.pop("format"), m.pop("files")))
    with pytest.raises(ValueError, match="ExternalLink"):
        from_preset(copy)


@pytest.mark.parametrize("part", ["../evil", "/evil", "a/b", "", ".", "Generator"])
def test_parts_stay_inside(tmp_path, generator, part):
    with pytest.raises(ValueError, match="sub-folder"):
        save_bundle(tmp_path / "preset", root=generator, parts={part: generator})
    assert not any(tmp_path.iterdir())


# Writing


def test_a_failed_save_leaves_the_old_preset(copy, monkeypatch, classifier, generator, critic):
    before = {p: p.read_bytes() for p in copy.rglob("*") if p.is_file()}
    siblings = set(os.listdir(copy.parent))
    real = write._write

    def fail_at_the_last_part(folder, saved, metadata, options):
        real(folder, saved, metadata, options)
        if saved is critic:
            raise OSError("disk full")

    monkeypatch.setattr(write, "_write", fail_at_the_last_part)
    parts = {"generator": generator, "critic": critic}
    for target in (copy, copy.parent / "new"):
        with pytest.raises(OSError, match="disk full"):
            save_bundle(target, root=classifier, parts=parts)
    assert {p: p.read_bytes() for p in copy.rglob("*") if p.is_file()} == before
    assert set(os.listdir(copy.parent)) == siblings


def test_a_failed_exchange_puts_the_old_preset_back(copy, monkeypatch, generator):
    real = os.rename

    def fail(source, target):
        if os.fspath(source).endswith("new"):
            raise OSError("no")
        real(source, target)

    monkeypatch.setattr(os, "rename", fail)
    with pytest.raises(OSError, match="no"):
        save_bundle(copy, root=generator)
    assert isinstance(from_preset(copy), ImageClassifier)


def test_an_earlier_preset_is_replaced_as_a_whole(copy, generator):
    (copy / "README.md").write_text("The old card.")
    generator.save_to_preset(copy)
    names = {"config.json", "metadata.json", "model.weights.h5", "task.json"}
    assert set(os.listdir(copy)) == names
    assert os.listdir(copy.parent) == [copy.name]


def test_other_folders_are_not_replaced(copy, tmp_path, generator):
    for name in ("notes.txt", "config.json"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / name).write_text("{}")
        with pytest.raises(ValueError, match=f"holds what is not a preset's .{name}"):
            generator.save_to_preset(folder)
        assert os.listdir(folder) == [name]
    (copy / "thesis.tex").write_text("...")
    with pytest.raises(ValueError, match=r"thesis\.tex"):
        generator.save_to_preset(copy)
    with pytest.raises(ValueError, match="is a file"):
        generator.save_to_preset(copy / "thesis.tex")


def test_metadata_and_roots_that_cannot_be(tmp_path, generator):
    with pytest.raises(ValueError, match="may not set files, format"):
        generator.save_to_preset(tmp_path / "p", metadata={"format": 7, "files": {}})
    with pytest.raises(ValueError, match="JSON values.*float32"):
        generator.save_to_preset(tmp_path / "p", metadata={"error": np.float32(0.1)})
    with pytest.raises(ValueError, match="received a Dense"):
        save_bundle(tmp_path / "p", root=keras.layers.Dense(2))
    assert not any(tmp_path.iterdir())
