"""Tests of metrics during training: steps, split, and the choice of the best state."""

import json
import pathlib

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.support.cases import QUICK_CLSGAN
from training.callbacks.scores import score_interval
from training.errors import Interrupted
from training.fit import main
from training.recipes import find

TINY = ["--generator-filters", "8", "--critic-filters", "4", "--latent-dim", "5"]
UNSCORED = ["--model", "lsgan", "--report-every", "4", *TINY]
RUN = [*QUICK_CLSGAN, "--report-every", "4", "--no-control", *TINY]
SCORED = [*RUN, "--score-metrics", "fid,error", "--score-samples", "40", "--score-every", "0.128"]


@pytest.fixture(scope="module", autouse=True)
def in_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("work")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("TFDS_DATA_DIR", str(folder / "tfds"))
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        yield


def scores(run_dir: str) -> list[dict]:
    lines = pathlib.Path(run_dir, "scores.jsonl").read_text().splitlines()
    return [row for row in map(json.loads, lines) if row.get("while_training")]


@pytest.fixture(scope="module")
def through() -> pathlib.Path:
    """Trains 8 steps of 64 images, measures every 2 steps and saves the best state by FID."""
    arguments = [*SCORED, "--steps", "8", "--checkpoint-every", "3", "--best-by", "fid"]
    assert main([*arguments, "--run-dir", "through"]) == 0
    return pathlib.Path("through").resolve()


def test_rows_have_step_and_protocol_and_never_the_test_split(through):
    rows = scores(str(through))
    assert [row["step"] for row in rows if row["metric"] == "fid"] == [2, 4, 6, 8]
    assert {row["split"] for row in rows} == {"validation"}
    assert {row["key"].split(",")[-1] for row in rows if row["metric"] == "fid"} == {
        "40/validation]"
    }
    events = EventAccumulator(str(through / "logs" / "train"))
    events.Reload()
    written = {event.step for event in events.Tensors("score_fid")}
    assert written == {4, 8} and events.Tensors("score_error")


def test_the_best_state_is_the_result(through):
    result = json.loads((through / "result.json").read_text())
    values = {row["step"]: row["value"] for row in scores(str(through)) if row["metric"] == "fid"}
    best = min(reversed(values), key=values.__getitem__)
    assert (result["best_by"], result["best_step"]) == ("fid", best)
    assert result["best_value"] == values[best] and result["best_split"] == "validation"
    kept = sorted((through / "best").glob("step-*.npz"))[-1]
    assert f"step-{best:09d}" in kept.name
    # The preset's generator has the value that it was chosen by.
    from training import evaluate

    arguments = ["--metrics", "fid", "--samples", "40", "--split", "validation", "--no-cache"]
    assert evaluate.main([str(through), *arguments, "--out", "again.jsonl"]) == 0
    again = json.loads(pathlib.Path("again.jsonl").read_text())
    assert again["value"] == pytest.approx(values[best], rel=1e-4)


def test_a_run_that_ends_before_the_first_measurement_says_so(capsys):
    arguments = [*SCORED, "--steps", "1", "--checkpoint-every", "1", "--best-by", "fid"]
    assert main([*arguments, "--run-dir", "short"]) == 0
    assert "fid was not measured, because that takes 2 steps" in capsys.readouterr().err
    assert "best_by" not in json.loads(pathlib.Path("short/result.json").read_text())


@pytest.mark.slow
def test_a_resumed_run_chooses_the_same_state(through, monkeypatch):
    """The run stops after step 5, between a measurement and a checkpoint."""
    from training.callbacks import saving

    arguments = [*SCORED, "--steps", "8", "--checkpoint-every", "3", "--best-by", "fid"]
    real = saving.Saving.on_train_batch_end

    def stop(self, batch, logs=None):
        real(self, batch, logs)
        if self.run_step == 5:
            raise Interrupted(15)

    monkeypatch.setattr(saving.Saving, "on_train_batch_end", stop)
    assert main([*arguments, "--run-dir", "resumed"]) == 0
    assert not pathlib.Path("resumed/result.json").exists()
    monkeypatch.undo()
    monkeypatch.setenv("TFDS_DATA_DIR", str(through.parent / "tfds"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(through.parent / "cache"))
    monkeypatch.chdir(through.parent)
    assert main([*arguments, "--run-dir", "resumed"]) == 0
    results = [
        json.loads((through.parent / d / "result.json").read_text()) for d in ("through", "resumed")
    ]
    for key in ("best_value", "best_step", "test_error"):
        assert results[0][key] == results[1][key]
    assert scores(str(through)) == scores("resumed")
    left, right = (
        sorted((through.parent / d / "checkpoints").glob("*.npz"))[-1].name
        for d in ("through", "resumed")
    )
    assert left == right  # The name contains the state's checksum.


@pytest.mark.slow
def test_measuring_does_not_change_the_training():
    unscored = ["--score-metrics", "None", "--best-by", "None"]
    assert main([*RUN, "--steps", "3", *unscored, "--run-dir", "plain"]) == 0
    scored = ["--score-metrics", "error", "--score-every", "0.064", "--best-by", "None"]
    assert main([*RUN, "--steps", "3", *scored, "--run-dir", "measured"]) == 0
    names = [
        sorted(pathlib.Path(d, "checkpoints").glob("*.npz"))[-1].name for d in ("plain", "measured")
    ]
    assert names[0] == names[1]
    assert not pathlib.Path("measured/best").exists()


def test_the_interval_counts_real_images():
    recipe = find("wgan_gp").with_options(batch_size=50, report_every=70)
    assert score_interval(recipe, batches_per_step=5) == 70
    every = recipe.with_options(score_every=1.0)
    assert score_interval(every, batches_per_step=5) == 4
    assert score_interval(every.with_options(steps_per_call=3), batches_per_step=5) == 6


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (["--score-metrics", "fidd"], "Unknown metric"),
        (["--score-metrics", "fid", "--best-by", "recall"], "--best-by recall is not measured"),
        (["--best-by", "fid"], "--best-by has no effect without --score-metrics"),
        (["--score-samples", "10"], "--score-samples has no effect"),
        (
            ["--score-metrics", "fid", "--score-every", "0"],
            "--score-every must be a number, positive, or None",
        ),
        (["--score-metrics", "fid", "--score-samples", "3"], "at least 10"),
        (["--score-metrics", "fid", "--score-features", "vgg"], "no feature network"),
    ],
)
def test_wrong_options_exit_with_2(arguments, printed, capsys):
    assert main([*UNSCORED, "--steps", "1", *arguments, "--run-dir", "refused"]) == 2
    assert printed in capsys.readouterr().err
    assert not pathlib.Path("refused").exists()


def test_error_needs_a_classifier(capsys):
    arguments = ["--model", "lsgan", "--steps", "1", *TINY, "--score-metrics", "error"]
    assert main([*arguments, "--run-dir", "none"]) == 2
    assert "needs a classifier" in capsys.readouterr().err


def test_the_test_split_is_refused():
    with pytest.raises(SystemExit):
        main([*RUN, "--score-metrics", "fid", "--score-split", "test"])


def test_options_missing_in_an_old_recipe_file_have_their_defaults():
    from training.recipe_file import differences, to_json

    recipe = find("lsgan")
    stored = json.loads(to_json(recipe))
    for name in ("score_samples", "score_split", "best_by"):
        del stored[name]
    assert not differences(recipe, stored)
    changed = recipe.with_options(score_metrics="fid", score_samples=9)
    assert any("--score-samples" in line for line in differences(changed, stored))
