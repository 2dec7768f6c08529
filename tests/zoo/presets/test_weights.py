"""Weight files: several shards with an index, and float16."""

import json

import h5py
import numpy as np
import pytest

from tests.support.preset_files import edit_json, same_predictions
from tests.support.small_tasks import make_classifier
from zoo.presets import save_bundle
from zoo.tasks import from_preset


@pytest.fixture(scope="module")
def classifier():
    return make_classifier()


def test_sharded_weights(classifier, tmp_path):
    folder = save_bundle(tmp_path / "sharded", root=classifier, max_shard_size=4e-6)
    names = {path.name for path in folder.iterdir()}
    assert "model.weights.json" in names and "model_00001.weights.h5" in names
    assert "model.weights.h5" not in names
    files = json.loads((folder / "metadata.json").read_text())["files"]
    assert {"model.weights.json", "model_00000.weights.h5", "task.weights.h5"} <= set(files)
    assert same_predictions(from_preset(folder), classifier)
    whole = save_bundle(folder, root=classifier, max_shard_size=1.0)
    assert not list(whole.glob("model_*")) and same_predictions(from_preset(whole), classifier)


@pytest.mark.parametrize("name", ["../model_00000.weights.h5", "/etc/passwd", "x.weights.h5", 7])
def test_indices_of_shards_stay_inside(classifier, tmp_path, name):
    folder = save_bundle(tmp_path / "sharded", root=classifier, max_shard_size=4e-6)

    def plant(index):
        index["weight_map"][next(iter(index["weight_map"]))] = [name]

    edit_json(folder / "model.weights.json", plant)
    with pytest.raises(ValueError, match="is damaged or was changed"):
        from_preset(folder)
    edit_json(folder / "metadata.json", lambda m: (m.pop("format"), m.pop("files")))
    with pytest.raises(ValueError, match="names|not an index"):
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


def test_float16_weights_are_loaded_as_rounded_float32(classifier, tmp_path):
    folder = save_bundle(tmp_path / "half", root=classifier, weights_dtype="float16")
    loaded = from_preset(folder)
    assert {v.dtype for v in loaded.trainable_variables} == {"float32"}
    for one, two in zip(loaded.get_weights(), classifier.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-3, atol=1e-6)
    assert not same_predictions(loaded, classifier)
    with h5py.File(folder / "model.weights.h5") as file:
        kinds = set()
        file.visititems(lambda _, item: kinds.add(str(getattr(item, "dtype", ""))))
    assert kinds == {"", "float16"}
    assert json.loads((folder / "metadata.json").read_text())["weights_dtype"] == "float16"


def test_weights_too_large_for_float16_are_refused(tmp_path):
    task = make_classifier()
    kernel = task.predictions.kernel
    kernel.assign(np.full(kernel.shape, 1e5))
    with pytest.raises(ValueError, match="above float16's maximum"):
        save_bundle(tmp_path / "half", root=task, weights_dtype="float16")
    assert not any(tmp_path.iterdir())
