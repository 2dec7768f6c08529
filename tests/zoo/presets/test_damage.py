"""Damaged and incomplete presets are refused with the reason."""

import shutil

import numpy as np
import pytest

from tests.support.preset_files import IMAGES, edit_json
from zoo.tasks import from_preset


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
    edit_json(copy / "metadata.json", lambda m: (m.pop("format"), m.pop("files")))
    with pytest.raises(ValueError, match="does not fit"):
        from_preset(copy)


def test_presets_of_keras_hub_have_no_checksums(copy, classifier):
    edit_json(copy / "metadata.json", lambda m: (m.pop("format"), m.pop("files")))
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


def test_networks_that_are_larger_than_their_weights_are_refused_at_once(copy):
    def enlarge(content):
        content["config"]["network"]["config"]["image_shape"][2] = 10**9

    edit_json(copy / "config.json", enlarge)
    with pytest.raises(ValueError, match="a size of 1,000,000,000, and its weight files have"):
        from_preset(copy)


def test_other_formats_and_arguments(copy):
    edit_json(copy / "task.json", lambda task: task["config"].update(surprise=1))
    with pytest.raises(ValueError, match="surprise"):
        from_preset(copy)
    edit_json(copy / "config.json", lambda c: c["config"]["network"]["config"].update(odd=1))
    with pytest.raises(ValueError, match="odd"):
        from_preset(copy)
    edit_json(copy / "metadata.json", lambda metadata: metadata.pop("files"))
    with pytest.raises(ValueError, match="no checksum"):
        from_preset(copy)
    edit_json(copy / "metadata.json", lambda metadata: metadata.update(format=2))
    with pytest.raises(ValueError, match="format 2"):
        from_preset(copy)
