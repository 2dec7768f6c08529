"""Tests of reading and preparing TensorFlow Datasets sets, with small sets defined here."""

import pathlib
import shutil
import urllib.error
import urllib.request

import numpy as np
import pytest
import tensorflow_datasets as tfds

from training.data import load, tfds_images
from training.data.data_checks import copies_in_arrays
from training.data.digits.builder import Digits
from training.data.image_data import Split
from training.data.tfds_images import load_tfds
from zoo.errors import UserError

WAYS = "(?s)--data-dir.*--manual-dir.*a folder of images"


class ZooTestShapes(tfds.core.GeneratorBasedBuilder):
    """40 photographs of 9x12 pixels with unusual feature names and only a train split."""

    VERSION = tfds.core.Version("1.0.0")
    number = 40

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            features=tfds.features.FeaturesDict(
                {
                    "mask": tfds.features.LabeledImage(labels=2, shape=(None, None, 1)),
                    "depth": tfds.features.Image(shape=(None, None, 1), dtype=np.uint16),
                    "photograph": tfds.features.Image(shape=(None, None, 3)),
                    "kind": tfds.features.ClassLabel(names=["round", "square"]),
                }
            ),
        )

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        for i in range(self.number):
            yield (
                i,
                {
                    "mask": np.zeros((2, 2, 1), np.uint8),
                    "depth": np.zeros((2, 2, 1), np.uint16),
                    "photograph": np.full((9, 12, 3), i, np.uint8),
                    "kind": i % 2,
                },
            )


class ZooTestSizes(ZooTestShapes):
    """Unlabelled images of many sizes with a train and a validation split."""

    def _info(self):
        features = {"image": tfds.features.Image(shape=(None, None, 3))}
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples(), "validation": self._generate_examples()}

    def _generate_examples(self):
        for i in range(12):
            yield i, {"image": np.full((4 + i, 6, 3), 10 * i, np.uint8)}


class ZooTestByHand(ZooTestShapes):
    """A set whose files must be downloaded by hand."""

    MANUAL_DOWNLOAD_INSTRUCTIONS = "Ask the author for shapes.bin."

    def _split_generators(self, dl_manager):
        self.number = int((dl_manager.manual_dir / "shapes.bin").read_text())
        return {"train": self._generate_examples()}


class ZooTestWords(tfds.core.GeneratorBasedBuilder):
    """A set without images."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        features = {"word": tfds.features.Text()}
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager):
        raise AssertionError("must not be prepared")

    _generate_examples = _split_generators


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*arguments, **options):
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    # Even if the check of the host is skipped, a test must not download anything.
    monkeypatch.setattr(tfds.download.DownloadManager, "_download", refuse)


@pytest.fixture
def cache(tmp_path, monkeypatch) -> pathlib.Path:
    """An empty folder of caches."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user_cache"))
    return tmp_path / "user_cache" / "lipschitz-gan-zoo"


def prepared_versions(folder: pathlib.Path) -> list[pathlib.Path]:
    return sorted(path.parent for path in folder.rglob("dataset_info.json"))


def test_features_are_found_by_type(tmp_path):
    data = load("zoo_test_shapes", data_dir=str(tmp_path))
    assert data.class_names == ("round", "square") and data.image_shape == (9, 12, 3)
    assert [len(s) for s in (data.train, data.validation, data.test)] == [32, 4, 4]
    values = []
    for split in (data.train, data.validation, data.test):
        assert np.array_equal(split.images[:, 0, 0, 0] % 2, split.labels)
        values += split.images[:, 0, 0, 0].tolist()
    assert sorted(values) == list(range(40))
    assert np.bincount(data.test.labels).tolist() == [2, 2]


def test_order_does_not_depend_on_the_number_of_files(tmp_path, monkeypatch):
    monkeypatch.setattr(ZooTestShapes, "number", 120)
    first = load("zoo_test_shapes", data_dir=str(tmp_path / "one"))
    builder = tfds.builder("zoo_test_shapes", data_dir=tmp_path / "four")
    builder.download_and_prepare(download_config=tfds.download.DownloadConfig(num_shards=4))
    assert len(list(tmp_path.glob("four/**/*.tfrecord-*"))) == 4
    second = load("zoo_test_shapes", data_dir=str(tmp_path / "four"))
    assert np.array_equal(first.train.images, second.train.images)


def test_sizes_that_differ(tmp_path):
    with pytest.raises(UserError, match="differ in size.*--image-size"):
        load("zoo_test_sizes", data_dir=str(tmp_path))
    data = load("zoo_test_sizes", data_dir=str(tmp_path), image_size=5)
    assert data.image_shape == (5, 5, 3) and data.train.labels is None
    assert [len(s) for s in (data.train, data.validation, data.test)] == [11, 12, 1]
    assert sorted(data.validation.images[:, 0, 0, 0]) == [10 * i for i in range(12)]
    (warning,) = data.warnings
    assert warning.startswith("24 images are identical to an image in another split (12 different")
    assert "e.g. train image 0 and validation image" in warning


