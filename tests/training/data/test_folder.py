import hashlib
import pathlib

import numpy as np
import pytest
from PIL import Image

from training.data import load
from zoo.errors import UserError

RNG = np.random.default_rng(0)


def colour(height: int = 8, width: int = 8) -> np.ndarray:
    return RNG.integers(0, 256, (height, width, 3), np.uint8)


def grey(height: int = 8, width: int = 8) -> np.ndarray:
    return RNG.integers(0, 256, (height, width), np.uint8)


def save(path: pathlib.Path, pixels: np.ndarray, **options) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)


def counts(data) -> list[int]:
    return [len(data.train), len(data.validation), len(data.test)]


def test_classes_are_sorted_sub_folders(tmp_path):
    pixels = {}
    for name, number in (("cats", 20), ("ants", 30)):
        for i in range(number):
            pixels[name, i] = grey()
            save(tmp_path / "pets" / name / f"{i // 10}" / f"{i}.png", pixels[name, i])
    (tmp_path / "pets" / ".cache").mkdir()
    save(tmp_path / "pets" / ".cache" / "x.png", colour())
    data = load(str(tmp_path / "pets"))
    assert data.name == "pets" and data.class_names == ("ants", "cats")
    assert data.image_shape == (8, 8, 1)
    assert counts(data) == [40, 5, 5]
    assert np.bincount(data.test.labels).tolist() == [3, 2]
    known = {image.tobytes(): name for (name, _), image in pixels.items()}
    for image, label in zip(data.train.images, data.train.labels, strict=True):
        assert known[image.tobytes()] == data.class_names[label]
    again = load(str(tmp_path / "pets"))
    assert np.array_equal(again.validation.images, data.validation.images)


def test_the_division_is_by_hash_of_the_path(tmp_path):
    for i in range(20):
        save(tmp_path / f"{i:02}.png", np.full((4, 4), i, np.uint8))
    data = load(str(tmp_path))
    assert data.num_classes == 0 and data.train.labels is None
    order = sorted(range(20), key=lambda i: hashlib.sha256(b"%02d.png" % i).digest())
    assert data.test.images[:, 0, 0, 0].tolist() == sorted(order[:2])
    assert data.validation.images[:, 0, 0, 0].tolist() == sorted(order[2:4])


def test_grey_and_colour_make_three_channels(tmp_path):
    first = grey()
    save(tmp_path / "a.png", first)
    save(tmp_path / "b.bmp", colour())
    save(tmp_path / "c.JPG", colour())
    save(tmp_path / "d.gif", colour())
    save(tmp_path / "e.webp", colour(), lossless=True)
    save(tmp_path / "f.png", RNG.integers(0, 256, (8, 8, 4), np.uint8))
    data = load(str(tmp_path))
    everything = np.concatenate([data.train.images, data.validation.images, data.test.images])
    assert everything.shape == (6, 8, 8, 3)
    assert any(np.array_equal(image, np.repeat(first[..., None], 3, -1)) for image in everything)


def test_sixteen_bit_grey_is_scaled(tmp_path):
    for i in range(3):
        save(tmp_path / f"{i}.png", np.full((4, 4), 128 * 257, np.uint16))
    data = load(str(tmp_path))
    assert data.image_shape == (4, 4, 1) and np.all(data.train.images == 128)


def test_turned_as_the_camera_was(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # The top of the picture is at the right of the file.
    for i in range(3):
        save(tmp_path / f"{i}.png", grey(4, 6), exif=exif)
    assert load(str(tmp_path)).image_shape == (6, 4, 1)


def test_unreadable_files_are_named_and_skipped(tmp_path, capsys):
    for i in range(10):
        save(tmp_path / f"{i}.jpg", colour())
    (tmp_path / "broken.png").write_bytes(b"not an image")
    whole = (tmp_path / "3.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    data = load(str(tmp_path))
    assert sum(counts(data)) == 10
    warning = capsys.readouterr().err
    assert "2 unreadable" in warning and "broken.png" in warning and "cut.jpg" in warning


def test_only_ten_are_named(tmp_path):
    for i in range(12):
        (tmp_path / f"{i:02}.png").write_bytes(b"")
    with pytest.raises(UserError, match="None of the 12 images") as caught:
        load(str(tmp_path))
    message = str(caught.value)
    assert "09.png" in message and "10.png" not in message and "2 more" in message


def test_sizes(tmp_path):
    for i in range(5):
        save(tmp_path / f"{i}.png", colour(8 + i, 9))
    with pytest.raises(UserError, match="differ in size .8x9 to 12x9.*--image-size"):
        load(str(tmp_path))
    assert load(str(tmp_path), image_size=4).image_shape == (4, 4, 3)


def test_given_splits(tmp_path):
    for name, number in (("train", 20), ("test", 4)):
        for i in range(number):
            save(tmp_path / name / "ab"[i % 2] / f"{i}.png", grey())
    data = load(str(tmp_path))
    assert counts(data) == [18, 2, 4] and data.class_names == ("a", "b")
    for i in range(6):
        save(tmp_path / "validation" / "b" / f"{i}.png", grey())
    data = load(str(tmp_path))
    assert counts(data) == [20, 6, 4] and set(data.validation.labels) == {1}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "no images"),
        (["a.txt"], "no images"),
        (["a/1.png", "1.png"], "images outside of them, e.g. 1.png"),
        (["test/1.png", "validation/1.png"], "no train/"),
        (["train/1.png", "val/1.png"], "test split of .* would be empty"),
        (["train/1.png", "cats/1.png"], "also has cats"),
        (["train/1.png", "1.png"], "also has 1.png"),
        (["train/a/1.png", "test/b/1.png"], "must be the same"),
        (["train/a/1.png", "test/1.png"], "must have the same class folders"),
        (["train/1.png", "test/a/1.png"], "must be the same"),
        (["1.png", "2.png"], "split of .* would be empty"),
    ],
)
def test_wrong_layouts(tmp_path, files, message):
    for name in files:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".png":
            save(path, grey())
        else:
            path.write_text("hello")
    with pytest.raises(UserError, match=message):
        load(str(tmp_path))


@pytest.mark.parametrize("spec", ["~no_such_user/images", "x" * 300, "a/" * 3000 + "b"])
def test_paths_that_cannot_be_looked_up(spec):
    with pytest.raises(UserError, match="home folder .* is not known|File name too long"):
        load(spec)
