"""A run stores what its data are, and refuses any others."""

import dataclasses
import json

import numpy as np
import pytest

from tests.support.cases import tiny_data
from training import data_digest
from training.data.image_data import ImageData, Split
from training.data_digest import check_same_data, data_record, split_digest, write_data_record
from zoo.errors import UserError


def data_with(**changes) -> ImageData:
    return dataclasses.replace(tiny_data(), **changes)


def swapped(values: np.ndarray) -> np.ndarray:
    values = values.copy()
    values[[0, -1]] = values[[-1, 0]]
    return values


def edited(split: Split, *, row: int = -1) -> Split:
    images = split.images.copy()
    images[row, 0, 0, 0] ^= 1
    return Split(images, split.labels)


def relabelled(split: Split) -> Split:
    labels = split.labels.copy()
    labels[0] = (labels[0] + 1) % 3
    return Split(split.images, labels)


def shorter(split: Split) -> Split:
    return Split(split.images[:-1], split.labels[:-1])


@pytest.fixture
def folder(tmp_path):
    write_data_record(tmp_path, tiny_data())
    return tmp_path


def test_the_same_data_pass_and_a_run_without_the_file_too(folder, tmp_path_factory):
    check_same_data(folder, tiny_data())
    check_same_data(folder, data_with(name="moved"))
    check_same_data(tmp_path_factory.mktemp("old"), tiny_data())


def test_the_file_is_never_overwritten(folder):
    before = (folder / "data.json").read_text()
    write_data_record(folder, data_with(class_names=("x", "y", "z")))
    assert (folder / "data.json").read_text() == before


@pytest.mark.parametrize(
    ("change", "messages"),
    [
        (lambda d: {"class_names": ("a", "b", "x")}, ["class 'c': in the run", "class 'x': not"]),
        (lambda d: {"class_names": ("b", "a", "c")}, ["order of the classes: 3 (a, b, c) in the"]),
        (lambda d: {"class_names": ("a", "b", "c", "d")}, ["class 'd': not in the run"]),
        (lambda d: {"train": edited(d.train)}, ["train split", "other pixels, labels or order"]),
        (lambda d: {"test": edited(d.test, row=0)}, ["test split", "other pixels"]),
        (lambda d: {"train": relabelled(d.train)}, ["train split", "class 'a' ", "now"]),
        (
            lambda d: {"validation": shorter(d.validation)},
            ["validation split: 9 images in the run, 8"],
        ),
        (
            lambda d: {"train": Split(swapped(d.train.images), swapped(d.train.labels))},
            ["train split", "order"],
        ),
    ],
)
def test_any_change_is_refused_by_name(change, messages, folder):
    changed = data_with(**change(tiny_data()))
    with pytest.raises(UserError) as error:
        check_same_data(folder, changed)
    for message in messages:
        assert message in str(error.value)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"class_names": [], "image_shape": 3}'])
def test_a_damaged_record_is_refused(text, folder):
    (folder / "data.json").write_text(text)
    with pytest.raises(UserError, match="damaged"):
        check_same_data(folder, tiny_data())


def test_large_splits_are_sampled_evenly(monkeypatch):
    split = tiny_data().train
    monkeypatch.setattr(data_digest, "MAX_BYTES", split.images.nbytes // 2)
    before = split_digest(split)
    assert before == split_digest(split)
    assert before != split_digest(edited(split)) and before != split_digest(edited(split, row=0))
    assert before != split_digest(relabelled(split))


def test_blocks_do_not_change_the_digest(monkeypatch):
    split = tiny_data().train
    before = split_digest(split)
    monkeypatch.setattr(data_digest, "_BLOCK", 100)
    assert split_digest(split) == before


def test_the_record_is_json():
    record = data_record(tiny_data())
    assert json.loads(json.dumps(record)) == record
