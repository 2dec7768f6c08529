"""Tests of the files of a folder that are not used, and of copies of images."""

import os
import pathlib
import shutil

import numpy as np
import pytest
from PIL import Image

from training.data import load
from training.data.decoding import image_extensions
from zoo.errors import UserError

RNG = np.random.default_rng(0)


def save(path: pathlib.Path, pixels: np.ndarray | None = None, **options) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = RNG.integers(0, 256, (6, 6, 3), np.uint8) if pixels is None else pixels
    Image.fromarray(pixels).save(path, **options)


def total(data) -> int:
    return len(data.train) + len(data.validation) + len(data.test)


def skipped(data) -> dict[str, int]:
    return {one.reason: one.count for one in data.skipped}


def test_files_are_counted_by_reason(tmp_path, capsys):
    for i in range(6):
        save(tmp_path / f"{i}.png")
    (tmp_path / "broken.png").write_bytes(b"not an image")
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nothing")
    for name in ("photo.heic", "photo.HEIC", "labels.csv", "README"):
        (tmp_path / name).write_bytes(b"something")
    (tmp_path / "again.png").symlink_to(tmp_path / "0.png")
    os.mkfifo(tmp_path / "pipe.png")
    data = load(str(tmp_path))
    assert total(data) == 6
    assert skipped(data) == {
        "unreadable": 2,
        "of a type that is not an image": 4,
        "linked again, and used already": 1,
        "that are pipes, sockets or devices": 1,
    }
    printed = capsys.readouterr().err
    assert "2 unreadable image file(s): broken.png, gone.jpg;" in printed
    assert ".heic 2, without extension 1, .csv 1" in printed


def test_droppings_are_silent(tmp_path, capsys):
    for name in ("a", "b"):
        for i in range(4):
            save(tmp_path / name / f"{i}.png")
            save(tmp_path / name / f"._{i}.png")
        save(tmp_path / name / ".ipynb_checkpoints" / "0.png")
        save(tmp_path / name / "@eaDir" / "thumbnail.png")
    save(tmp_path / "__MACOSX" / "a" / "0.png")
    for name in (".DS_Store", "Thumbs.db", "a/desktop.ini", "b/THUMBS.DB"):
        (tmp_path / name).write_bytes(b"something")
    data = load(str(tmp_path))
    assert total(data) == 8 and data.class_names == ("a", "b")
    assert not data.skipped and not data.warnings and not capsys.readouterr().err


@pytest.mark.parametrize(
    "name",
    "x.tif x.TIFF x.webp x.bmp x.PNG x.JpG x.jpe x.jfif x.gif x.ppm x.tga x.jp2 x.ico".split(),
)
def test_all_types_are_read(tmp_path, name):
    pixels = np.full((16, 16, 3), 200, np.uint8)
    save(tmp_path / "a" / name, pixels)
    for i in range(3):
        save(tmp_path / "a" / f"{i}.png", RNG.integers(0, 256, (16, 16, 3), np.uint8))
    data = load(str(tmp_path / "a"))
    assert total(data) == 4 and not data.skipped
    images = np.concatenate([data.train.images, data.validation.images, data.test.images])
    assert min(np.abs(image.astype(int) - pixels).max() for image in images) <= 4


def test_images_without_an_extension_are_read(tmp_path):
    for i in range(4):
        save(tmp_path / str(i), format="PNG")
    (tmp_path / "notes").write_text("BM is not a bitmap")
    data = load(str(tmp_path))
    assert total(data) == 4 and skipped(data) == {"of a type that is not an image": 1}
    assert ".png" in image_extensions() and ".pdf" not in image_extensions()


@pytest.mark.parametrize("kind", ["heic", "broken", "empty", "link"])
@pytest.mark.parametrize("prefix", ["", "train/"])
def test_a_class_left_empty_is_named(tmp_path, kind, prefix):
    for i in range(5):
        save(tmp_path / prefix / "cat" / f"{i}.png")
    birds = tmp_path / prefix / "bird"
    if kind == "link":
        birds.symlink_to(tmp_path / prefix / "cat")
    else:
        birds.mkdir()
    if kind == "heic":
        (birds / "1.heic").write_bytes(b"something")
    if kind == "broken":
        (birds / "1.png").write_bytes(b"something")
    reason = {"heic": "heic 1", "broken": "1 unreadable", "empty": "", "link": "linked"}[kind]
    with pytest.raises(UserError, match=f"class bird of .* has no usable image.*{reason}"):
        load(str(tmp_path))


