"""Tests of `training.report`: tables, pages and the check of protocols."""

import json
import sys

import numpy as np
import pytest

from training.report import main
from training.report_curves import Curve, score_curves

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
    printed = capsys.readouterr().out
    assert "3.00 % (12 of 400)" in printed
    assert "4.00 ± 1.41 %" in printed and "10.00 ± 0.00 %" in printed


@pytest.mark.parametrize("key", ["labels", "data", "steps", "split"])
def test_two_protocols_are_refused(runs, key, capsys):
    path = runs / "seed-1" / "result.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), key: "another"}))
    assert main([str(runs)]) == 2
    assert key in capsys.readouterr().err


def test_an_unfinished_run_is_reported(tmp_path, capsys):
    assert main([str(tmp_path)]) == 2
    assert "not a finished run" in capsys.readouterr().err
    (tmp_path / "result.json").write_text("{")
    assert main([str(tmp_path)]) == 2
    assert "damaged" in capsys.readouterr().err


def score(metric: str, value: float, *, seed: int, **changes) -> dict:
    row = {
        "key": f"{metric}[cnn-1a2b3c,2k/test]",
        "metric": metric,
        "value": value,
        "values": {metric: value, f"{metric}_std": 1.0},
        "data": "digits",
        "split": "test",
        "features": "cnn-1a2b3c",
        "reference_images": 400,
        "model": "lsgan",
        "steps": 10,
        "seed": seed,
        "sample_seed": 0,
    }
    return {**row, **changes}