def test_copies_in_memory_maps_are_not_counted(tmp_path):
    images = np.zeros((2, 4, 4, 1), np.uint8)
    split = Split(images, np.array([0, 1]))
    in_splits, in_classes = copies_in_arrays({"train": split, "test": split})
    assert "in another split" in in_splits and "in another class" in in_classes
    mapped = Split(np.memmap(tmp_path / "images", np.uint8, "w+", shape=images.shape))
    assert copies_in_arrays({"train": split, "test": mapped}) == []


def test_prepared_data_is_read_as_it_is(digits_dir, monkeypatch):
    monkeypatch.setattr(Digits, "download_and_prepare", None)
    version = digits_dir / "digits" / "1.0.0"
    for folder in (digits_dir, version.parent, version):
        assert len(load("digits", data_dir=str(folder)).test) == 400
    with pytest.raises(UserError, match="contains digits/1.0.0, not mnist"):
        load("mnist", data_dir=str(version))
    # A later release of the builder still reads the data of an earlier one.
    monkeypatch.setattr(Digits, "VERSION", tfds.core.Version("2.0.0"))
    assert len(load("digits", data_dir=str(digits_dir)).test) == 400


@pytest.mark.parametrize("image_size", [None, 6])
def test_large_sets_are_memory_mapped(tmp_path, image_size, cache, capsys):
    options = {"image_size": image_size, "data_dir": str(tmp_path)}
    small = load_tfds("zoo_test_shapes", **options)
    large = load_tfds("zoo_test_shapes", **options, memory_limit=10)
    for split in ("train", "validation", "test"):
        mapped, held = getattr(large, split), getattr(small, split)
        assert isinstance(mapped.images, np.memmap) and not mapped.images.flags.writeable
        assert not isinstance(held.images, np.memmap)
        assert np.array_equal(mapped.images, held.images)
        assert np.array_equal(mapped.labels, held.labels)
    size = "9x12x3" if image_size is None else "6x6x3-resized"
    (folder,) = (cache / "arrays").glob(f"zoo_test_shapes-1.0.0-{size}-*")
    # The files are written once and then only read.
    stamp = (folder / "train_images.npy").stat().st_mtime_ns
    load_tfds("zoo_test_shapes", **options, memory_limit=10)
    assert (folder / "train_images.npy").stat().st_mtime_ns == stamp
    (folder / "train_images.npy").write_bytes(b"")
    again = load_tfds("zoo_test_shapes", **options, memory_limit=10)
    assert np.array_equal(again.train.images, small.train.images)
    assert "damaged" in capsys.readouterr().err


def test_images_are_decoded_once(tmp_path, monkeypatch):
    first = load("zoo_test_shapes", data_dir=str(tmp_path))
    with monkeypatch.context() as patch:
        patch.setattr(tfds_images._Reader, "image_batches", None)
        second = load("zoo_test_shapes", data_dir=str(tmp_path))
    for split in ("train", "validation", "test"):
        for name in ("images", "labels"):
            left, right = (getattr(getattr(data, split), name) for data in (first, second))
            assert np.array_equal(left, right)


def test_a_set_that_is_prepared_again_is_decoded_again(tmp_path, monkeypatch):
    load("zoo_test_shapes", data_dir=str(tmp_path))
    shutil.rmtree(tmp_path / "zoo_test_shapes" / "1.0.0")
    monkeypatch.setattr(ZooTestShapes, "number", 60)
    assert len(load("zoo_test_shapes", data_dir=str(tmp_path)).train) == 48


def test_small_sets_need_no_place_for_files(tmp_path, monkeypatch, cache):
    def refuse(*arguments, **options):
        raise OSError("No space left on device")

    expected = load("zoo_test_shapes", data_dir=str(tmp_path / "one"))
    shutil.rmtree(cache)
    monkeypatch.setattr(np.lib.format, "open_memmap", refuse)
    data = load("zoo_test_shapes", data_dir=str(tmp_path / "two"))
    assert np.array_equal(data.train.images, expected.train.images)
    assert not list(tmp_path.rglob("*.npy"))
    with pytest.raises(UserError, match="No space left"):
        load_tfds("zoo_test_shapes", data_dir=str(tmp_path / "two"), memory_limit=10)


def test_interrupted_memory_map_is_not_taken_for_one(tmp_path, cache):
    with pytest.raises(UserError, match="differ in size"):
        load_tfds("zoo_test_sizes", data_dir=str(tmp_path), memory_limit=10)
    assert not list(tmp_path.rglob("*.npy")) and not list(cache.glob("arrays/*"))


@pytest.mark.parametrize("failure", [RuntimeError("the disk is full"), KeyboardInterrupt()])
def test_failed_preparation_leaves_nothing(tmp_path, monkeypatch, failure):
    def generate(self, images, labels, rows):
        yield 0, {"image": images[0], "label": 0}
        raise failure

    with monkeypatch.context() as patch:
        patch.setattr(Digits, "_generate_examples", generate)
        expected = UserError if isinstance(failure, RuntimeError) else KeyboardInterrupt
        with pytest.raises(expected) as caught:
            load("digits", data_dir=str(tmp_path))
    if expected is UserError:
        assert "the disk is full" in str(caught.value)
    assert not prepared_versions(tmp_path) and not (tmp_path / "digits" / "1.0.0").exists()
    assert len(load("digits", data_dir=str(tmp_path)).train) == 1197