def test_a_class_of_a_given_split_left_empty_is_named(tmp_path):
    for folder in ("train/cat", "train/dog", "test/cat"):
        for i in range(5):
            save(tmp_path / folder / f"{i}.png")
    (tmp_path / "test" / "dog").mkdir()
    assert "these classes: dog" in load(str(tmp_path)).warnings[0]
    (tmp_path / "test" / "dog" / "1.heic").write_bytes(b"something")
    with pytest.raises(UserError, match="class folder test/dog .* no usable image.*heic 1"):
        load(str(tmp_path))


def test_links_that_lead_upwards_add_nothing(tmp_path):
    for name in ("a", "b"):
        for i in range(10):
            save(tmp_path / "data" / name / f"{i}.png")
    save(tmp_path / "other" / "x.png")
    expected = load(str(tmp_path / "data"))
    for place, target in (
        ("data/a/up", "data"),
        ("data/b/out", "."),
        ("data/a/self", "data/a"),
        ("data/b/other", "data/a"),
    ):
        (tmp_path / place).symlink_to(tmp_path / target)
    data = load(str(tmp_path / "data"))
    assert total(data) == 20
    for split in ("train", "validation", "test"):
        assert np.array_equal(getattr(data, split).images, getattr(expected, split).images)
    assert skipped(data) == {"linked again, and used already": 4}


def test_links_to_other_places_are_followed(tmp_path):
    for name in ("cats", "dogs"):
        for i in range(5):
            save(tmp_path / "store" / name / f"{i}.png")
        (tmp_path / "data").mkdir(exist_ok=True)
        (tmp_path / "data" / name).symlink_to(tmp_path / "store" / name)
    (tmp_path / "store" / "cats" / "to_dogs").symlink_to(tmp_path / "store" / "dogs")
    data = load(str(tmp_path / "data"))
    assert total(data) == 10 and data.class_names == ("cats", "dogs")
    counts = sum(np.bincount(s.labels) for s in (data.train, data.validation, data.test))
    assert counts.tolist() == [5, 5]


def test_a_test_folder_that_is_a_link_to_train_is_refused(tmp_path):
    for i in range(5):
        save(tmp_path / "train" / f"{i}.png")
    (tmp_path / "test").symlink_to(tmp_path / "train")
    with pytest.raises(UserError, match="test split .* would be empty.*linked"):
        load(str(tmp_path))


def test_copies_in_two_splits_and_two_classes_are_counted(tmp_path, capsys):
    for split in ("train", "test"):
        for name in ("a", "b"):
            for i in range(10):
                save(tmp_path / split / name / f"{i}.png")
    assert not load(str(tmp_path)).warnings
    shutil.copy(tmp_path / "train" / "a" / "3.png", tmp_path / "test" / "a" / "x.png")
    with Image.open(tmp_path / "test" / "b" / "4.png") as image:
        image.save(tmp_path / "test" / "a" / "y.bmp")  # Equal pixels in another file type.
    data = load(str(tmp_path))
    first, second = data.warnings
    assert first.startswith("2 images are identical to an image in another split (1 different")
    assert "test/a/x.png" in first and "train/a/3.png" in first
    assert second.startswith("2 images are identical to an image in another class")
    assert "test/a/y.bmp" in second and "test/b/4.png" in second
    assert total(data) == 42
    assert capsys.readouterr().err.count("Warning: ") == 2


def test_names_that_are_not_utf8(tmp_path):
    root = os.fsencode(tmp_path)
    for folder in (b"caf\xe9", b"bar"):
        for i in range(4):
            os.makedirs(os.path.join(root, folder), exist_ok=True)
            path = os.path.join(root, folder, b"\xff%d.png" % i)
            with open(path, "wb") as file:
                Image.fromarray(RNG.integers(0, 256, (6, 6, 3), np.uint8)).save(file, "PNG")
    with open(os.path.join(root, b"bar", b"\xfe.png"), "wb"):
        pass
    data = load(str(tmp_path))
    assert total(data) == 8 and data.class_names == ("bar", "caf\\xe9")
    assert data.warnings[0].endswith("1 unreadable image file(s): bar/\\xfe.png.")
