"""Tests of the controls of a run: their steps, folders, results, tables and curves."""

import json
import pathlib

import pytest

from tests.support.cases import tiny_recipe
from training import equal_seconds, evaluate, report, stages
from training.console import result_table
from training.controls import CONTROLS, control_of, results_of
from training.equal_seconds import add_pace, steps_of_equal_seconds, stretched
from training.fit import main
from training.length import Trial
from training.preset_card import score_lines
from training.report_curves import score_curves
from training.run_folder import RunFolder
from zoo.models import ConditionalLossSensitiveGAN
from zoo.tasks import ImageClassifier

TINY = ["--generator-filters", "8", "--critic-filters", "4", "--latent-dim", "5"]
TRIAL = Trial(start=1.0, step=0.1, report=0.0, score=0.0, checkpoint=0.0, end=0.0)
ALL = ["--control", "--control-equal-seconds", "--control-without-generator"]
SHORT = ["--steps", "8", "--report-every", "4", *TINY]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run with all controls. The third one is a stub: the first control."""
    make_control = ConditionalLossSensitiveGAN.make_control
    asked: list[bool] = []

    def stub(self, *, with_unlabelled_terms: bool = False):
        asked.append(with_unlabelled_terms)
        return make_control(self)

    folder = tmp_path_factory.mktemp("work")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("TFDS_DATA_DIR", str(folder / "tfds"))
        patch.setattr(ConditionalLossSensitiveGAN, "make_control", stub)
        patch.setattr(stages, "try_out", lambda *_: TRIAL)
        patch.setattr(equal_seconds, "read_pace", lambda _: {"seconds_per_step": 0.21})
        command = ["--model", "clsgan", *SHORT, *ALL, "--run-dir", "runs/one"]
        assert main(command) == 0
    assert asked == [False, False, False, True]
    return folder / "runs" / "one"


def test_each_control_has_its_folder_and_results(run):
    result = json.loads((run / "result.json").read_text())
    for name in CONTROLS:
        assert (run / name / "preset" / "config.json").exists()
        own = results_of(name, result)
        assert own.keys() == {
            *("test_error", "seconds", "best_value", "best_step", "waiting"),
            *("temperature", "calibration", "calibration_before"),
            *(["steps"] if name == "control_equal_seconds" else []),
        }
    assert result["steps"] == 8 and result["control_equal_seconds_steps"] == 16
    for name, step in (("control", 8), ("control_equal_seconds", 16)):
        assert list((run / name / "checkpoints").glob(f"step-{step:09d}-*"))
    metadata = json.loads((run / "control_equal_seconds" / "preset" / "metadata.json").read_text())
    training = metadata["training"]
    classifier = ImageClassifier.from_preset(run / "control_equal_seconds" / "preset")
    assert classifier.temperature == result["control_equal_seconds_temperature"]
    assert ImageClassifier.from_preset(run / "preset").temperature == result["temperature"]
    assert 0.0 <= result["calibration"] <= 1.0 and result["temperature"] != 1.0
    assert (training["model"], training["steps"]) == ("supervised", 16)
    assert training["test_error"] == result["control_equal_seconds_test_error"]
    assert not [key for key in training if key.startswith("control")]


def test_tables_cards_and_curves_name_each_control(run, tmp_path, capsys):
    result = json.loads((run / "result.json").read_text())
    table = result_table([result])
    card = score_lines([result])
    for control in CONTROLS.values():
        assert f"| {control.row} " in table and control.difference in card
    assert [line.split("|")[5].strip() for line in table.splitlines()[2:]] == ["8", "8", "16", "8"]
    (panel,) = score_curves([run]).values()
    names = ["one", *(f"one, {control.short}" for control in CONTROLS.values())]
    assert [curve.name for curve in panel] == names
    assert [sorted(curve.points) for curve in panel] == [[4, 8], [4, 8], [8, 16], [4, 8]]
    assert report.main([str(run), "-o", str(tmp_path / "page.md")]) == 0
    assert "control without generator" in (tmp_path / "page.md").read_text()


def test_each_control_is_evaluated(run, tmp_path, capsys):
    result = json.loads((run / "result.json").read_text())
    out = tmp_path / "scores.jsonl"
    for name in CONTROLS:
        preset = str(run / name / "preset")
        assert evaluate.main([preset, "--metrics", "error", "--out", str(out)]) == 0
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["value"] for row in rows] == [result[f"{name}_test_error"] for name in CONTROLS]
    capsys.readouterr()
    assert report.main([str(out)]) == 0
    printed = capsys.readouterr().out
    assert all(f"| one, {control.short} " in printed for control in CONTROLS.values())


def test_steps_of_equal_seconds_are_measured_once_and_follow_the_length(tmp_path):
    import tensorflow as tf

    strategy = tf.distribute.get_strategy()
    folder, second = RunFolder(tmp_path / "a"), RunFolder(tmp_path / "b")
    for one in (folder, second):
        one.path.mkdir()
    recipe = tiny_recipe("clsgan", steps=100, report_every=10)
    add_pace(folder, seconds_per_step=0.516)
    steps = steps_of_equal_seconds(recipe, (folder, None), strategy, lambda: TRIAL)
    assert steps == 500

    def refuse() -> Trial:
        raise AssertionError("tried")

    assert steps_of_equal_seconds(recipe, (folder, None), strategy, refuse) == 500
    assert steps_of_equal_seconds(recipe, (second, folder), strategy, refuse) == 500
    longer = recipe.with_options(steps=200)
    assert steps_of_equal_seconds(longer, (folder, None), strategy, refuse) == 1000
    add_pace(folder, seconds_per_step=None)
    assert json.loads(folder.pace.read_text())["seconds_per_step"] == 0.516


def test_a_stretched_recipe_has_as_many_reports_and_stairs():
    recipe = tiny_recipe("clsgan", steps=100, report_every=10, steps_per_call=2, score_every=0.5)
    recipe = recipe.with_options(decay_every=20)
    longer = stretched(recipe, 530)
    run, optimizers = longer.run, longer.optimizers
    assert (run.steps, run.report_every, longer.scores.score_every) == (530, 52, 2.65)
    assert run.checkpoint_every % 2 == 0 and optimizers.decay_every == 106


def test_keys_of_a_result_belong_to_one_control():
    result = {"test_error": 1, "control_test_error": 2, "control_equal_seconds_seconds": 3}
    assert results_of("control", result) == {"test_error": 2}
    assert results_of("control_equal_seconds", result) == {"seconds": 3}
    assert control_of("test_error") == control_of("controlled") == ""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--labels", "all", "--control-without-generator"], "give --labels, such as 1000"),
        (["--labels", "100000"], "--labels 1190"),
        (["--labels", "3"], "Give --labels 10"),
    ],
)
def test_labels_that_cannot_be_are_refused(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["--model", "clsgan", *SHORT, *words]) == 2
    assert message in capsys.readouterr().err
    assert not pathlib.Path("runs").exists()


def test_without_unlabelled_images_there_is_no_third_control():
    recipe = tiny_recipe("clsgan", control_without_generator=True, labels="all")
    assert recipe.supervision.controls == ("control",)
    assert tiny_recipe("lsgan").supervision.controls == ()
