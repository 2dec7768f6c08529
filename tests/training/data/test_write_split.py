"""Tests of `python -m training.data`, which writes a split to a file."""

import pathlib

import numpy as np
import pytest

from training.data import ImageData, load
from training.data.__main__ import main, write_split
from training.data.image_data import Split


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_a_split_is_written(split, digits_dir, digits: ImageData, tmp_path, capsys):
    out = tmp_path / "new" / "digits.npz"
    arguments = ["digits", "--split", split, "--out", str(out), "--data-dir", str(digits_dir)]
    assert main(arguments) == 0
    assert str(out) in capsys.readouterr().out
    expected: Split = getattr(digits, split)
    with np.load(out, allow_pickle=False) as arrays:
        assert arrays["images"].dtype == np.uint8 and arrays["labels"].dtype == np.int64
        np.testing.assert_array_equal(arrays["images"], expected.images)
        np.testing.assert_array_equal(arrays["labels"], expected.labels)
        assert arrays["class_names"].tolist() == list(digits.class_names)
    assert [path.name for path in out.parent.iterdir()] == ["digits.npz"]


def test_images_are_resized(digits_dir, tmp_path):
    out = tmp_path / "x.npz"
    arguments = ["digits", "--split", "test", "--out", str(out), "--data-dir", str(digits_dir)]
    assert main([*arguments, "--image-size", "4"]) == 0
    with np.load(out) as arrays:
        assert arrays["images"].shape == (400, 4, 4, 1)


def test_an_unlabelled_split_has_no_labels_and_is_read_again(numbered: Split, tmp_path):
    write_split(Split(numbered.images), tmp_path / "x.npz")
    data = load(str(tmp_path / "x.npz"))
    assert data.train.labels is None and data.image_shape == (6, 5, 1)


@pytest.mark.parametrize(
    ("name", "out", "message"),
    [
        ("ring", "x.npz", "points"),
        ("digits", "x.npy", "must end in .npz"),
        ("digits", "file/x.npz", "Cannot write"),
        ("no_such_set", "x.npz", "neither an existing path"),
    ],
)
def test_mistakes_exit_with_2_and_leave_no_file(name, out, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    pathlib.Path("file").write_text("")
    assert main([name, "--split", "test", "--out", out]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.glob("*.np*")) and not list(tmp_path.glob(".*"))


def test_an_unknown_split_exits_with_2(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["digits", "--split", "tests", "--out", "x.npz"])
    assert stop.value.code == 2