def add_run(folder, rows, *, seed: int):
    from training.callbacks.samples import save_png

    run = folder / f"seed-{seed}"
    run.mkdir(parents=True)
    (run / "recipe.json").write_text("{}")
    (run / "result.json").write_text(json.dumps({"model": "lsgan", "seed": seed}))
    (run / "scores.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    save_png(run / "samples" / "000010.png", np.zeros((4, 4, 1), np.uint8))
    return run


@pytest.fixture
def scored(tmp_path):
    """Two seeds with two FID measurements each, of which the last one counts."""
    early = {"while_training": True, "step": 5, "key": "fid[cnn-1a2b3c,2k/validation]"}
    for seed, value in ((0, 10.0), (1, 12.0)):
        rows = [
            score("fid", 50.0, seed=seed, **early),
            score("fid", 99.0, seed=seed),
            score("fid", value, seed=seed),
            score("kid", 0.5, seed=seed),
        ]
        add_run(tmp_path / "lsgan", rows, seed=seed)
    return tmp_path / "lsgan"


def test_scores_are_averaged_over_seeds_with_their_protocol_below(scored, capsys):
    assert main([str(scored)]) == 0
    printed = capsys.readouterr().out
    assert "11.0000 ± 1.4142 (2)" in printed and "0.5000 ± 0.0000 (2)" in printed
    assert "[1] `fid[cnn-1a2b3c,2k/test]` of digits, against 400 images of test" in printed
    assert "fid_std" not in printed and "99" not in printed


def test_sets_of_images_of_one_seed_are_averaged_first(tmp_path, capsys):
    rows = [score("fid", v, seed=0, sample_seed=i) for i, v in enumerate((1.0, 3.0))]
    add_run(tmp_path / "a", rows, seed=0)
    add_run(tmp_path / "a", [score("fid", 4.0, seed=1)], seed=1)
    assert main([str(tmp_path / "a")]) == 0
    assert "3.0000 ± 1.4142 (2)" in capsys.readouterr().out


def test_files_of_scores_are_read_by_the_names_of_their_runs(tmp_path, capsys):
    rows = [
        score("fid", 7.0, seed=0, evaluated="runs/glsgan-0/seed-0/preset"),
        score("fid", 8.0, seed=0, evaluated="runs/wgan/preset"),
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert main([str(path)]) == 0
    printed = capsys.readouterr().out
    assert "| glsgan-0 | 7.0000 (1)" in printed and "| wgan     | 8.0000 (1)" in printed


@pytest.mark.parametrize(
    ("changes", "printed"),
    [
        ({"key": "fid[cnn-1a2b3c,5k/test]"}, "2 protocols"),
        ({"features": "cnn-other"}, "2 protocols"),
        ({"reference_images": 100}, "2 protocols"),
        ({"data": "mnist"}, "2 protocols"),
        ({"steps": 11}, "differ in steps"),
        ({"weights": "last"}, "differ in weights"),
    ],
)
def test_scores_of_two_protocols_or_trainings_are_refused(tmp_path, changes, printed, capsys):
    add_run(tmp_path / "a", [score("fid", 1.0, seed=0)], seed=0)
    add_run(tmp_path / "a", [score("fid", 1.0, seed=1, **changes)], seed=1)
    assert main([str(tmp_path / "a"), "-o", str(tmp_path / "out.md")]) == 2
    assert printed in capsys.readouterr().err
    assert not (tmp_path / "out.md").exists()


def test_pages_have_tables_curves_and_samples(scored, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    page = tmp_path / "results.md"
    assert main([str(scored), "-o", str(page)]) == 0
    text = page.read_text()
    assert "11.0000 ± 1.4142 (2)" in text and "lsgan/seed-1, step 10" in text
    pictures = {path.name for path in (tmp_path / "results_files").iterdir()}
    assert pictures == {"curves.png", "samples-0.png", "samples-1.png"}
    assert all(f"results_files/{name}" in text for name in pictures)
    assert main([str(scored), "-o", str(tmp_path / "results.html")]) == 0
    text = (tmp_path / "results.html").read_text()
    assert text.count("data:image/png;base64,") == 3 and "<td>11.0000 ± 1.4142 (2)</td>" in text
    assert main([str(scored), "-o", str(tmp_path / "results.pdf")]) == 2
    assert ".md or .html" in capsys.readouterr().err


def test_each_value_of_a_score_has_its_curve(tmp_path):
    early = {"while_training": True, "values": {"precision": 0.5, "recall": 0.25}}
    rows = [score("pr", 0.5, seed=0, step=step, **early) for step in (5, 10)]
    rows += [score("kid", 0.1, seed=0, while_training=True, step=5)]
    add_run(tmp_path / "lsgan", rows, seed=0)
    assert score_curves([tmp_path / "lsgan"]) == {
        "precision, pr[cnn-1a2b3c,2k/test]": [Curve("lsgan/seed-0", points={5: 0.5, 10: 0.5})],
        "recall, pr[cnn-1a2b3c,2k/test]": [Curve("lsgan/seed-0", points={5: 0.25, 10: 0.25})],
        "kid[cnn-1a2b3c,2k/test]": [Curve("lsgan/seed-0", points={5: 0.1})],
    }


def early(value: float, *, step: int, **changes) -> dict:
    """Returns an error rate that was measured during training."""
    return score("error", value, seed=0, while_training=True, step=step, key="error", **changes)


def test_a_control_has_its_own_curve_with_its_chosen_state(tmp_path):
    rows = [early(0.5, step=5), early(0.2, step=10)]
    rows += [early(0.6, step=5, control=True), early(0.7, step=10, control=True)]
    run = add_run(tmp_path / "clsgan", rows, seed=0)
    result = {"best_by": "error", "best_step": 10, "control_best_step": 5}
    (run / "result.json").write_text(json.dumps(result))
    model, control = score_curves([tmp_path / "clsgan"])["error"]
    assert (model.name, control.name) == ("clsgan/seed-0", "clsgan/seed-0, control")
    assert model == Curve("clsgan/seed-0", points={5: 0.5, 10: 0.2}, chosen=10)
    assert control == Curve("clsgan/seed-0", control="control", points={5: 0.6, 10: 0.7}, chosen=5)


def test_a_curve_has_one_finite_value_per_step(tmp_path):
    """A resumed run can measure a step twice; earlier versions wrote NaN."""
    rows = [early(0.5, step=5), early(0.25, step=5), early(float("nan"), step=10)]
    add_run(tmp_path / "a", rows, seed=0)
    assert score_curves([tmp_path / "a"]) == {"error": [Curve("a/seed-0", points={5: 0.25})]}


def test_runs_with_one_name_and_data_sets_with_one_key_have_separate_curves(tmp_path):
    for parent, data in (("one", "digits"), ("two", "digits"), ("three", "mnist")):
        add_run(tmp_path / parent / "a", [early(0.5, step=5, data=data)], seed=0)
    folders = [tmp_path / parent / "a" for parent in ("one", "two", "three", "one")]
    curves = score_curves(folders)
    assert {title: [line.name for line in lines] for title, lines in curves.items()} == {
        "error of digits": ["one/a/seed-0", "two/a/seed-0"],
        "error of mnist": ["three/a/seed-0"],
    }


def test_the_sheet_of_the_chosen_state_is_shown(tmp_path):
    pytest.importorskip("matplotlib")
    from training.callbacks.samples import save_png

    run = add_run(tmp_path / "a", [early(0.5, step=5)], seed=0)
    save_png(run / "samples" / "000005.png", np.ones((4, 4, 1), np.uint8))
    for chosen, title in (
        (5, "a/seed-0, step 5 (chosen)"),
        (7, "a/seed-0, step 10 (the chosen state is of step 7)"),
        (None, "a/seed-0, step 10\n"),
    ):
        (run / "result.json").write_text(json.dumps({"best_step": chosen, "best_by": "error"}))
        assert main([str(tmp_path / "a"), "-o", str(tmp_path / "page.md")]) == 0
        assert title in (tmp_path / "page.md").read_text()
    shown = (tmp_path / "page_files" / "samples-0.png").read_bytes()
    assert shown == (run / "samples" / "000010.png").read_bytes()


def test_a_run_is_counted_once_and_runs_with_one_name_and_seed_are_refused(runs, capsys):
    assert main([str(runs), str(runs), str(runs / "seed-0")]) == 0
    assert capsys.readouterr().out.count("3.00 % (12 of 400)") == 1
    for parent in ("a", "b"):
        add_run(runs / parent / "same", [score("fid", 1.0, seed=0)], seed=0)
    assert main([str(runs / "a" / "same"), str(runs / "b" / "same")]) == 2
    assert "two runs with the name same and the seed 0" in capsys.readouterr().err


def test_runs_with_different_names_have_separate_means(tmp_path, capsys):
    for name, error in (("a", 0.25), ("b", 0.5)):
        folder = tmp_path / name
        folder.mkdir()
        result = {**RESULT, "seed": 0, "test_error": error, "control_test_error": 0.1}
        (folder / "result.json").write_text(json.dumps(result))
    assert main([str(tmp_path / "a"), str(tmp_path / "b")]) == 0
    printed = capsys.readouterr().out
    assert "Run: `a`" in printed and "Run: `b`" in printed and "mean and std" not in printed


def test_scores_that_are_not_finite_are_marked_in_the_table(tmp_path, capsys):
    """Files of earlier versions contain NaN; later versions leave the value out."""
    add_run(tmp_path / "a", [score("fid", float("nan"), seed=0)], seed=0)
    add_run(tmp_path / "a", [score("fid", 2.0, seed=1, values={"fid": 2.0})], seed=1)
    left_out = score("fid", 1.0, seed=2, values={})
    add_run(tmp_path / "a", [{**left_out, "value": None}], seed=2)
    add_run(tmp_path / "b", [score("fid", float("nan"), seed=0)], seed=0)
    assert main([str(tmp_path / "a"), str(tmp_path / "b")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("| a ") and "2.0000 (1, 2 undefined)" in line for line in lines)
    assert any(line.startswith("| b ") and "undefined" in line for line in lines)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"values": None}, "values"),
        ({"values": {"fid": "x"}}, "values"),
        ({"metric": None}, "metric"),
        ({"key": 5}, "key"),
        ({"while_training": True}, "step"),
        ({"while_training": True, "step": "5"}, "step"),
        ({"seed": []}, "seed"),
        ({"evaluated": None}, "evaluated"),
    ],
)
def test_a_damaged_row_is_refused_with_its_file_and_field(tmp_path, changes, field, capsys):
    run = add_run(tmp_path / "a", [score("fid", 1.0, seed=0) | changes], seed=0)
    for source in (tmp_path / "a", run / "scores.jsonl"):
        assert main([str(source), "-o", str(tmp_path / "out.html")]) == 2
        error = capsys.readouterr().err
        assert "scores.jsonl is damaged" in error and repr(field) in error


