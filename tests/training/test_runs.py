"""Whole runs of the command on the embedded data: what they print, leave, and survive."""

import json
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.support.cases import QUICK_CLSGAN
from training import evaluate, sample
from training.fit import main
from zoo.tasks import ImageClassifier, ImageGenerator

TINY = ["--generator-filters", "8", "--critic-filters", "4", "--latent-dim", "5"]
CLSGAN = [*QUICK_CLSGAN, "--steps", "7", "--report-every", "3", *TINY]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> pathlib.Path:
    """Where everything below runs, with a TFDS folder of its own."""
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="module", autouse=True)
def in_folder(folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("TFDS_DATA_DIR", str(folder / "tfds"))
        yield


@pytest.fixture(scope="module")
def finished(folder) -> pathlib.Path:
    """A finished run of CLS-GAN with control and export."""
    code = main([*CLSGAN, "--run-dir", "runs/one", "--export", "served"])
    assert code == 0
    return folder / "runs" / "one"


def test_a_run_leaves_everything_it_should(finished):
    recipe = json.loads((finished / "recipe.json").read_text())
    assert (recipe["model"], recipe["steps"], recipe["labels"]) == ("clsgan", 7, 100)
    assert len(list((finished / "checkpoints").glob("step-*.npz"))) >= 1
    grids = sorted(path.name for path in (finished / "samples").iterdir())
    assert grids == ["000003.png", "000006.png", "000007.png"]
    with Image.open(finished / "samples" / "000007.png") as grid:
        assert grid.width < grid.height  # Ten rows, one a class, of eight.
    *watched, score = map(json.loads, (finished / "scores.jsonl").read_text().splitlines())
    assert {row["split"] for row in watched} == {"validation"} and score["split"] == "test"
    label_map = json.loads((finished / "label_map.json").read_text())
    assert score["label_map"] == label_map["digest"]
    assert {"test_error", "control_test_error", "seed", "split", "test_images"} <= score.keys()
    assert not list(finished.rglob(".*"))


def test_tensorboard_has_scalars_grids_histograms_and_hyperparameters(finished):
    events = EventAccumulator(str(finished / "logs" / "train"))
    events.Reload()
    tags = {tag for kind in events.Tags().values() if isinstance(kind, list) for tag in kind}
    expected = {"gap", "active_hinges", "val_error", "images_per_second", "memory_mb", "samples"}
    assert expected | {"scores/real", "scores/fake"} <= tags
    assert "_hparams_/session_start_info" in tags
    assert [event.step for event in events.Tensors("gap")] == [3, 6, 7]


def test_the_preset_predicts_and_generates_the_same_in_a_new_process(finished):
    images = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 1), np.uint8)
    np.save(finished.parent / "images.npy", images)
    code = (
        "import numpy as np, zoo\n"
        "c = zoo.ImageClassifier.from_preset('runs/one/preset')\n"
        "g = zoo.ImageGenerator.from_preset('runs/one/preset')\n"
        "np.savez('runs/out.npz', p=c.predict(np.load('runs/images.npy')),"
        " g=g.generate(16, seed=0))\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    classifier = ImageClassifier.from_preset(finished / "preset")
    generator = ImageGenerator.from_preset(finished / "preset")
    with np.load(finished.parent / "out.npz") as out:
        np.testing.assert_array_equal(out["p"], classifier.predict(images))
        np.testing.assert_array_equal(out["g"], generator.generate(16, seed=0))


def test_the_export_answers_in_a_process_without_the_zoo(finished, folder):
    assert (folder / "served" / "one" / "1" / "saved_model.pb").exists()
    code = (
        "import sys, numpy as np, tensorflow as tf\n"
        "f = tf.saved_model.load('served/one/1').signatures['serving_default']\n"
        "x = np.zeros((3, 8, 8, 1), 'uint8')\n"
        "p = f(images=tf.constant(x))['probabilities'].numpy()\n"
        "assert p.shape == (3, 10) and abs(p.sum(1) - 1).max() < 1e-5, p\n"
        "assert 'zoo' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_evaluate_finds_the_same_error_from_the_files(finished, capsys):
    result = json.loads((finished / "result.json").read_text())
    assert evaluate.main([str(finished)]) == 0
    assert f"test error {100 * result['test_error']:.2f} %" in capsys.readouterr().out
    scores = [json.loads(line) for line in (finished / "scores.jsonl").read_text().splitlines()]
    assert scores[-1]["key"] == "error[400/test]"
    assert scores[-1]["value"] == result["test_error"]


def test_sample_writes_a_sheet(finished, folder, capsys):
    assert sample.main([str(finished), "--out", "sheet.png", "--grid", "2x3"]) == 0
    with Image.open(folder / "sheet.png") as sheet:
        assert sheet.width > sheet.height
    assert sample.main([str(finished), "--class", "11"]) == 2
    assert "11" in capsys.readouterr().err


def test_a_finished_run_shows_its_result_again(finished, capsys):
    assert main([*CLSGAN, "--run-dir", "runs/one"]) == 0
    said = capsys.readouterr().out
    assert "finished" in said and "supervised control" in said


@pytest.mark.slow
def test_several_seeds_end_with_mean_and_deviation(capsys):
    arguments = [*QUICK_CLSGAN, "--steps", "1", "--no-control", *TINY]
    assert main([*arguments, "--seeds", "2", "--run-dir", "runs/seeds"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("ConditionalLossSensitiveGAN (--model clsgan)\n  paper")
    assert "mean and std" in said and "±" in said
    maps = [
        json.loads((pathlib.Path("runs/seeds") / f"seed-{i}/label_map.json").read_text())
        for i in (0, 1)
    ]
    assert maps[0]["digest"] != maps[1]["digest"]


@pytest.mark.slow
def test_all_labels_train_supervised(capsys):
    one_step = ["--steps", "1", "--no-control", *TINY, "--run-dir", "runs/a"]
    assert main(["--model", "clsgan", "--labels", "all", *one_step]) == 0
    assert "1,197 labelled, 0 unlabelled" in capsys.readouterr().out


def test_other_models_have_no_error_rate(capsys):
    assert main(["--model", "lsgan", "--steps", "1", *TINY, "--run-dir", "runs/b"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("LeastSquaresGAN (--model lsgan)\n  paper      Mao")
    assert "test error" not in said
    assert ImageGenerator.from_preset("runs/b/preset").generate(2, seed=1).shape == (2, 8, 8, 1)


def start(run_dir: str) -> subprocess.Popen:
    command = ["--model", "lsgan", "--steps", "400", "--checkpoint-every", "10", *TINY]
    arguments = [sys.executable, "-m", "training.fit", *command, "--run-dir", run_dir]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def wait_for_step(run_dir: str, step: int, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        saved = pathlib.Path(run_dir, "checkpoints").glob("step-*.npz")
        if any(int(path.name.split("-")[1]) >= step for path in saved):
            return
        time.sleep(0.02)
    raise AssertionError(f"no checkpoint of step {step}: {process.communicate()[0]}")


def last_checkpoint(run_dir: str) -> dict[str, np.ndarray]:
    path = sorted(pathlib.Path(run_dir, "checkpoints").glob("step-*.npz"))[-1]
    assert "step-000000400" in path.name
    with np.load(path) as arrays:
        return {name: arrays[name] for name in arrays.files}


@pytest.mark.slow
def test_a_run_that_is_terminated_and_then_killed_ends_bit_equal_to_one_left_alone():
    through = start("runs/through")
    printed, _ = through.communicate()
    assert through.returncode == 0, printed

    terminated = start("runs/killed")
    wait_for_step("runs/killed", 20, terminated)
    terminated.send_signal(signal.SIGTERM)
    said, _ = terminated.communicate()
    assert terminated.returncode == 0
    assert "Resume with the same command" in said and "--run-dir runs/killed" in said

    killed = start("runs/killed")
    wait_for_step("runs/killed", 100, killed)
    killed.kill()
    assert "Going on from step" in killed.communicate()[0]

    resumed = start("runs/killed")
    said, _ = resumed.communicate()
    assert resumed.returncode == 0, said
    left, right = last_checkpoint("runs/through"), last_checkpoint("runs/killed")
    assert left.keys() == right.keys()
    for name, value in left.items():
        np.testing.assert_array_equal(value, right[name], err_msg=name)
