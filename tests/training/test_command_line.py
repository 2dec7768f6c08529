"""Mistakes end with a message and exit code 2, before any folder is made."""

import json

import numpy as np
import pytest

from training import evaluate, sample
from training.fit import main
from training.fit_options import read_command, read_recipe
from training.launch import with_seed
from training.recipe import Recipe
from training.recipe_file import override, to_json
from training.recipes import available, find
from training.run_folder import RunFolder, find_run
from zoo.errors import UserError
from zoo.models import MODELS


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def recipe_of(*arguments) -> Recipe:
    return read_recipe(read_command(list(arguments)))


def fails(capsys, *arguments) -> str:
    """Runs `fit`, expects code 2 and no traceback, and returns what was said."""
    try:
        code = main(list(arguments))
    except SystemExit as stop:  # How tyro ends.
        code = stop.code
    said = "".join(capsys.readouterr())
    assert code == 2
    assert "Traceback" not in said
    return said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Name the model to train"),
        (["--model", "clsgann"], "Did you mean clsgan"),
        (["--model", "lsgan", "--labels", "100"], "--labels"),
        (["--model", "clsgan", "--critic-learning-rat", "1"], "--critic-learning-rate"),
        (["--model", "clsgan", "--steps", "many"], "--steps"),
        (["--model", "clsgan", "--steps", "0"], "--steps must be an integer, at least 1"),
        (["--model", "clsgan", "--recipe", "papr"], "Did you mean 'paper'"),
        (["--model", "clsgan", "--kimg", "1", "--epochs", "2"], "Give one of"),
        (["--model", "clsgan", "--steps", "7", "--epochs", "2"], "Give one of"),
        (["--model", "clsgan", "--margin-scale", "-1"], "--margin-scale"),
        (["--model", "clsgan", "--ema", "None"], "--ema"),
        (["--model", "clsgan", "--no-classes-by-average"], "--classes-by-average"),
        (["--model", "clsgan", "--dropout", "1"], "--dropout"),
        (["--model", "clsgan", "--seeds", "0"], "--seeds"),
        (["--model", "clsgan", "--config", "missing.yaml"], "missing.yaml"),
        (["--model", "clsgan", "--data", "mnsit"], "mnist"),
    ],
)
def test_mistakes_in_options(arguments, message, capsys, empty_folder):
    assert message in fails(capsys, *arguments)
    assert not list(empty_folder.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--labels", "5000"], "1197"),
        (["--labels", "15"], "10"),
        (["--image-size", "9"], "nearest"),
        (["--batch-size", "2", "--virtual-devices", "4"], "--batch-size"),
        (["--devices", "64"], "--virtual-devices"),
    ],
)
def test_mistakes_that_show_with_the_data(arguments, message, capsys, empty_folder):
    assert message in fails(capsys, "--model", "clsgan", *arguments)
    assert not list(empty_folder.iterdir())


def test_clsgan_without_labels_in_the_data(capsys, empty_folder):
    np.savez("images.npz", images=np.zeros((40, 8, 8, 1), "uint8"))
    assert "class labels" in fails(capsys, "--model", "clsgan", "--data", "images.npz")
    assert [path.name for path in empty_folder.iterdir()] == ["images.npz"]


def test_foreign_run_folder_is_left_alone(capsys, empty_folder):
    (empty_folder / "mine").mkdir()
    (empty_folder / "mine" / "thesis.txt").write_text("words")
    said = fails(capsys, "--model", "lsgan", "--run-dir", "mine")
    assert "not of a run" in said
    (empty_folder / "file").write_text("x")
    assert "is a file" in fails(capsys, "--model", "lsgan", "--run-dir", "file")
    assert sorted(path.name for path in (empty_folder / "mine").iterdir()) == ["thesis.txt"]


def test_unwritable_run_folder(capsys, empty_folder):
    (empty_folder / "file").write_text("x")
    assert "Cannot write" in fails(capsys, "--model", "lsgan", "--run-dir", "file/below")


def test_a_changed_recipe_is_refused_with_the_fields():
    recipe = recipe_of("--model", "lsgan", "--run-dir", "run")
    RunFolder(find_run(recipe).path).create(recipe)
    assert find_run(recipe).path.name == "run"
    assert find_run(recipe.with_options(checkpoint_every=7)).path.name == "run"
    with pytest.raises(UserError, match="--batch-size: 64 in the run, 32 now"):
        find_run(recipe.with_options(batch_size=32))


