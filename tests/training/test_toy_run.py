"""`--data ring` through the command: the mode count is logged, and pictures show the points."""

import json

from training import fit


def test_run_on_the_ring_logs_modes_and_draws_points(tmp_path, capsys):
    arguments = ["--model", "lsgan", "--data", "ring", "--steps", "4", "--report-every", "2"]
    small = ["--batch-size", "16", "--latent-dim", "3", "--run-dir", str(tmp_path / "run")]
    assert fit.main([*arguments, *small]) == 0
    printed = capsys.readouterr().out
    assert "ring, 2, 8 classes" in printed
    assert "modes: 0" in printed and "near_modes: " in printed
    assert (tmp_path / "run" / "samples" / "000004.png").exists()
    assert json.loads((tmp_path / "run" / "result.json").read_text())["data"] == "ring"


def test_option_for_images_is_an_error_with_points(tmp_path, capsys):
    arguments = ["--model", "lsgan", "--data", "ring", "--run-dir", str(tmp_path / "run")]
    assert fit.main([*arguments, "--flip"]) == 2
    assert "are for images; these are points" in capsys.readouterr().err
