"""Tests of image sheets and animations, pixel by pixel."""

import re

import numpy as np
import pytest
from PIL import Image

from tests.support.random_weights import randomize
from tests.support.small_tasks import make_classifier
from training import data as data_sets
from training import sample
from zoo.inversion import InversionResult
from zoo.networks import DCGANGenerator, MLPGenerator
from zoo.presets import save_bundle
from zoo.tasks import ImageGenerator


def make(num_classes=0, shape=(8, 8, 1)):
    network = DCGANGenerator(shape, latent_dim=6, base_filters=4, num_classes=num_classes)
    return randomize(ImageGenerator(network))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample")
    make().save_to_preset(folder / "plain")
    make(num_classes=3).save_to_preset(folder / "run" / "preset")
    make_classifier().save_to_preset(folder / "classifier")
    make(num_classes=3).save_to_preset(folder / "named" / "preset")
    (folder / "named" / "recipe.json").write_text("{}")
    (folder / "named" / "data.json").write_text('{"class_names": ["cat", "2", "1"]}')
    save_bundle(folder / "ring", root=ImageGenerator(MLPGenerator((2,), latent_dim=4)))
    return folder


@pytest.fixture(scope="module")
def digits(folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TFDS_DATA_DIR", str(folder / "tfds"))
        yield data_sets.load("digits")


def cells(path, rows, columns, size=8):
    """Returns the images of a sheet: uint8 `[rows * columns, size, size]`."""
    with Image.open(path) as image:
        factor = image.width // (columns * (size + 1) - 1)
        pixels = np.asarray(image)[::factor, ::factor]
    assert pixels.shape == (rows * (size + 1) - 1, columns * (size + 1) - 1)
    return np.stack(
        [
            pixels[r * (size + 1) : r * (size + 1) + size, c * (size + 1) : c * (size + 1) + size]
            for r in range(rows)
            for c in range(columns)
        ]
    )


def run(folder, source, *options):
    out = folder / "sheet.png"
    code = sample.main([str(folder / source), "--out", str(out), *options])
    assert code == 0
    return out


def test_images_belong_to_their_seeds(folder):
    generator = make()
    seen = cells(run(folder, "plain"), 8, 8)
    np.testing.assert_array_equal(seen, generator.generate(64, seed=0)[..., 0])
    seen = cells(run(folder, "plain", "--seed", "5", "--grid", "2x3"), 2, 3)
    np.testing.assert_array_equal(seen, generator.generate(6, seed=5)[..., 0])
    seen = cells(run(folder, "plain", "--seeds", "9,3,4"), 1, 3)
    for image, seed in zip(seen, (9, 3, 4), strict=True):
        assert np.abs(image.astype(int) - generator.generate(1, seed=seed)[0, ..., 0]).max() <= 1
    seen = cells(run(folder, "plain", "--seeds", "10-18"), 2, 8)
    np.testing.assert_array_equal(seen[:9], generator.generate(9, seed=10)[..., 0])
    assert np.all(seen[9:] == 255)


def test_classes_and_truncation(folder):
    generator = make(num_classes=3)
    rows = np.repeat([0, 1], 4)
    seen = cells(run(folder, "run", "--grid", "2x4"), 2, 4)
    np.testing.assert_array_equal(seen, generator.generate(8, seed=0, labels=rows)[..., 0])
    seen = cells(run(folder, "run", "--grid", "2x4", "--class", "2", "--truncation", "0.5"), 2, 4)
    expected = generator.generate(8, seed=0, labels=2, truncation=0.5)[..., 0]
    np.testing.assert_array_equal(seen, expected)


def test_a_class_is_given_by_name_or_number(folder, capsys):
    for given, number in (("cat", 0), ("0", 0), ("2", 2), ("1", 1)):
        seen = cells(run(folder, "named", "--grid", "1x2", "--class", given), 1, 2)
        expected = make(num_classes=3).generate(2, seed=0, labels=number)[..., 0]
        np.testing.assert_array_equal(seen, expected)
    notes = capsys.readouterr().err.splitlines()
    assert notes == [
        "note: --class 2 is class number 2, whose name is '1'. The class with the name '2' is "
        "--class 1.",
        "note: --class 1 is class number 1, whose name is '2'. The class with the name '1' is "
        "--class 2.",
    ]


def test_the_names_of_a_classifiers_classes_are_those_of_its_generator(folder):
    from training.class_names import class_names_of

    assert class_names_of("clsgan_digits_100") == [str(digit) for digit in range(10)]
    assert class_names_of(str(folder / "plain")) == []


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("x.png", "PNG"),
        ("x.PNG", "PNG"),
        ("x.jpg", "JPEG"),
        ("x.JPEG", "JPEG"),
        ("x.webp", "WEBP"),
        ("x.gif", "GIF"),
    ],
)
def test_the_ending_decides_the_format(folder, tmp_path, name, kind):
    out = tmp_path / name
    assert sample.main([str(folder / "plain"), "--grid", "1x2", "--out", str(out)]) == 0
    expected = make().generate(2, seed=0)[..., 0]
    with Image.open(out) as image:
        assert image.format == kind
        pixels = np.asarray(image.convert("L")).astype(int)
    factor = pixels.shape[1] // 17
    first = pixels[factor // 2 :: factor, factor // 2 :: factor][:8, :8]
    assert np.abs(first - expected[0]).max() <= (4 if kind == "JPEG" else 0)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["x.txt", "x", "x.png.bak", ".png", "x.tif", "x.pdf"])
