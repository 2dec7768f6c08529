"""Images without a label: where they may be, what learns from them, and what is refused."""

import json

import numpy as np
import pytest
from PIL import Image

from tests.support.cases import tiny_recipe
from training import data as data_sets
from training.data.split_names import means_unlabelled
from training.data_digest import data_changes, data_record
from training.fit import main
from training.streams import label_map_of, streams_of, unused_images
from zoo.errors import UserError

TINY = (
    "--model clsgan --steps 2 --report-every 2 --checkpoint-every 2 --generator-filters 8 "
    "--critic-filters 4 --latent-dim 5 --batch-size 8 --jit off"
)


def write_images(folder, count, *, first=0):
    """Writes images of different contents."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        pixels = np.random.default_rng(number).integers(0, 256, (16, 16), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")


@pytest.fixture
def folder(tmp_path):
    """Two classes of 12 images, and 30 images without a label."""
    path = tmp_path / "pets"
    write_images(path / "cat", 12)
    write_images(path / "dog", 12, first=100)
    write_images(path / "unlabelled", 30, first=200)
    return path


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("unlabelled", True),
        ("Unlabeled", True),
        ("UNLABELED_DATA", True),
        ("unlabelled images", True),
        ("no_label", True),
        ("labelled", False),
        ("unknown", False),
    ],
)
def test_names_that_mean_images_without_a_label(name, expected):
    assert means_unlabelled(name) is expected


def test_a_folder_beside_the_classes_holds_images_without_a_label(folder):
    data = data_sets.load(str(folder))
    assert data.class_names == ("cat", "dog")
    assert data.unlabelled is not None and len(data.unlabelled) == 30
    assert data.unlabelled.labels is None
    assert len(data.train) + len(data.validation) + len(data.test) == 24


@pytest.mark.parametrize("place", ["unlabelled", "train/unlabelled"])
def test_it_may_be_next_to_train_or_inside_it(place, tmp_path):
    for number, split in enumerate(("train", "test")):
        for label, name in enumerate(("cat", "dog")):
            write_images(tmp_path / split / name, 4, first=100 * number + 10 * label)
    write_images(tmp_path / place, 5, first=900)
    data = data_sets.load(str(tmp_path))
    assert data.class_names == ("cat", "dog")
    assert data.unlabelled is not None and len(data.unlabelled) == 5


def test_one_without_classes_is_refused(tmp_path):
    write_images(tmp_path, 5)
    write_images(tmp_path / "unlabelled", 5, first=50)
    with pytest.raises(UserError, match="Put the images of each class into a folder"):
        data_sets.load(str(tmp_path))


def test_arrays_may_have_them_too(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (40, 8, 8), np.uint8)
    arrays = {"images": images[:20], "labels": np.arange(20) % 2}
    np.savez(tmp_path / "some.npz", **arrays, x_unlabelled=images[20:])
    data = data_sets.load(str(tmp_path / "some.npz"))
    assert data.unlabelled is not None
    np.testing.assert_array_equal(data.unlabelled.images[..., 0], images[20:])
    np.savez(tmp_path / "small.npz", **arrays, x_unlabelled=images[20:, :4])
    with pytest.raises(UserError, match="must have images of the shape of the labelled ones"):
        data_sets.load(str(tmp_path / "small.npz"))
    np.savez(tmp_path / "none.npz", images=images, x_unlabelled=images[20:])
    with pytest.raises(UserError, match="no labelled images"):
        data_sets.load(str(tmp_path / "none.npz"))


def test_copies_of_test_images_are_named_and_copies_of_training_images_are_not(folder, capsys):
    data_sets.load(str(folder))
    assert "identical" not in capsys.readouterr().err
    write_images(folder / "unlabelled", 12)  # the content of all images of `cat`
    data_sets.load(str(folder))
    warning = capsys.readouterr().err
    assert "in another split" in warning and "in another class" not in warning


def test_streams_of_given_and_of_hidden_labels(folder):
    data = data_sets.load(str(folder))
    unlabelled = data.unlabelled
    assert unlabelled is not None
    given = tiny_recipe("clsgan", labels="given")
    stream = streams_of(given, data, label_map_of(given, data))["unlabelled"]
    assert stream.split is unlabelled and stream.indices is None
    hidden = tiny_recipe("clsgan", labels=4)
    label_map = label_map_of(hidden, data)
    assert label_map is not None
    stream = streams_of(hidden, data, label_map)["unlabelled"]
    assert len(stream) == len(data.train) - 4 + 30
    rows = np.setdiff1d(np.arange(len(data.train)), label_map.indices)
    expected = np.concatenate([data.train.images[rows], unlabelled.images])
    np.testing.assert_array_equal(stream.split.images, expected)


def test_a_run_that_leaves_them_out_says_so(folder):
    data = data_sets.load(str(folder))
    for recipe in (tiny_recipe("lsgan"), tiny_recipe("clsgan", labels="all")):
        assert "30 images of pets without a label are not used" in unused_images(recipe, data)
    assert unused_images(tiny_recipe("clsgan", labels="given"), data) == ""


def test_data_that_gain_or_lose_them_have_changed(folder):
    data = data_sets.load(str(folder))
    before = data_record(data)
    write_images(folder / "unlabelled", 1, first=999)
    now = data_record(data_sets.load(str(folder)))
    assert data_changes(before, now) == ["unlabelled split: 30 images in the run, 31 now"]
    del now["splits"]["unlabelled"]
    assert data_changes(before, now) == ["unlabelled split: 30 images in the run, 0 now"]
    assert data_changes(now, before) == ["unlabelled split: 0 images in the run, 30 now"]


def test_a_run_on_given_labels(folder, tmp_path, capsys):
    run = tmp_path / "run"
    command = [*TINY.split(), "--data", str(folder), "--run-dir", str(run)]
    assert main([*command, "--labels", "given"]) == 0
    assert "20 labelled, 30 unlabelled" in capsys.readouterr().out
    assert json.loads((run / "recipe.json").read_text())["labels"] == "given"


def test_given_labels_without_such_images_are_refused(capsys, tmp_path):
    command = [*TINY.split(), "--data", "digits", "--run-dir", str(tmp_path / "run")]
    assert main([*command, "--labels", "given"]) == 2
    assert "a folder `unlabelled`" in capsys.readouterr().err
