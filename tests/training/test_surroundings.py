"""Whole runs in the surroundings that people have: full disks, pipes, threads, other processes."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
from PIL import Image

from tests.support.cases import QUICK_CLSGAN
from tests.support.disks import fill, small_disk
from training.fit import main
from training.fit_options import read_command, read_recipe
from training.run_folder import RunFolder
from zoo.tasks import ImageGenerator

TINY = ["--generator-filters", "8", "--critic-filters", "4", "--latent-dim", "5", "--jit", "off"]
LSGAN = ["--model", "lsgan", "--batch-size", "16", "--report-every", "5", *TINY]


@pytest.fixture(scope="module", autouse=True)
def in_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("work")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("TFDS_DATA_DIR", str(folder / "tfds"))
        yield folder


def start(*arguments: str, **options) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "training.fit", *LSGAN, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **options,
    )


def write_images(folder: pathlib.Path, count: int, classes=("cat", "dog")) -> None:
    random = np.random.default_rng(count)
    for name in classes:
        (folder / name).mkdir(parents=True, exist_ok=True)
        for place in range(count):
            pixels = random.integers(0, 256, (8, 8, 3), "uint8")
            Image.fromarray(pixels).save(folder / name / f"{count}_{place}.png")


def contents(folder: pathlib.Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_resuming_with_more_files_or_classes_is_refused_and_overwrites_nothing(capsys):
    images, run = pathlib.Path("images"), pathlib.Path("runs/folder")
    write_images(images, 20)
    arguments = [*QUICK_CLSGAN, "--data", "images", "--labels", "10", "--no-control", *TINY]
    arguments += ["--batch-size", "8", "--steps", "2", "--report-every", "2", "--run-dir", str(run)]
    assert main(arguments) == 0
    (run / "result.json").unlink()  # As if it had been stopped.
    before = contents(run)
    write_images(images, 5)
    capsys.readouterr()
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert "train split:" in said and "images in the run" in said and "Traceback" not in said
    assert contents(run) == before
    write_images(images, 30, classes=("bird",))
    assert main(arguments) == 2
    assert "class 'bird': not in the run" in capsys.readouterr().err
    assert contents(run) == before
    # A run of an earlier version has no record, but its label map shows other data too.
    (run / "data.json").unlink()
    before = contents(run)
    assert main(arguments) == 2
    assert contents(run) == before


def test_a_finished_run_is_lengthened_but_not_shortened(capsys):
    short = [*LSGAN, "--run-dir", "runs/longer", "--steps"]
    assert main([*short, "5"]) == 0
    capsys.readouterr()
    assert main([*short, "10"]) == 0
    said = capsys.readouterr().out
    assert "is lengthened from 5 to 10 steps" in said and "Going on from step 5." in said
    assert json.loads(pathlib.Path("runs/longer/result.json").read_text())["steps"] == 10
    assert json.loads(pathlib.Path("runs/longer/recipe.json").read_text())["steps"] == 10
    assert main([*short, "7"]) == 2
    assert "--steps: 10 in the run, 7 now" in capsys.readouterr().err
    # It ends like a run of that length.
    assert main([*LSGAN, "--run-dir", "runs/whole", "--steps", "10"]) == 0
    one, two = (
        ImageGenerator.from_preset(f"runs/{name}/preset").generate(4, seed=0)
        for name in ("longer", "whole")
    )
    np.testing.assert_array_equal(one, two)


def test_a_length_in_epochs_is_resumed_and_lengthened(capsys):
    arguments = [*LSGAN, "--batch-size", "300", "--run-dir", "runs/epochs", "--epochs"]
    assert main([*arguments, "1"]) == 0
    capsys.readouterr()
    assert main([*arguments, "1"]) == 0
    assert "is finished" in capsys.readouterr().out
    assert main([*arguments, "2"]) == 0
    assert "is lengthened from 4 to 8 steps" in capsys.readouterr().out
    assert main([*arguments, "1"]) == 2
    assert "a run can be lengthened, not shortened" in capsys.readouterr().err


def test_two_processes_and_a_crash():
    arguments = ["--steps", "100000", "--checkpoint-every", "5", "--run-dir", "runs/locked"]
    first = start(*arguments)
    while "5/5" not in (line := first.stdout.readline()):
        assert line, first.wait()
    second = start(*arguments)
    said, _ = second.communicate()
    assert second.returncode == 2, said
    assert f"process {first.pid}" in said and "Traceback" not in said
    assert len(list(pathlib.Path("runs/locked/logs/train").iterdir())) == 1
    first.send_signal(signal.SIGKILL)
    first.communicate()
    assert pathlib.Path("runs/locked/run.lock").exists()
    third = start(*arguments)
    while "Going on from step" not in (line := third.stdout.readline()):
        assert line, third.wait()
    third.send_signal(signal.SIGTERM)
    third.communicate()
    assert third.returncode == 0
    assert not pathlib.Path("runs/locked/run.lock").exists()


def test_a_closed_output_ends_the_run_with_its_state_saved():
    code = f"{sys.executable} -m training.fit {' '.join(LSGAN)} --steps 100000 --run-dir runs/head"
    done = subprocess.run(
        ["bash", "-c", f"{code} | head -n 12; exit ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 128 + signal.SIGPIPE
    assert "Traceback" not in done.stderr and "BrokenPipe" not in done.stderr
    assert "Run it again to resume" in done.stderr
    assert list(pathlib.Path("runs/head/checkpoints").glob("step-*.npz"))


def test_fit_runs_in_a_thread():
    codes = []
    arguments = [*LSGAN, "--steps", "2", "--run-dir", "runs/thread"]
    thread = threading.Thread(target=lambda: codes.append(main(arguments)))
    thread.start()
    thread.join()
    assert codes == [0]


def test_the_printed_commands_can_be_pasted_anywhere(capsys, monkeypatch, tmp_path):
    run = tmp_path / "my runs" / "it's (1)"
    assert main([*LSGAN, "--steps", "1", "--run-dir", str(run), "--export", "served models"]) == 0
    said = capsys.readouterr().out
    assert pathlib.Path("served models/it-s-1/1/saved_model.pb").exists()
    commands = [line.split(maxsplit=1)[1] for line in said.splitlines()[-5:]]
    assert "--name it-s-1" in commands[3]
    monkeypatch.chdir(tmp_path)
    sample = commands[2].replace("python", sys.executable, 1)
    subprocess.run(
        ["bash", "-c", sample], check=True, env={**os.environ, "PYTHONPATH": sys.path[0]}
    )
    assert (tmp_path / "samples.png").exists()


def test_every_seed_is_exported(capsys):
    arguments = [*LSGAN, "--steps", "1", "--seeds", "2", "--run-dir", "runs/both"]
    assert main([*arguments, "--export", "served"]) == 0
    names = {path.name for path in pathlib.Path("served").iterdir()}
    assert {"both-seed-0", "both-seed-1"} <= names


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seed", "-1"], "--seed must be an integer, from 0 to 4294967295"),
        (["--seed", "4294967296"], "--seed must be an integer, from 0 to 4294967295"),
        (["--seed", "4294967295", "--seeds", "2"], "last seed must be at most"),
        (["--export", "/dev/null"], "must be a folder"),
        (["--export", "/dev/null/below"], "/dev/null is a file"),
        (["--run-dir", ""], "--run-dir is empty"),
    ],
)
def test_what_is_known_before_training_is_checked_before(arguments, message, capsys):
    assert main([*LSGAN, *arguments]) == 2
    said = capsys.readouterr()
    assert message in said.err and "paper" not in said.out


@pytest.fixture
def disk(tmp_path):
    with small_disk(tmp_path / "small") as folder:
        yield folder


def half_written(folder: pathlib.Path) -> list[str]:
    return [str(path) for path in folder.rglob(".*")]


@pytest.mark.parametrize(
    "leave", [150_000, *(pytest.param(n, marks=pytest.mark.slow) for n in (0, 20_000, 400_000))]
)
def test_a_full_disk_ends_in_one_sentence_and_the_same_command_resumes(leave, disk, capfd):
    run = disk / "run"
    arguments = [*LSGAN, "--steps", "20", "--checkpoint-every", "5", "--run-dir", str(run)]
    filler = fill(disk, leave=leave)
    process = start(*arguments)
    said, _ = process.communicate()
    assert process.returncode in (0, 2), (process.returncode, said)
    assert "Traceback" not in said and "terminate" not in said
    assert not half_written(run)
    if process.returncode == 2:
        assert "error: " in said and not (run / "result.json").exists()
        assert not (run / "preset").exists()
    filler.unlink()
    process = start(*arguments)
    said, _ = process.communicate()
    assert process.returncode == 0, said
    assert ImageGenerator.from_preset(run / "preset").generate(1, seed=0).shape == (1, 8, 8, 1)


def test_logs_that_cannot_be_written_do_not_end_a_run(capfd):
    run = pathlib.Path("runs/logless")
    arguments = [*LSGAN, "--steps", "10", "--run-dir", str(run), "--score-metrics", "pr"]
    arguments += ["--score-samples", "50"]
    RunFolder(run).create(read_recipe(read_command(arguments)))
    (run / "logs").write_text("a file in the place of a folder")
    (run / "samples").write_text("another")
    (run / "scores.jsonl").mkdir()
    assert main(arguments) == 0
    said = capfd.readouterr().err
    for name in ("TensorBoard's logs", "sample sheets", "the scores"):
        assert said.count(f"warning: {name} cannot be written") == 1, said
    assert (run / "result.json").exists()
