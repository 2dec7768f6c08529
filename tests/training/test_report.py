"""Tables from result files; two protocols never share a column."""

import json

import pytest

from training.report import main

RESULT = {
    "model": "clsgan",
    "data": "digits",
    "split": "test",
    "test_images": 400,
    "train_images": 1197,
    "labels": 100,
    "steps": 10,
    "weights": "average",
    "seconds": 1.0,
    "control_seconds": 1.0,
}


@pytest.fixture
def runs(tmp_path):
    for seed, error in ((0, 0.03), (1, 0.05)):
        folder = tmp_path / f"seed-{seed}"
        folder.mkdir()
        result = {**RESULT, "seed": seed, "test_error": error, "control_test_error": 0.1}
        (folder / "result.json").write_text(json.dumps(result))
    return tmp_path


def test_mean_and_deviation_over_seeds(runs, capsys):
    assert main([str(runs)]) == 0
    said = capsys.readouterr().out
    assert "3.00 % (12 of 400)" in said
    assert "4.00 ± 1.41 %" in said and "10.00 ± 0.00 %" in said


@pytest.mark.parametrize("key", ["labels", "data", "steps", "split"])
def test_two_protocols_are_refused(runs, key, capsys):
    path = runs / "seed-1" / "result.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), key: "another"}))
    assert main([str(runs)]) == 2
    assert key in capsys.readouterr().err


def test_what_is_no_finished_run_is_named(tmp_path, capsys):
    assert main([str(tmp_path)]) == 2
    assert "not a finished run" in capsys.readouterr().err
    (tmp_path / "result.json").write_text("{")
    assert main([str(tmp_path)]) == 2
    assert "damaged" in capsys.readouterr().err
