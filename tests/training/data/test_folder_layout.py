"""Tests of the splits and classes that the names in a folder mean."""

import pathlib

import numpy as np
import pytest
from PIL import Image

from training.data import load
from training.data.folder_layout import sort_classes
from training.data.split_names import split_meant
from zoo.errors import UserError

RNG = np.random.default_rng(0)


def make(root: pathlib.Path, *folders: str, count: int = 4) -> str:
    """Writes images to each folder; no two images are equal."""
    for folder in folders:
        (root / folder).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            pixels = RNG.integers(0, 256, (5, 5, 3), np.uint8)
            Image.fromarray(pixels).save(root / folder / f"{i}.png")
    return str(root)


@pytest.mark.parametrize(
    ("split", "names"),
    [
        ("train", "train Train TRAIN training Train_Set train2017 train-images trainset x_train"),
        (
            "train",
            "Entraînement entrainement ENTRENAMIENTO Trainingsdaten 训练集 学習用データ",
        ),
        ("validation", "Validierung validación validazione 验证 検証 검증 валидация"),
        ("test", "pruebas conjunto_de_prueba jeu_d_essai Prüfung teste 测试集 テストデータ тест"),
        (
            "validation",
            "val Val valid VALID validation dev Development eval evaluation val2017 valset",
        ),
        ("test", "test Test TEST testing test_images testset test2 Test-Data holdout held-out"),
        (
            None,
            "cat trains restrain contest latest invalid value device devil attest data 1 images",
        ),
        (
            None,
            "detest provence probe essaim trainer valide testudo prüfer provare",
        ),
    ],
)
def test_names_that_mean_a_split(split, names):
    for name in names.split():
        assert split_meant(name) == split, name


@pytest.mark.parametrize(
    ("train", "validation", "test"),
    [
        ("train", "validation", "test"),
        ("Train", "Val", "Test"),
        ("training", "valid", "testing"),
        ("TRAIN", "dev", "held-out"),
        ("train2017", "val2017", "test2017"),
        ("Training Set", "Evaluation Set", "Testing Set"),
    ],
)
def test_given_splits_in_any_spelling(tmp_path, train, validation, test):
    for name, number in ((train, 4), (validation, 2), (test, 3)):
        make(tmp_path, f"{name}/a", f"{name}/b", count=number)
    data = load(str(tmp_path))
    assert data.class_names == ("a", "b")
    assert [len(s) for s in (data.train, data.validation, data.test)] == [8, 4, 6]
    expected = {np.asarray(Image.open(path)).tobytes() for path in (tmp_path / test).rglob("*.png")}
    assert {image.tobytes() for image in data.test.images} == expected


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        (["train", "val", "dev", "test"], "both mean the validation split"),
        (["Train", "train", "test"], "both mean the train split"),
        (["Training", "running"], "also has running.*move all class folders into a folder named"),
        (["valid", "invalid"], "also has invalid"),
        (["test", "val"], "no train/"),
        (["pets/train/cat", "pets/test/cat"], "contains the folder t.*whose name means a split"),
        (["cat/train", "cat/test", "dog/train", "dog/test"], "cat contains the folder t"),
        (["train/train/cat", "train/test/cat"], "train contains the folder t"),
        (
            ["train/cat", "train/dog", "test/cat", "test/bird"],
            "test has bird, which is not a class",
        ),
        (
            ["A/cat", "A/dog", "B/cat", "B/dog"],
            "A/, B/ with the same sub.*cat, dog.*train/",
        ),
        (["A/cat", "A/dog", "A/elk", "B/Cat", "B/dog", "C/elk", "C/dog"], "A/, B/, C/ with the"),
        (["train/Cat", "test/cat"], "has cat, which is not a class of train/ .Cat.*same spelling"),
    ],
)
def test_ambiguous_layouts_are_refused(tmp_path, folders, message):
    with pytest.raises(UserError, match=message):
        load(make(tmp_path, *folders))


def test_classes_may_be_named_like_splits_inside_train(tmp_path):
    data = load(make(tmp_path, "train/valid", "train/invalid"))
    assert data.class_names == ("invalid", "valid")


@pytest.mark.parametrize(
    "folders",
    [
        ["train/cat/front", "train/cat/side", "train/dog/front", "train/dog/side"],
        ["cat/front", "dog/front"],
        ["cat/front", "cat/side", "dog/front", "dog/back"],
        ["cat/a", "cat/b", "dog/a", "dog/b", "elk/a", "elk/b", "fox/a", "fox/b"],
    ],
)
def test_classes_may_have_sub_folders(tmp_path, folders):
    data = load(make(tmp_path, *folders))
    assert data.class_names[:2] == ("cat", "dog")


def test_folders_with_the_same_numbers_are_reported(tmp_path):
    data = load(make(tmp_path, "a/0", "a/1", "b/0", "b/1"))
    (warning,) = data.warnings
    assert data.class_names == ("a", "b") and "a/, b/ with the same sub-folders (0, 1)" in warning


def test_a_folder_around_the_classes_is_reported(tmp_path):
    (warning,) = load(make(tmp_path, "pets/cat", "pets/dog")).warnings
    assert "one class, pets, whose folder contains cat/, dog/" in warning
    assert f"give {tmp_path}/pets as --data" in warning
    assert not load(f"{tmp_path}/pets").warnings
    (warning,) = load(make(tmp_path / "given", "train/pets/cat", "train/pets/dog")).warnings
    assert "given/train/pets as --data" in warning
    assert not load(make(tmp_path / "one", "cat")).warnings


def test_a_class_that_a_split_lacks_is_named(tmp_path, capsys):
    make(tmp_path, "train/a", "train/b", "val/a", "test/a", "test/b")
    data = load(str(tmp_path))
    warning = "The validation split has no images of these classes: b."
    assert data.warnings == (warning,)
    assert warning in capsys.readouterr().err


def test_unicode_spellings_of_a_class_are_equal(tmp_path):
    make(tmp_path, "train/caf\u00e9", "train/bar", "test/cafe\u0301", "test/bar")
    assert load(str(tmp_path)).num_classes == 2


def test_numeric_classes_are_sorted_by_value(tmp_path):
    data = load(make(tmp_path, *map(str, range(1, 13))))
    assert data.class_names == tuple(map(str, range(1, 13)))
    label = data.train.labels[0]
    names = {path.parent.name for path in tmp_path.rglob("*.png") if same(path, data.train)}
    assert names == {data.class_names[label]}


def same(path: pathlib.Path, split) -> bool:
    return np.array_equal(np.asarray(Image.open(path)), split.images[0])


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("10 9 1", "1 9 10"),
        ("01 10 02", "01 02 10"),
        ("-1 +1 0", "-1 0 +1"),
        ("0.5 10.5 2.5", "0.5 2.5 10.5"),
        ("10 9 a", "10 9 a"),
        ("class10 class9", "class10 class9"),
        ("train/10 train/9", "train/9 train/10"),
    ],
)
def test_order_of_classes(names, expected):
    assert sort_classes(names.split()) == expected.split()


def test_classes_of_almost_the_same_name_are_reported(tmp_path):
    data = load(make(tmp_path, "Cat", "cat", "class 1", "class-2", "hot dog", "hot_dog"))
    expected = "may be one class: Cat and cat, hot dog and hot_dog."
    assert data.num_classes == 6 and data.warnings[0].endswith(expected)
