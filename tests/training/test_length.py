"""Tests of `--minutes`: the decision, the trial, resumed and longer runs, and mistakes."""

import dataclasses
import json
import pathlib

import numpy as np
import pytest

from training import timed
from training.fit import main
from training.fit_options import read_command, read_recipe
from training.length import Trial, decide, seconds_of
from training.recipe_file import to_json
from zoo.errors import UserError

TINY = ["--generator-filters", "8", "--critic-filters", "4", "--latent-dim", "5"]
LSGAN = ["--model", "lsgan", *TINY]
TRIAL = Trial(start=10.0, step=0.1, report=1.0, score=2.0, checkpoint=0.5, end=3.0)
# Half a minute for 300 steps, whatever the machine.
QUICK = Trial(start=0.0, step=0.1, report=0.0, score=0.0, checkpoint=0.0, end=0.0)


def recipe_of(*words: str):
    return read_recipe(read_command(["--model", "clsgan", *words]))


def decided(*words: str, minutes: float = 30.0, trial: Trial = TRIAL):
    recipe = recipe_of("--minutes", str(minutes), *words)
    length = decide(recipe, trial, minutes=minutes, spent=5.0, batches_per_step=1)
    return recipe, length


@pytest.mark.parametrize("minutes", [2.0, 5.0, 30.0, 600.0])
@pytest.mark.parametrize("several", [1, 16])
def test_the_run_takes_its_minutes(minutes, several):
    recipe, length = decided("--steps-per-call", str(several), minutes=minutes)
    length.applied(recipe).check()
    assert length.steps % several == length.report_every % several == 0
    assert length.steps % length.report_every == 0
    scores = length.steps // length.report_every
    if length.score_every is not None:
        scores = int(length.steps * 64 / 1000 / length.score_every)
    seconds = 5.0 + seconds_of(TRIAL, length, scores=scores)
    assert 0.75 * 60 * minutes < seconds <= 60 * minutes


def test_given_intervals_stay():
    given = ["--report-every", "70", "--checkpoint-every", "35", "--score-every", "4.48"]
    recipe, length = decided(*given)
    assert (length.report_every, length.checkpoint_every, length.score_every) == (70, 35, 4.48)
    assert length.steps % 70 == 0
    # A score each 70 steps of 64 images.
    seconds = seconds_of(TRIAL, length, scores=length.steps // 70)
    assert 0.9 * 1800 < seconds <= 1800


def test_slow_scores_are_measured_less_often():
    recipe, length = decided(trial=dataclasses.replace(TRIAL, score=60.0))
    assert length.score_every is not None
    interval = length.score_every * 1000 / 64
    assert interval % length.report_every == 0 and length.steps % interval == 0
    assert length.steps / interval * 60 <= 0.2 * 1800


def test_too_few_minutes_are_refused_with_enough():
    with pytest.raises(UserError, match=r"--minutes 0.1 is too short.*Give at least --minutes 0.5"):
        decided(minutes=0.1)
    decided(minutes=0.5)


def test_the_last_length_decides(tmp_path):
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"minutes": 3, "report_every": 10}))
    settings = ["--config", str(file)]
    assert recipe_of(*settings).run.minutes == 3
    by_steps = recipe_of(*settings, "--steps", "50").run
    assert (by_steps.minutes, by_steps.steps, by_steps.report_every) == (None, 50, 10)
    assert recipe_of(*settings, "--kimg", "5").run.minutes is None
    file.write_text(json.dumps({"kimg": 3}))
    run = recipe_of(*settings, "--minutes", "auto").run
    assert (run.kimg, run.minutes) == (None, "auto")
    # A recipe.json of a run in minutes repeats its steps.
    file.write_text(to_json(recipe_of("--minutes", "2").with_options(steps=123)))
    run = recipe_of(*settings).run
    assert (run.minutes, run.steps) == (None, 123)
    for words in (["--minutes", "1", "--steps", "2400"], ["--minutes", "1", "--epochs", "1"]):
        with pytest.raises(UserError, match="Give one of --steps, --kimg, --epochs and --minutes"):
            recipe_of(*words)
    with pytest.raises(UserError, match="--minutes must be"):
        recipe_of("--minutes", "-1")


