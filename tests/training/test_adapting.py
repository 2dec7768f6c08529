"""Options of the default recipe that follow from the images, the labels and the device."""

import json

import numpy as np
import pytest

from tests.support.cases import tiny_data
from training.adapting import FEW_LABELS, adapted, choices, free_options
from training.data.image_data import ImageData, Split
from training.fit_options import read_command, read_recipe
from training.recipe import Recipe
from training.recipe_file import differences, to_json
from training.resuming import changes_against
from training.stored_run import command_of
from zoo.errors import UserError

CHOSEN = frozenset(choices(image_shape=(8, 8, 1), labels_per_class=1, on_gpu=False))


def recipe_of(*words: str) -> Recipe:
    return read_recipe(read_command(["--model", "clsgan", "--data", "my_folder", *words]))


def images_of(*shape: int) -> ImageData:
    images, labels = np.zeros((40, *shape), "uint8"), np.arange(40, dtype="int64") % 2
    split = Split(images, labels)
    return ImageData("mine", split, split, split, ("a", "b"))


def chosen(recipe: Recipe, data: ImageData, *, on_gpu: bool = False) -> dict[str, object]:
    options = adapted(recipe, data, on_gpu=on_gpu).flat()
    return {name: options[name] for name in CHOSEN}


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((8, 8, 1), {"shift": 1, "flip": False, "strong": 0.6, "critic_filters": 16}),
        ((28, 28, 1), {"shift": 4, "flip": False, "strong": 0.6, "critic_filters": 16}),
        ((32, 32, 3), {"shift": 4, "flip": True, "strong": 1.0, "critic_filters": 16}),
        ((64, 64, 3), {"shift": 8, "flip": True, "strong": 1.0, "critic_filters": 8}),
    ],
)
def test_augmentation_and_width_follow_from_size_and_colour(shape, options):
    found = chosen(recipe_of("--labels", "20"), images_of(*shape))
    assert found == options | {
        "generator_filters": 4 * options["critic_filters"],
        "unlabelled_batches": 2,
        "distribution_alignment": True,
    }


def test_a_gpu_trains_a_wider_network_on_more_unlabelled_images():
    found = chosen(recipe_of("--labels", "20"), images_of(64, 64, 3), on_gpu=True)
    assert (found["critic_filters"], found["generator_filters"]) == (64, 256)
    assert found["unlabelled_batches"] == 5


def test_few_labels_per_class_have_aligned_classes():
    few, many = recipe_of("--labels", "20"), recipe_of("--labels", "40")
    for labels_per_class, aligned in ((FEW_LABELS, True), (FEW_LABELS + 1, False)):
        options = choices(image_shape=(8, 8, 1), labels_per_class=labels_per_class, on_gpu=False)
        assert options["distribution_alignment"] is aligned
    data = images_of(8, 8, 1)
    assert chosen(few, data)["distribution_alignment"]
    three = ImageData("mine", data.train, data.test, data.test, ("a", "b", "never seen"))
    assert chosen(many, three)["distribution_alignment"]


@pytest.mark.parametrize("words", [[], ["--labels", "20", "--no-classes-by-average"]])
def test_nothing_is_aligned_without_classes_of_unlabelled_images(words):
    more = ["--unlabelled-cross-entropy", "0", "--confidence", "0"] if words else []
    recipe = adapted(recipe_of(*words, *more), images_of(8, 8, 1), on_gpu=True)
    assert not recipe.flat()["distribution_alignment"]
    recipe.check()


def test_options_of_the_user_stay():
    given = {
        "shift": 3,
        "flip": True,
        "strong": 1.0,
        "critic_filters": 16,
        "generator_filters": 64,
        "unlabelled_batches": 2,
        "distribution_alignment": False,
    }
    words = ["--labels", "20", "--no-distribution-alignment", "--flip"]
    for name, value in given.items():
        if not isinstance(value, bool):
            words += ["--" + name.replace("_", "-"), str(value)]
    recipe = recipe_of(*words)
    assert free_options(recipe) == frozenset()
    assert chosen(recipe, images_of(64, 64, 1), on_gpu=True) == given


def test_options_in_a_settings_file_stay(tmp_path):
    (tmp_path / "my.yaml").write_text("strong: 1.0\n")
    recipe = recipe_of("--labels", "20", "--config", str(tmp_path / "my.yaml"))
    assert free_options(recipe) == CHOSEN - {"strong"}
    assert chosen(recipe, images_of(8, 8, 1))["strong"] == 1.0


def test_options_of_a_named_recipe_stay():
    words = ["--model", "clsgan", "--labels", "20", "--data"]
    digits = read_recipe(read_command([*words, "digits"]))
    assert digits.data.strong != recipe_of().data.strong
    assert "strong" not in free_options(digits) and "shift" in free_options(digits)
    fashion = read_recipe(read_command([*words, "fashion_mnist"]))
    assert fashion.data.flip and free_options(fashion) == CHOSEN - {"flip"}
    paper = read_recipe(read_command([*words, "cifar10", "--recipe", "paper"]))
    assert free_options(paper) == frozenset()


def test_other_models_choose_nothing():
    recipe = read_recipe(read_command(["--model", "lsgan"]))
    assert adapted(recipe, tiny_data(), on_gpu=True) is recipe


def test_no_adapt_keeps_the_options_of_the_recipe():
    recipe = recipe_of("--labels", "20", "--no-adapt")
    assert adapted(recipe, images_of(8, 8, 1), on_gpu=True) is recipe


def test_a_resumed_run_keeps_its_choices_on_another_device():
    recipe = recipe_of("--labels", "20", "--steps", "10")
    stored = json.loads(to_json(adapted(recipe, images_of(64, 64, 3), on_gpu=True)))
    assert stored["critic_filters"] == 64
    assert changes_against(recipe, stored, may_lengthen=True) == []
    wider = recipe_of("--labels", "20", "--steps", "10", "--critic-filters", "32")
    assert changes_against(wider, stored, may_lengthen=True) == [
        "--critic-filters: 64 in the run, 32 now"
    ]


def test_the_recipe_of_a_run_repeats_it_with_its_choices(tmp_path):
    """By `--config recipe.json`, and by the command that `report` prints."""
    recipe = recipe_of("--labels", "20", "--minutes", "2")
    run = adapted(recipe, images_of(8, 8, 1), on_gpu=False).with_options(steps=3000)
    (tmp_path / "recipe.json").write_text(to_json(run))
    by_file = read_recipe(read_command(["--config", str(tmp_path / "recipe.json")]))
    by_command = read_recipe(read_command(command_of(run).split()[3:]))
    for again in (by_file, by_command):
        assert again.data.data == "my_folder" and again.run.minutes is None
        assert free_options(again) == frozenset()
        assert differences(again, run.flat()) == []


@pytest.mark.parametrize(
    ("shape", "message"),
    [((6, 6, 1), "at least 8 pixels, not of 6"), ((2,), r"\(size, size, channels\)")],
)
def test_points_and_tiny_images_are_refused_in_one_sentence(shape, message):
    split = Split(
        np.zeros((4, *shape), "uint8" if len(shape) == 3 else "float32"),
        np.array([0, 1, 0, 1]),
    )
    with pytest.raises(UserError, match=message):
        adapted(recipe_of(), ImageData("mine", split, split, split, ("a", "b")), on_gpu=False)
