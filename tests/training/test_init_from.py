"""A run that starts with the weights of a preset or of another run."""

import json
import shutil

import numpy as np
import pytest

from tests.support.cases import CLASSES, SHAPE, build, tiny_recipe
from training import fit
from training.build import build_model
from training.init_from import initialise, preset_of
from zoo.errors import UserError
from zoo.presets import load_network
from zoo.presets.trainer import save_trainer
from zoo.tasks import ImageGenerator

TINY = ["--generator-filters", "8", "--critic-filters", "4", "--latent-dim", "5", "--steps", "1"]


@pytest.fixture
def in_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    return tmp_path


def preset(model, folder, seed=3):
    recipe = tiny_recipe(model, seed=seed)
    trained = build(recipe)
    save_trainer(trained, folder)
    return trained


def same(one, two):
    pairs = zip(one.get_weights(), two.get_weights(), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("model", ["lsgan", "clsgan"])
def test_both_networks_and_their_averages_are_taken(model, tmp_path):
    trained = preset(model, tmp_path / "preset")
    fresh = build(tiny_recipe(model))
    assert not same(fresh.generator, trained.generator)
    initialise(fresh, str(tmp_path))  # A run's folder: it has a preset.
    for part in ("generator", "critic", "generator_average", "critic_average"):
        if hasattr(fresh, part):
            assert same(getattr(fresh, part), getattr(trained, part)), part
    for optimizer in fresh.optimizers.values():
        assert int(optimizer.iterations) == 0


@pytest.mark.parametrize(
    ("model", "changes", "message"),
    [
        ("lsgan", {"generator_filters": 16}, "differs from this run's"),
        ("lsgan", {"latent_dim": 6}, "latent_dim 5; this run has 6"),
        ("lsgan", {"conditional": "onehot"}, "num_classes 0; this run has 3|ConditionalCritic"),
        ("lsgan", {"network": "resnet", "critic_normalization": "none"}, "DCGANGenerator"),
        ("clsgan", {}, "holds an ImageGenerator"),
    ],
)
def test_other_networks_are_refused(model, changes, message, tmp_path):
    preset("lsgan", tmp_path / "preset")
    fresh = build(tiny_recipe(model, **changes))
    before = fresh.get_weights()
    with pytest.raises(UserError, match=message):
        initialise(fresh, str(tmp_path / "preset"))
    assert all(np.array_equal(a, b) for a, b in zip(before, fresh.get_weights(), strict=True))


def test_other_class_counts_are_refused(tmp_path):
    preset("clsgan", tmp_path / "preset")
    recipe = tiny_recipe("clsgan")
    fresh = build_model(recipe, image_shape=SHAPE, class_names=(*CLASSES, "d"))
    with pytest.raises(UserError, match="num_classes 3; this run has 4"):
        initialise(fresh, str(tmp_path / "preset"))


def test_other_class_names_are_refused(tmp_path):
    preset("clsgan", tmp_path / "preset")
    fresh = build(tiny_recipe("clsgan"))
    initialise(fresh, str(tmp_path / "preset"), class_names=CLASSES)
    with pytest.raises(UserError, match="class 'c': in the preset, not now\n  class 'x': not in"):
        initialise(fresh, str(tmp_path / "preset"), class_names=(*CLASSES[:2], "x"))


def test_presets_without_a_critic_and_unfinished_runs_are_refused(tmp_path):
    preset("lsgan", tmp_path / "preset")
    shutil.rmtree(tmp_path / "preset" / "critic")
    with pytest.raises(UserError, match="critic"):
        initialise(build(tiny_recipe("lsgan")), str(tmp_path / "preset"))
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "recipe.json").write_text("{}")
    with pytest.raises(UserError, match="finish the run"):
        preset_of(tmp_path / "run")


def test_files_of_weights_are_refused_with_what_to_give(in_folder):
    trained = preset("lsgan", in_folder / "run" / "preset")
    (in_folder / "run" / "recipe.json").write_text("{}")
    fresh = build(tiny_recipe("lsgan"))
    for inside in ("preset/model.weights.h5", "preset/critic/model.weights.h5", "preset/task.json"):
        with pytest.raises(UserError, match=r"task.json is a file|weights.h5 is a file") as error:
            initialise(fresh, str(in_folder / "run" / inside))
        assert str(error.value).endswith("Give run.")
    with pytest.raises(UserError, match="The file missing.h5 does not exist."):
        initialise(fresh, "missing.h5")
    (in_folder / "whole.keras").write_bytes(b"")
    with pytest.raises(UserError, match="does not describe its networks"):
        initialise(fresh, "whole.keras")
    # What the message asks for works.
    trained.save_weights("whole.weights.h5")
    with pytest.raises(UserError, match=r"model.load_weights\('whole.weights.h5'\)"):
        initialise(fresh, "whole.weights.h5")
    another = build(tiny_recipe("lsgan"))
    another.load_weights("whole.weights.h5")
    save_trainer(another, "preset")
    initialise(fresh, "preset")
    assert same(fresh.generator, trained.generator) and same(fresh.critic, trained.critic)


def test_from_end_to_end(in_folder, capsys):
    common = ["--model", "lsgan", *TINY]
    assert fit.main([*common, "--run-dir", "one"]) == 0
    # A step too small to see: what the second run ends with is what it began with.
    still = ["--generator-learning-rate", "1e-12", "--critic-learning-rate", "1e-12"]
    again = [*common, "--seed", "9", *still, "--init-from", "one", "--run-dir", "two"]
    assert fit.main(again) == 0
    one, two = (ImageGenerator.from_preset(in_folder / run / "preset") for run in ("one", "two"))
    trained = [v.path for v in one.trainable_variables]
    for a, b in zip(one.trainable_variables, two.trainable_variables, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    assert trained
    critics = (load_network(in_folder / run / "preset" / "critic") for run in ("one", "two"))
    np.testing.assert_allclose(*(critic.get_weights()[0] for critic in critics), atol=1e-6)
    assert json.loads((in_folder / "two" / "recipe.json").read_text())["init_from"] == "one"
    capsys.readouterr()
    assert fit.main([*again[:-1], "three", "--generator-filters", "16"]) == 2
    said = capsys.readouterr().err
    assert "--init-from one" in said and "Traceback" not in said
    assert not (in_folder / "three").exists()
    # It decides the run: the same folder without it is another recipe.
    assert fit.main([*common, "--seed", "9", *still, "--run-dir", "two"]) == 2
    assert "--init-from" in capsys.readouterr().err