@pytest.mark.parametrize("line", ["null", "5", "[]", '"x"', "{", "[" * 100_000])
def test_lines_that_are_not_objects_are_refused(tmp_path, line, capsys):
    run = add_run(tmp_path / "a", [], seed=0)
    (run / "scores.jsonl").write_text(f"\n{line}\n")
    assert main([str(tmp_path / "a")]) == 2
    assert "scores.jsonl is damaged" in capsys.readouterr().err
    (run / "result.json").write_text(line)
    assert main([str(tmp_path / "a")]) == 2
    assert "result.json is damaged" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("test_error", "x"),
        ("test_error", float("nan")),
        ("seconds", float("inf")),
        ("labels", None),
        ("seconds", []),
        ("seed", {}),
        ("best_by", 5),
    ],
)
def test_a_damaged_result_is_refused_with_its_field(runs, field, value, capsys):
    path = runs / "seed-1" / "result.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), field: value}))
    assert main([str(runs)]) == 2
    assert f"result.json is damaged: '{field}' is" in capsys.readouterr().err


def test_a_run_can_have_the_name_control(tmp_path, capsys):
    run = add_run(tmp_path, [score("fid", 1.0, seed=0)], seed=0).rename(tmp_path / "control")
    assert main([str(run)]) == 0
    assert "| control " in capsys.readouterr().out