def test_the_same_command_finds_its_unfinished_run_again():
    recipe = recipe_of("--model", "lsgan")
    folder = find_run(recipe)
    folder.create(recipe)
    assert find_run(recipe) == folder
    assert find_run(recipe.with_options(seed=1)) != folder
    folder.result.write_text("{}")
    assert find_run(recipe) != folder


def test_settings_come_from_recipe_then_file_then_options(empty_folder):
    (empty_folder / "my.yaml").write_text("critic-learning-rate: 1.0e-3\nbatch_size: 16\n")
    recipe = recipe_of("--model", "clsgan", "--config", "my.yaml", "--batch-size", "8")
    assert recipe.optimizers.critic_learning_rate == 1e-3
    assert (recipe.run.batch_size, recipe.supervision.labels) == (8, 100)
    (empty_folder / "my.toml").write_text('model = "lsgan"\nsteps = 5\n')
    recipe = recipe_of("--config", "my.toml")
    assert (recipe.model, recipe.run.steps) == ("lsgan", 5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stepz: 5", "Did you mean `steps`"),
        ("steps: five", "`steps` must be an integer, at least 1"),
        ("- steps", "one mapping"),
        ("steps: [", "not valid"),
    ],
)
def test_mistakes_in_a_settings_file(text, message, capsys, empty_folder):
    (empty_folder / "my.yaml").write_text(text)
    assert message in fails(capsys, "--model", "clsgan", "--config", "my.yaml")


@pytest.mark.parametrize("model", MODELS)
def test_every_recipe_of_every_model_is_found_and_checks(model):
    for name in ["", *available(model)]:
        recipe = find(model, name=name)
        recipe.check()
        assert recipe.model == model
        again = override(find(model), json.loads(to_json(recipe)), source="")
        assert again == recipe


def test_length_in_images_and_epochs():
    recipe = find("lsgan").with_options(batch_size=50, critic_steps=2)
    by_images = recipe.with_options(kimg=10.0).with_steps(training_images=1000)
    by_epochs = recipe.with_options(epochs=3.0).with_steps(training_images=1000)
    assert (by_images.run.steps, by_epochs.run.steps) == (100, 30)


def test_several_seeds_have_folders_of_their_own():
    recipe = find("clsgan").with_options(seed=5, run_dir="runs/x")
    one = with_seed(recipe, 1)
    assert (one.run.seed, one.run.run_dir) == (6, "runs/x/seed-6")


def test_help_names_the_models_and_every_option(capsys):
    assert main(["--help"]) == 0
    assert "ConditionalLossSensitiveGAN" in capsys.readouterr().out
    with pytest.raises(SystemExit) as stop:
        recipe_of("--model", "clsgan", "--help")
    assert stop.value.code == 0
    said = capsys.readouterr().out
    for name in find("clsgan").flat():
        assert "--" + name.replace("_", "-") in said


@pytest.mark.parametrize("command", [evaluate.main, sample.main])
def test_other_commands_refuse_what_is_no_run(command, capsys, empty_folder):
    assert command([str(empty_folder / "nothing")]) == 2
    said = capsys.readouterr().err
    assert "nothing" in said and "Traceback" not in said


def test_sample_refuses_a_grid_that_is_none(capsys, empty_folder):
    assert sample.main([str(empty_folder), "--grid", "8by8"]) == 2
    assert "--grid" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--critic-learning-rat", "1"], "Unknown option --critic-learning-rat. Did you mean"),
        (["--head-bias", "True", "--", "-1", "--", "--seeds", "x"], "Unknown options --head-bias,"),
        (["extra"], "Unknown word extra."),
        (["--" + "x" * 5000], "Unknown option --xxx"),
        ([f"--x{number}" for number in range(500)], "and 495 more"),
        (["--a\nb"], r"Unknown option '--a\nb'"),
    ],
)
def test_unknown_options_are_refused_in_one_sentence(capsys, arguments, message):
    said = fails(capsys, "--model", "gan", *arguments)
    assert message in said
    assert said.count("\n") == 1 and len(said) < 400
    if "--seeds" not in arguments:
        with pytest.raises(SystemExit, match="2"):
            sample.main(["preset", *arguments])
        said = capsys.readouterr().err
        assert message.split(".")[0] in said and said.count("\n") == 1 and len(said) < 400