def test_minutes_of_the_processor():
    assert timed.minutes_of(recipe_of("--minutes", "auto")) == 30.0
    assert timed.minutes_of(recipe_of("--minutes", "7")) == 7.0
    assert timed.minutes_of(recipe_of("--steps", "7")) is None


@pytest.fixture
def in_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))


@pytest.fixture
def tried(in_folder, monkeypatch) -> list[str]:
    """Replaces the trial by known durations; lists the tried models."""
    models: list[str] = []

    def try_out(recipe, data, model, streams, make_scores):
        models.append(type(model).__name__)
        return QUICK

    monkeypatch.setattr(timed, "try_out", try_out)
    monkeypatch.setattr(timed.time, "monotonic", lambda: 0.0)
    return models


def weights(run: str) -> dict[str, np.ndarray]:
    path = sorted(pathlib.Path(run, "checkpoints").glob("step-*.npz"))[-1]
    with np.load(path) as archive:
        return {name: archive[name] for name in archive.files}


def test_a_run_in_minutes_is_stored_repeated_and_lengthened(tried, capsys):
    command = [*LSGAN, "--minutes", "0.1", "--learning-rate-decay", "linear"]
    assert main([*command, "--run-dir", "runs/a"]) == 0
    assert "  time       about 6 seconds, until " in capsys.readouterr().out
    stored = json.loads(pathlib.Path("runs/a/recipe.json").read_text())
    steps = stored["steps"]
    assert stored["minutes"] == 0.1 and 40 < steps < 60 and steps % stored["report_every"] == 0
    assert json.loads(pathlib.Path("runs/a/result.json").read_text())["steps"] == steps
    # The same numbers from recipe.json: the schedule follows the decided length.
    assert main(["--config", "runs/a/recipe.json", "--run-dir", "runs/b"]) == 0
    one, two = weights("runs/a"), weights("runs/b")
    assert one.keys() == two.keys()
    for name, value in one.items():
        np.testing.assert_array_equal(value, two[name], err_msg=name)
    # The same command finds the finished run, and resumes an unfinished one without a trial.
    assert len(tried) == 1
    capsys.readouterr()
    assert main([*command, "--run-dir", "runs/a"]) == 0
    assert "is finished" in capsys.readouterr().out
    pathlib.Path("runs/a/result.json").unlink()
    assert main([*command, "--run-dir", "runs/a"]) == 0
    assert f"Going on from step {steps}" in capsys.readouterr().out and len(tried) == 1
    longer = [*LSGAN, "--learning-rate-decay", "linear", "--run-dir", "runs/a", "--minutes"]
    assert main([*longer, "0.2"]) == 0
    assert f"is lengthened from {steps} to" in capsys.readouterr().out
    assert main([*longer, "0.05"]) == 2
    assert "a run can be lengthened, not shortened" in capsys.readouterr().err


def test_seeds_have_one_length_and_controls_are_expected(tried, capsys):
    options = ["--minutes", "0.05", "--labels", "20", "--control", *TINY]
    assert main(["--model", "clsgan", *options, "--seeds", "2", "--run-dir", "runs/s"]) == 0
    assert "; then control, about 3 seconds" in capsys.readouterr().out
    assert tried == ["ConditionalLossSensitiveGAN", "SupervisedClassifier"]
    recipes = [
        json.loads(path.read_text()) for path in pathlib.Path("runs/s").glob("*/recipe.json")
    ]
    assert len({recipe["steps"] for recipe in recipes}) == 1 and len(recipes) == 2


def test_too_few_minutes_end_before_anything_is_written(in_folder, capsys):
    """With the real trial."""
    assert main([*LSGAN, "--minutes", "0.001", "--run-dir", "runs/short"]) == 2
    error = capsys.readouterr().err
    assert "--minutes 0.001 is too short" in error and "Give at least --minutes" in error
    assert not pathlib.Path("runs/short").exists()


@pytest.mark.slow
def test_the_trial_agrees_with_the_run(in_folder, capsys):
    """The limit is wide, because other processes share the machine."""
    assert main(["--model", "lsgan", *TINY, "--minutes", "0.8", "--run-dir", "runs/real"]) == 0
    result = json.loads(pathlib.Path("runs/real/result.json").read_text())
    assert 5 < result["seconds"] < 2 * 48
    assert 0.0 <= result["waiting"] < 1.0
