"""Runs that an earlier version began are resumed to the numbers that it reached itself.

The fixtures were trained by the version of 2026-11-27, before options were split into groups, with
the commands below: `checkpoints` is the state after 20 of 40 steps, `end` what that version reached
at step 40.
"""

import json
import pathlib
import shutil

import numpy as np
import pytest

from training.fit import main
from training.fit_options import read_command, read_recipe
from training.recipe_file import differences
from training.stored_run import stored_recipe

FIXTURES = pathlib.Path(__file__).parents[1] / "fixtures"
SHORT = (
    "--steps 40 --report-every 20 --checkpoint-every 20 --generator-filters 8 --latent-dim 8 "
    "--batch-size 16 --jit off --critic-filters 4"
)
COMMANDS = {
    "clsgan": f"--model clsgan --labels 50 {SHORT}",
    "lgan": f"--model lgan --data digits --penalty-buffer 4 {SHORT}",
}
RESUMED_BY = COMMANDS | {"clsgan": "--config {run}/recipe.json"}
"""The default recipe of CLS-GAN has changed, so its old command is refused (see below)."""


def numbers(folder: pathlib.Path) -> dict[str, np.ndarray]:
    (path,) = folder.glob("step-000000040-*.npz")
    with np.load(path) as arrays:
        return {name: arrays[name] for name in arrays}


@pytest.mark.parametrize("model", COMMANDS)
def test_an_old_run_is_resumed_to_the_same_numbers(model, tmp_path, capsys):
    old, run = FIXTURES / f"run_of_november_2026_{model}", tmp_path / "run"
    shutil.copytree(old, run, ignore=shutil.ignore_patterns("end"))
    words = RESUMED_BY[model].format(run=run).split()
    assert main([*words, "--run-dir", str(run)]) == 0
    assert "step 20" in capsys.readouterr().out
    for part in [folder.parent.relative_to(old) for folder in old.rglob("end")]:
        expected, found = numbers(old / part / "end"), numbers(run / part / "checkpoints")
        assert expected.keys() == found.keys()
        for name, values in expected.items():
            # Kernels of another processor round differently.
            np.testing.assert_allclose(found[name], values, rtol=1e-3, atol=1e-4, err_msg=name)
    result = json.loads((run / "result.json").read_text())
    end = json.loads((old / "end" / "result.json").read_text())
    for name in set(end) - {"seconds", "control_seconds"}:
        assert result[name] == pytest.approx(end[name], abs=0.01), name


def test_an_old_command_whose_recipe_has_changed_is_answered_with_what_to_type(tmp_path, capsys):
    run = tmp_path / "run"
    shutil.copytree(FIXTURES / "run_of_november_2026_clsgan", run)
    assert main([*COMMANDS["clsgan"].split(), "--run-dir", str(run)]) == 2
    said = capsys.readouterr().err
    assert f"--config {run / 'recipe.json'}" in said
    assert "--network: clsgan in the run, residual now" in said
    assert "--strong: 0.0 in the run" in said and "--steps" not in said


@pytest.mark.parametrize("model", COMMANDS)
def test_an_old_recipe_is_read(model):
    """Options that are newer than the file have their default, which changes nothing."""
    path = FIXTURES / f"run_of_november_2026_{model}" / "recipe.json"
    fields = json.loads(path.read_text())
    for recipe in (
        read_recipe(read_command(["--config", str(path)])),
        stored_recipe(path.parent),
    ):
        assert differences(recipe, fields) == []
        assert recipe.flat().keys() >= fields.keys()
        new = recipe.flat().keys() - fields.keys()
        assert {name: recipe.flat()[name] for name in new} == {
            name: recipe.defaults[name] for name in new
        }