def test_without_matplotlib_the_message_has_the_install_command(
    scored, tmp_path, monkeypatch, capsys
):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert main([str(scored), "-o", str(tmp_path / "results.md")]) == 2
    assert "pip install 'lipschitz-gan-zoo[report]'" in capsys.readouterr().err
    assert not (tmp_path / "results.md").exists()


def test_tables_replace_the_block_of_a_page(runs, capsys):
    page = runs / "page.md"
    page.write_text("before\n<!-- here: begin -->\nold\n<!-- here: end -->\nafter\n")
    assert main([str(runs), "--into", str(page), "--block", "here"]) == 0
    text = page.read_text()
    assert text.startswith("before\n<!-- here: begin -->") and text.endswith("end -->\nafter\n")
    assert "3.00 % (12 of 400)" in text and "old" not in text
    capsys.readouterr()
    for block, printed in (("there", "<!-- there: begin -->"), (None, "go together")):
        more = [] if block is None else ["--block", block]
        assert main([str(runs), "--into", str(page), *more]) == 2
        assert printed in capsys.readouterr().err
    assert page.read_text() == text


def test_a_control_has_a_separate_row(tmp_path, capsys):
    rows = [
        score("error", value, seed=0, evaluated=f"runs/e/plain/seed-0/{preset}", model=model)
        for value, preset, model in (
            (0.25, "preset", "clsgan"),
            (0.5, "control/preset", "supervised"),
        )
    ]
    path = tmp_path / "e.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert main([str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("| plain ") and "0.2500" in line for line in lines)
    assert any(line.startswith("| plain, control ") and "0.5000" in line for line in lines)