def test_other_endings_are_refused(folder, tmp_path, capsys, name):
    out = tmp_path / name
    assert sample.main([str(folder / "plain"), "--out", str(out)]) == 2
    assert "--out must end in .png, .jpg, .jpeg, .webp, .gif; given" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_interpolation_as_sheet_and_animation(folder):
    film = folder / "film.gif"
    options = ["--interpolate", "3,7", "--grid", "1x5", "--class", "1", "--gif", str(film)]
    expected = make(num_classes=3).interpolate(3, 7, 5, label=1)[..., 0]
    np.testing.assert_array_equal(cells(run(folder, "run", *options), 1, 5), expected)
    with Image.open(film) as gif:
        assert gif.n_frames == 8 and gif.info["loop"] == 0 and gif.width == 256
        gif.seek(4)
        last = np.asarray(gif.convert("L"))[::32, ::32]
    assert np.abs(last.astype(int) - expected[4]).max() <= 3


def test_the_nearest_training_image_is_next_to_each(folder, digits):
    seen = cells(run(folder, "plain", "--grid", "2x2", "--nearest", "digits"), 2, 4)
    made = make().generate(4, seed=0)[..., 0]
    np.testing.assert_array_equal(seen[::2], made)
    train = digits.train.images[..., 0].astype(float)
    for image, beside in zip(made, seen[1::2], strict=True):
        distances = ((train - image) ** 2).sum(axis=(1, 2))
        found = ((train - beside) ** 2).sum(axis=(1, 2)).argmin()
        assert distances[found] == distances.min() and np.array_equal(train[found], beside)


def test_images_are_inverted(folder, tmp_path, capsys):
    made = make().generate(2, seed=3)
    for i, image in enumerate(made):
        Image.fromarray(image[..., 0]).save(tmp_path / f"{i}.png")
    seen = cells(run(folder, "plain", "--invert", str(tmp_path)), 1, 8)
    np.testing.assert_array_equal(seen[[0, 2]], made[..., 0])
    difference = np.abs(seen[[1, 3]].astype(int) - made[..., 0]).mean()
    assert difference < 8
    printed = capsys.readouterr().out
    assert "mean absolute error" in printed and "best classes" not in printed


def test_images_to_invert_are_read_as_training_reads_them(tmp_path):
    """EXIF orientation is applied, and 16-bit images are scaled to 8 bits."""
    from training.nearest import read_images

    pixels = np.arange(48, dtype=np.uint8).reshape(6, 8)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels.T).save(tmp_path / "a.png", exif=exif)
    Image.fromarray(np.rot90(pixels.T, -1).astype(np.uint16) << 8).save(tmp_path / "b.png")
    (tmp_path / ".DS_Store").write_text("x")
    turned, deep = read_images(str(tmp_path))[..., 0]
    np.testing.assert_array_equal(turned, np.rot90(pixels.T, -1))
    np.testing.assert_array_equal(deep, turned)


