"""Hostile presets: no code runs, no other file is read, and no other object is built."""

import json
import shutil
import sys

import h5py
import keras
import pytest

from tests.support.preset_files import edit_json, same_predictions
from zoo.presets import load_network, weights
from zoo.tasks import ImageGenerator, from_preset


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
    edit_json(copy / ("task.json" if place == "task" else "config.json"), plant)
    with pytest.raises(ValueError, match="names"):
        from_preset(copy)


def test_compile_configurations_are_refused(copy):
    def plant(content):
        content["config"]["network"]["compile_config"] = {"optimizer": HOSTILE["lambda"]}

    edit_json(copy / "config.json", plant)
    with pytest.raises(ValueError, match="names 'Lambda'|compile_config"):
        from_preset(copy)


def test_weights_may_not_come_from_another_file(copy):
    secret = copy / "secret.h5"
    shutil.copy(copy / "model.weights.h5", secret)
    with h5py.File(copy / "model.weights.h5", "r+") as file:
        (name,) = [key for key in file["layers"] if key.startswith("clsgan")]
        del file["layers"][name]
        file["layers"][name] = h5py.ExternalLink(str(secret), f"/layers/{name}")
    edit_json(copy / "metadata.json", lambda m: (m.pop("format"), m.pop("files")))
    with pytest.raises(ValueError, match="ExternalLink"):
        from_preset(copy)


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


def test_objects_that_only_keras_hub_needs_are_not_built(copy, classifier):
    harm = {"module": "os", "class_name": "system", "config": "true", "registered_name": None}
    (copy / "preprocessor.json").write_text(json.dumps(harm))
    edit_json(
        copy / "task.json", lambda task: task["config"].update(preprocessor=harm, backbone=harm)
    )
    assert same_predictions(from_preset(copy), classifier)


def test_nothing_is_imported_for_a_preset(copy):
    def plant(content):
        content["config"]["network"]["module"] = "antigravity"
        content["module"] = "antigravity"

    edit_json(copy / "config.json", plant)
    edit_json(copy / "task.json", lambda task: task.update(module="antigravity"))
    sys.modules.pop("antigravity", None)
    from_preset(copy)
    assert "antigravity" not in sys.modules


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("zoo>ImageClassifier", "does not fit zoo>ImageClassifier"),
        ("keras>Dense", "names 'keras>Dense' as its network"),
        ("zoo>StatelessDropout", "names 'zoo>StatelessDropout' as its network"),
        (None, "names None as its network"),
        (7, "names 7 as its network"),
    ],
)
def test_other_registered_classes_are_not_accepted_as_networks(copy, name, message):
    edit_json(copy / "config.json", lambda c: c["config"]["network"].update(registered_name=name))
    with pytest.raises(ValueError, match=message):
        load_network(copy)


def test_weights_are_checked_before_they_are_read(copy, monkeypatch):
    (copy / "model.weights.h5").write_bytes(b"not HDF5")

    def refuse(*arguments, **options):
        raise AssertionError("read before it was checked")

    monkeypatch.setattr("keras.Model.load_weights", refuse)
    with pytest.raises(ValueError, match="is damaged"):
        from_preset(copy)
    assert weights.weight_files(copy)[0].name == "model.weights.h5"
