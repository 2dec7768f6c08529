"""Handles of presets: built-in names, folders and addresses."""

import os
import shutil
import sys
import types

import numpy as np
import pytest
import tensorflow as tf

from tests.support.preset_files import IMAGES, edit_json, same_predictions
from tests.support.small_tasks import make_classifier
from zoo.presets import builtin, handles, list_presets
from zoo.tasks import ImageClassifier, ImageGenerator, from_preset


@pytest.fixture
def shipped(saved, tmp_path, monkeypatch):
    """Replaces the built-in presets by one that is named clsgan_digits."""
    shutil.copytree(saved, tmp_path / "builtin" / "clsgan_digits")
    monkeypatch.setattr(builtin, "FOLDER", tmp_path / "builtin")

    def describe(metadata):
        metadata["description"] = "CLS-GAN on digits."

    edit_json(tmp_path / "builtin" / "clsgan_digits" / "metadata.json", describe)


def test_builtin_names(shipped, classifier):
    assert list_presets() == {"clsgan_digits": "CLS-GAN on digits."}
    assert str(list_presets()) == "clsgan_digits  CLS-GAN on digits."
    assert list_presets("ImageGenerator") == {}
    loaded = ImageClassifier.from_preset("clsgan_digits")
    np.testing.assert_array_equal(loaded.predict(IMAGES), classifier.predict(IMAGES))
    assert isinstance(from_preset("clsgan_digits/generator"), ImageGenerator)
    with pytest.raises(ValueError, match="Did you mean clsgan_digits"):
        from_preset("cls_gan_digit")
    with pytest.raises(ValueError, match="Built-in presets: clsgan_digits"):
        from_preset("xyz")


def test_classes_list_their_presets(shipped, classifier):
    (entry,) = ImageClassifier.presets.values()
    assert entry["parameter_count"] == classifier.count_params()
    assert entry["description"] == "CLS-GAN on digits."
    assert ImageGenerator.presets == {} and "clsgan_digits" in classifier.presets


def test_other_paths_are_refused(tmp_path, saved):
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


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(handles, "CACHE", tmp_path / "cache")
    return tmp_path / "cache"


def test_file_addresses(saved, classifier):
    assert same_predictions(from_preset(saved.as_uri()), classifier)
    assert isinstance(from_preset(f"file://{saved}/generator"), ImageGenerator)
    with pytest.raises(ValueError, match="file:///FOLDER"):
        from_preset("file://elsewhere/folder")
    with pytest.raises(ValueError, match="no such folder"):
        from_preset("file:///no/such/folder")


def stand_in(saved, calls):
    """A module that replaces huggingface_hub and kagglehub and copies from a local folder."""

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
    assert same_predictions(from_preset("hf://org/model"), classifier)
    assert isinstance(from_preset("hf://org/model/generator"), ImageGenerator)
    assert same_predictions(from_preset("kaggle://org/model/keras/small"), classifier)
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
            if tf.io.gfile.exists(target):  # A copy over a longer file would not truncate it.
                tf.io.gfile.remove(target)
            tf.io.gfile.copy(str(path), target)

    upload(saved)
    with tf.io.gfile.GFile("ram://bucket/preset/notes.txt", "w") as file:
        file.write("not a preset's")
    assert same_predictions(ImageClassifier.from_preset("ram://bucket/preset"), classifier)
    assert isinstance(from_preset("ram://bucket/preset/generator"), ImageGenerator)
    kept = [path for path in cache.iterdir() if (path / "task.weights.h5").exists()]
    assert len(kept) == 1 and not list(cache.rglob("notes.txt"))
    # The preset is copied again only if its metadata changes.
    (kept[0] / "README.md").write_text("kept")
    from_preset("ram://bucket/preset")
    assert (kept[0] / "README.md").exists()
    other = make_classifier(pooling="max")
    upload(other.save_to_preset(cache.parent / "other", metadata={"run": 2}))
    assert same_predictions(from_preset("ram://bucket/preset"), other)
    assert not list(cache.glob(".part-*"))
    with pytest.raises(ValueError, match="no config.json"):
        from_preset("ram://bucket/nothing")
    with pytest.raises(ValueError, match="Cannot read nonsense"):
        from_preset("nonsense://bucket/preset")


def test_a_home_that_cannot_be_written_is_named(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setattr(handles, "CACHE", tmp_path / "file" / "cache")
    with pytest.raises(ValueError, match="cannot be written.*Set HOME"):
        handles._cache_folder("gs://bucket/preset")