def test_classes_of_inverted_images_are_searched(folder, tmp_path, capsys, monkeypatch):
    asked = []

    def invert(self, images, *, labels):
        asked.append(labels)
        made = np.zeros((len(images), *self.image_shape), "float32")
        zeros = np.zeros(len(images))
        return InversionResult(zeros, made, zeros, np.array([2, 0]), zeros)

    monkeypatch.setattr(ImageGenerator, "invert", invert)
    for i in range(2):
        Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / f"{i}.png")
    run(folder, "run", "--invert", str(tmp_path))
    assert "best classes: 2 0" in capsys.readouterr().out
    run(folder, "run", "--invert", str(tmp_path), "--class", "1")
    assert "best classes" not in capsys.readouterr().out and asked == ["searched", 1]


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("plain", ["--grid", "0x3"], "--grid must be"),
        ("plain", ["--seeds", "9-3"], "--seeds must be"),
        ("plain", ["--seeds", "x"], "--seeds must be"),
        ("plain", ["--seeds", "0-3", "--grid", "2x3"], "6 places for the 4"),
        ("plain", ["--seeds", "0-3", "--seed", "2"], "not both"),
        ("plain", ["--seeds", "0-3", "--interpolate", "1,2"], "Give one of"),
        ("plain", ["--seed", "3", "--interpolate", "1,2"], "Give one of"),
        ("plain", ["--interpolate", "1-2"], "two seeds"),
        ("plain", ["--gif", "x.gif"], "--interpolate A,B too"),
        ("plain", ["--truncation", "2"], "truncation"),
        ("plain", ["--truncation", "nan"], "truncation"),
        ("plain", ["--seed", "-1"], r"`--seed` must be .* received -1"),
        ("plain", ["--seed", str(2**63 - 63)], "`--seed` must be an integer from 0"),
        ("plain", ["--seeds", f"1,{2**63}"], "`--seeds` must be an integer from 0"),
        ("plain", ["--interpolate", f"1,{2**63}"], "`--interpolate` must be an integer from 0"),
        ("plain", ["--interpolate", "1,2", "--grid", "1x1"], "at least 2 places"),
        ("plain", ["--grid", "99999x99999"], "the most is 10,000"),
        ("plain", ["--seeds", "0-99999999"], "at most 10,000 seeds"),
        ("plain", ["--gif", "x.png", "--interpolate", "1,2"], "--gif must end in .gif; given"),
        ("plain", ["--class", "1"], "unconditional"),
        ("run", ["--class", "3"], "0..2"),
        ("run", ["--class", "-1"], "0..2"),
        ("run", ["--class", "1.0"], "does not store class names"),
        ("run", ["--class", "cat"], "does not store class names"),
        ("named", ["--class", "cats"], "Did you mean 'cat'"),
        ("plain", ["--invert", "x.png", "--nearest", "digits"], "--nearest has no effect"),
        ("plain", ["--invert", "."], "is not an image|one size"),
        ("plain", ["--invert", "empty"], "the folder has no files"),
        ("plain", ["--nearest", "no_such_data"], "no_such_data"),
        ("ring", [], "points"),
        ("classifier", [], "holds an ImageClassifier"),
        ("nothing", [], "no such folder"),
    ],
)
def test_mistakes_exit_with_2(folder, tmp_path, monkeypatch, capsys, source, options, message):
    monkeypatch.chdir(tmp_path)
    if "needs --class" in message:
        Image.new("L", (8, 8)).save("x.png")
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / "empty").mkdir()
    code = sample.main([str(folder / source), "--out", str(tmp_path / "out.png"), *options])
    printed = capsys.readouterr().err
    assert code == 2 and re.search(message, printed) and "Traceback" not in printed
    assert not (tmp_path / "out.png").exists() and not list(tmp_path.glob(".*"))
