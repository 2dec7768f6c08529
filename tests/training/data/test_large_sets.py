"""ImageNet-32 and LSUN of TensorFlow Datasets: their own builders, with few images and offline."""

import io

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from training.data import known_shapes, load


def prepare(monkeypatch, name, folder, examples):
    """Prepares a set by its own builder, whose files are replaced by a generator."""
    kind = tfds.builder_cls(name.split("/")[0])
    monkeypatch.setattr(
        kind,
        "_split_generators",
        lambda self, manager: {"train": examples(1000), "validation": examples(10)},
    )
    tfds.builder(name, data_dir=folder).download_and_prepare()


def test_imagenet_32_has_its_classes_and_its_validation_split(monkeypatch, tmp_path):
    def examples(count):
        for i in range(count):
            yield i, {"image": np.full((32, 32, 3), i % 256, np.uint8), "label": i}

    name = "imagenet_resized/32x32"
    prepare(monkeypatch, name, tmp_path, examples)
    assert known_shapes.known_shape(name, data_dir=str(tmp_path)) == (32, 32, 3)
    data = load(name, data_dir=str(tmp_path))
    assert (data.name, data.num_classes, data.image_shape) == (name, 1000, (32, 32, 3))
    assert len(data.validation) == 10 and len(data.train) + len(data.test) == 1000
    np.testing.assert_array_equal(data.train.images[:, 0, 0, 0], data.train.labels % 256)


def test_lsun_has_no_classes_and_needs_a_size(monkeypatch, tmp_path):
    def examples(count):
        for i in range(count // 10):
            file = io.BytesIO()
            Image.new("RGB", (40 + i % 3, 30), (2 * i, 0, 0)).save(file, "JPEG")
            yield i, {"id": str(i), "image": io.BytesIO(file.getvalue())}

    prepare(monkeypatch, "lsun/bedroom", tmp_path, examples)
    with pytest.raises(Exception, match="differ in size.*--image-size"):
        load("lsun/bedroom", data_dir=str(tmp_path))
    data = load("lsun/bedroom", data_dir=str(tmp_path), image_size=16)
    assert (data.name, data.image_shape) == ("lsun/bedroom", (16, 16, 3))
    assert data.train.labels is None and data.class_names == ()
    assert len(data.validation) == 1 and len(data.train) + len(data.test) == 100
