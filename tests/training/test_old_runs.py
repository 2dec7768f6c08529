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
from training.recipe_file import differences, override
from training.recipes import find

FIXTURES = pathlib.Path(__file__).parents[1] / "fixtures"
SHORT = (
    "--steps 40 --report-every 20 --checkpoint-every 20 --generator-filters 8 --latent-dim 8 "
    "--batch-size 16 --jit off --critic-filters 4"
)
COMMANDS = {
    "clsgan": f"--model clsgan --labels 50 {SHORT}",
    "lgan": f"--model lgan --data digits --penalty-buffer 4 {SHORT}",
}


def numbers(folder: pathlib.Path) -> dict[str, np.ndarray]:
    (path,) = folder.glob("step-000000040-*.npz")
    with np.load(path) as arrays:
        return {name: arrays[name] for name in arrays}


@pytest.mark.parametrize("model", COMMANDS)
def test_an_old_run_is_resumed_to_the_same_numbers(model, tmp_path, capsys):
    old, run = FIXTURES / f"run_of_november_2026_{model}", tmp_path / "run"
    shutil.copytree(old, run, ignore=shutil.ignore_patterns("end"))
    assert main([*COMMANDS[model].split(), "--run-dir", str(run)]) == 0
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


@pytest.mark.parametrize("model", COMMANDS)
def test_an_old_recipe_is_read(model):
    path = FIXTURES / f"run_of_november_2026_{model}" / "recipe.json"
    fields = json.loads(path.read_text())
    recipe = override(find(model), fields, source=str(path))
    assert differences(recipe, fields) == []
    assert recipe.flat().keys() >= fields.keys()