def test_another_process_was_faster(tmp_path, monkeypatch):
    original = ZooTestShapes._generate_examples

    def generate(self):
        monkeypatch.setattr(ZooTestShapes, "_generate_examples", original)
        load("zoo_test_shapes", data_dir=str(tmp_path))
        return original(self)

    monkeypatch.setattr(ZooTestShapes, "_generate_examples", generate)
    assert len(load("zoo_test_shapes", data_dir=str(tmp_path)).train) == 32


def test_damaged_records(tmp_path):
    load("zoo_test_shapes", data_dir=str(tmp_path))
    (records,) = tmp_path.rglob("*.tfrecord*")
    content = bytearray(records.read_bytes())
    content[len(content) // 2] ^= 255
    records.write_bytes(content)
    with pytest.raises(UserError, match="damaged.*Delete this folder"):
        load("zoo_test_shapes", data_dir=str(tmp_path))


def test_damaged_description(tmp_path):
    load("zoo_test_shapes", data_dir=str(tmp_path))
    (version,) = prepared_versions(tmp_path)
    (version / "dataset_info.json").write_text("{")
    for folder in (tmp_path, version):
        with pytest.raises(UserError, match="TensorFlow Datasets cannot"):
            load("zoo_test_shapes", data_dir=str(folder))


def test_sets_without_images_are_refused_before_they_are_prepared(tmp_path):
    with pytest.raises(UserError, match="not a set of 8-bit images; its features are: word"):
        load("zoo_test_words", data_dir=str(tmp_path))


def test_unknown_names():
    with pytest.raises(UserError, match="Nearest names: digits") as caught:
        load("digit")
    assert caught.match(WAYS)
    for name in ("no/such/folder", "huggingface:mnist", "", "mnist/a=1"):
        with pytest.raises(UserError, match="neither an existing path nor") as caught:
            load(name)
        assert caught.match(WAYS)
    with pytest.raises(UserError, match="no config '33x33'; it has: 8x8, 16x16, 32x32, 64x64"):
        load("imagenet_resized/33x33")
    with pytest.raises(UserError, match="9.9.9"):
        load("digits:9.9.9")


def test_no_network(tmp_path, no_network):
    with pytest.raises(UserError, match="cannot be reached.*no route to host") as caught:
        load("mnist", data_dir=str(tmp_path))
    assert caught.match(WAYS)
    assert len(load("digits", data_dir=str(tmp_path)).train) == 1197


def test_manual_files(tmp_path, no_network):
    data_dir, manual_dir = tmp_path / "tfds", tmp_path / "files"
    options = {"data_dir": str(data_dir), "manual_dir": str(manual_dir)}
    with pytest.raises(UserError, match="by hand.*(?s:.*)Ask the author for shapes.bin"):
        load("zoo_test_by_hand", data_dir=str(data_dir))
    with pytest.raises(UserError, match="is not a folder"):
        load("zoo_test_by_hand", **options)
    manual_dir.mkdir()
    with pytest.raises(UserError, match="Ask the author for shapes.bin"):
        load("zoo_test_by_hand", **options)
    (manual_dir / "shapes.bin").write_text("30")
    data = load("zoo_test_by_hand", **options)
    assert sum(map(len, (data.train, data.validation, data.test))) == 30


def test_manual_files_that_are_missing_or_others(tmp_path, no_network):
    manual_dir = tmp_path / "files"
    manual_dir.mkdir()
    options = {"data_dir": str(tmp_path / "tfds"), "manual_dir": str(manual_dir)}
    with pytest.raises(UserError, match="Not in --manual-dir.*train-labels-idx1-ubyte.gz"):
        load("mnist", **options)
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (manual_dir / f"{name}-ubyte.gz").write_bytes(b"something else")
    with pytest.raises(UserError, match="wrong checksum"):
        load("mnist", **options)


def test_options_without_effect(tmp_path):
    with pytest.raises(UserError, match="does not use original files"):
        load("digits", data_dir=str(tmp_path), manual_dir=str(tmp_path))
    for option in ("data_dir", "manual_dir"):
        with pytest.raises(UserError, match=f"--{option.replace('_', '-')} applies to TensorFlow"):
            load(str(tmp_path), **{option: str(tmp_path)})


def test_paths_and_sizes(tmp_path):
    with pytest.raises(UserError, match="at least 1 pixel"):
        load("digits", image_size=0)
    (tmp_path / "images.zip").write_bytes(b"")
    with pytest.raises(UserError, match="expected a folder of images or an .npz"):
        load(str(tmp_path / "images.zip"))


def test_resizing(digits_dir, digits):
    data = load("digits", image_size=16, data_dir=str(digits_dir))
    assert data.image_shape == (16, 16, 1)
    assert np.array_equal(data.train.labels, digits.train.labels)
