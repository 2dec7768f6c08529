"""Where presets are found, sharded and halved weights, and presets that mean harm."""

import json
import os
import shutil
import sys
import types

import h5py
import numpy as np
import pytest
import tensorflow as tf

from tests.zoo.test_tasks import make_classifier, make_generator, raw
from zoo.presets import handles, load_network, save_bundle, weights
from zoo.tasks import ImageClassifier, ImageGenerator, from_preset


@pytest.fixture(scope="module")
def classifier():
    return make_classifier()


@pytest.fixture(scope="module")
def saved(tmp_path_factory, classifier):
    folder = tmp_path_factory.mktemp("presets") / "saved"
    return save_bundle(folder, root=classifier, parts={"generator": make_generator(num_classes=4)})


@pytest.fixture
def copy(saved, tmp_path):
    return shutil.copytree(saved, tmp_path / "copy")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(handles, "CACHE", tmp_path / "cache")
    return tmp_path / "cache"


def edit(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def same(one, other):
    return np.array_equal(one.predict(raw()), other.predict(raw()))


# Handles


def test_file_addresses(saved, classifier):
    assert same(from_preset(saved.as_uri()), classifier)
    assert isinstance(from_preset(f"file://{saved}/generator"), ImageGenerator)
    with pytest.raises(ValueError, match="file:///FOLDER"):
        from_preset("file://elsewhere/folder")
    with pytest.raises(ValueError, match="no such folder"):
        from_preset("file:///no/such/folder")


def stand_in(saved, calls):
    """What huggingface_hub and kagglehub do, from a local folder."""

    def snapshot_download(*, repo_id, local_dir, allow_patterns):
        calls.append(repo_id)
        if repo_id != "org/model":
            raise OSError("404")
        assert "config.json" in allow_patterns and "*/config.json" in allow_patterns
        shutil.copytree(saved, local_dir, dirs_exist_ok=True)
        return local_dir

    def model_download(handle):
        calls.append(handle)
        return str(saved)

    module = types.ModuleType("stand_in")
    module.snapshot_download, module.model_download = snapshot_download, model_download
    return module


def test_hubs_are_asked_for_the_model_and_its_part(saved, classifier, cache, monkeypatch):
    calls = []
    for name in ("huggingface_hub", "kagglehub"):
        monkeypatch.setitem(sys.modules, name, stand_in(saved, calls))
    assert same(from_preset("hf://org/model"), classifier)
    assert isinstance(from_preset("hf://org/model/generator"), ImageGenerator)
    assert same(from_preset("kaggle://org/model/keras/small"), classifier)
    assert isinstance(from_preset("kaggle://org/model/keras/small/2/generator"), ImageGenerator)
    kaggle = ["org/model/keras/small", "org/model/keras/small/2"]
    assert calls == ["org/model", "org/model", *kaggle]
    with pytest.raises(ValueError, match=r"Cannot get hf://org/other.*404"):
        from_preset("hf://org/other")
    for wrong in ("hf://model", "hf://org/../etc", "kaggle://org/model", "hf://a/b/../../c"):
        with pytest.raises(ValueError, match="must be|Cannot get"):
            from_preset(wrong)


@pytest.mark.parametrize(
    ("handle", "name"), [("hf://a/b", "huggingface_hub"), ("kaggle://a/b/c/d", "kagglehub")]
)
def test_hubs_that_are_not_installed(handle, name, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=f"pip install {name}"):
        from_preset(handle)


def test_addresses_of_tensorflows_file_layer(saved, classifier, cache):
    def upload(folder):
        for path in (path for path in folder.rglob("*") if path.is_file()):
            target = f"ram://bucket/preset/{path.relative_to(folder)}"
            tf.io.gfile.makedirs(os.path.dirname(target))
            if tf.io.gfile.exists(target):  # This file layer does not cut off what is longer.
                tf.io.gfile.remove(target)
            tf.io.gfile.copy(str(path), target)

    upload(saved)
    with tf.io.gfile.GFile("ram://bucket/preset/notes.txt", "w") as file:
        file.write("not a preset's")
    assert same(ImageClassifier.from_preset("ram://bucket/preset"), classifier)
    assert isinstance(from_preset("ram://bucket/preset/generator"), ImageGenerator)
    kept = [path for path in cache.iterdir() if (path / "task.weights.h5").exists()]
    assert len(kept) == 1 and not list(cache.rglob("notes.txt"))
    # Not copied again while the metadata are the same, and copied when they change.
    (kept[0] / "README.md").write_text("kept")
    from_preset("ram://bucket/preset")
    assert (kept[0] / "README.md").exists()
    other = make_classifier(pooling="max")
    upload(other.save_to_preset(cache.parent / "other", metadata={"run": 2}))
    assert same(from_preset("ram://bucket/preset"), other)
    assert not list(cache.glob(".part-*"))
    with pytest.raises(ValueError, match="no config.json"):
        from_preset("ram://bucket/nothing")
    with pytest.raises(ValueError, match="Cannot read nonsense"):
        from_preset("nonsense://bucket/preset")


# Weights in several files and in half


def test_sharded_weights(classifier, tmp_path):
    folder = save_bundle(tmp_path / "sharded", root=classifier, max_shard_size=4e-6)
    names = {path.name for path in folder.iterdir()}
    assert "model.weights.json" in names and "model_00001.weights.h5" in names
    assert "model.weights.h5" not in names
    files = json.loads((folder / "metadata.json").read_text())["files"]
    assert {"model.weights.json", "model_00000.weights.h5", "task.weights.h5"} <= set(files)
    assert same(from_preset(folder), classifier)
    whole = save_bundle(folder, root=classifier, max_shard_size=1.0)
    assert not list(whole.glob("model_*")) and same(from_preset(whole), classifier)


@pytest.mark.parametrize("name", ["../model_00000.weights.h5", "/etc/passwd", "x.weights.h5", 7])
def test_indices_of_shards_stay_inside(classifier, tmp_path, name):
    folder = save_bundle(tmp_path / "sharded", root=classifier, max_shard_size=4e-6)

    def plant(index):
        index["weight_map"][next(iter(index["weight_map"]))] = [name]

    edit(folder / "model.weights.json", plant)
    with pytest.raises(ValueError, match="is damaged or was changed"):
        from_preset(folder)
    edit(folder / "metadata.json", lambda m: (m.pop("format"), m.pop("files")))
    with pytest.raises(ValueError, match="names|no index"):
        from_preset(folder)


def test_a_missing_or_damaged_shard(classifier, tmp_path):
    folder = save_bundle(tmp_path / "sharded", root=classifier, max_shard_size=4e-6)
    shard = folder / "model_00001.weights.h5"
    content = shard.read_bytes()
    shard.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(ValueError, match="model_00001.weights.h5 is damaged"):
        from_preset(folder)
    shard.unlink()
    with pytest.raises(FileNotFoundError, match="model_00001"):
        from_preset(folder)


def test_half_the_size_and_nearly_the_same(classifier, tmp_path):
    folder = save_bundle(tmp_path / "half", root=classifier, weights_dtype="float16")
    loaded = from_preset(folder)
    assert {v.dtype for v in loaded.trainable_variables} == {"float32"}
    for one, two in zip(loaded.get_weights(), classifier.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-3, atol=1e-6)
    assert not same(loaded, classifier)
    with h5py.File(folder / "model.weights.h5") as file:
        kinds = set()
        file.visititems(lambda _, item: kinds.add(str(getattr(item, "dtype", ""))))
    assert kinds == {"", "float16"}
    assert json.loads((folder / "metadata.json").read_text())["weights_dtype"] == "float16"


def test_weights_too_large_for_half(tmp_path):
    task = make_classifier()
    kernel = task.predictions.kernel
    kernel.assign(np.full(kernel.shape, 1e5))
    with pytest.raises(ValueError, match="above float16's maximum"):
        save_bundle(tmp_path / "half", root=task, weights_dtype="float16")
    assert not any(tmp_path.iterdir())


def test_a_check_that_fails_leaves_nothing(classifier, tmp_path):
    def refuse(folder):
        assert same(from_preset(folder), classifier)
        raise ValueError("not good enough")

    with pytest.raises(ValueError, match="not good enough"):
        save_bundle(tmp_path / "preset", root=classifier, finish=refuse)
    assert not any(tmp_path.iterdir())


# Presets that mean harm


@pytest.mark.parametrize(
    "name", ["config.json", "task.json", "metadata.json", "model.weights.h5", "task.weights.h5"]
)
def test_files_may_not_be_links_to_elsewhere(copy, tmp_path, name):
    outside = tmp_path / "outside"
    shutil.move(copy / name, outside)
    (copy / name).symlink_to(outside)
    with pytest.raises(ValueError, match=f"{name} is a link out of the preset's folder"):
        from_preset(copy)


def test_parts_may_not_be_links_to_elsewhere(copy, tmp_path):
    shutil.move(copy / "generator", tmp_path / "generator")
    (copy / "generator").symlink_to(tmp_path / "generator")
    with pytest.raises(ValueError, match="is a link out"):
        ImageGenerator.from_preset(copy)


def test_what_keras_hub_would_build_is_not_built_here(copy, classifier):
    harm = {"module": "os", "class_name": "system", "config": "true", "registered_name": None}
    (copy / "preprocessor.json").write_text(json.dumps(harm))
    edit(copy / "task.json", lambda task: task["config"].update(preprocessor=harm, backbone=harm))
    assert same(from_preset(copy), classifier)


def test_nothing_is_imported_for_a_preset(copy):
    def plant(content):
        content["config"]["network"]["module"] = "antigravity"
        content["module"] = "antigravity"

    edit(copy / "config.json", plant)
    edit(copy / "task.json", lambda task: task.update(module="antigravity"))
    sys.modules.pop("antigravity", None)
    from_preset(copy)
    assert "antigravity" not in sys.modules


def test_names_of_registered_layers_are_no_networks(copy):
    for name in ("zoo>ImageClassifier", "keras>Dense", "zoo>StatelessDropout", None, 7):
        edit(
            copy / "config.json", lambda c, n=name: c["config"]["network"].update(registered_name=n)
        )
        with pytest.raises(ValueError, match="no registered subclass|names|needs|Import"):
            load_network(copy)


def test_weights_are_checked_before_they_are_read(copy, monkeypatch):
    (copy / "model.weights.h5").write_bytes(b"not HDF5")

    def refuse(*arguments, **options):
        raise AssertionError("read before it was checked")

    monkeypatch.setattr("keras.Model.load_weights", refuse)
    with pytest.raises(ValueError, match="is damaged"):
        from_preset(copy)
    assert weights.weight_files(copy)[0].name == "model.weights.h5"
