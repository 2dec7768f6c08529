"""`--deterministic`: the same numbers on a CPU, and operations that are refused by name."""

import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from tests.support.cases import QUICK_CLSGAN
from training.determinism import enable_determinism, naming_operations
from training.fit import main
from training.options.devices import DeviceOptions
from zoo.errors import UserError

TINY = (
    "--data digits --steps 4 --report-every 4 --checkpoint-every 2 --generator-filters 8 "
    "--critic-filters 4 --latent-dim 5 --batch-size 16"
)
ON = DeviceOptions(deterministic=True)
MISSING = (
    "Graph execution error:\n\nDetected at node gradients/layer/FusedBatchNormGradV3 defined at\n"
    "A deterministic GPU implementation of fused batch-norm backprop, when training is disabled, "
    "is not currently available.\n\t [[{{node gradients/layer/FusedBatchNormGradV3}}]] [Op:step]"
)
BY_XLA = (
    "HLO instruction %select-and-scatter.7 does not have a deterministic implementation, but "
    "run-to-run determinism is required."
)


def fit(run_dir: pathlib.Path, *options: str) -> str:
    """Trains in a process of its own, because op determinism cannot be turned off again."""
    words = [sys.executable, "-m", "training.fit", *TINY.split(), *options, "--jit", "off"]
    done = subprocess.run(
        [*words, "--run-dir", str(run_dir)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def last(run_dir: pathlib.Path) -> dict[str, np.ndarray]:
    (path,) = run_dir.glob("checkpoints/step-000000004-*.npz")
    with np.load(path) as arrays:
        return dict(arrays)


@pytest.mark.parametrize("model", ["lsgan", "clsgan"])
def test_no_number_changes_on_a_cpu(model, tmp_path):
    options = [*QUICK_CLSGAN, "--labels", "50", "--no-control"]
    options = options if model == "clsgan" else ["--model", model]
    fit(tmp_path / "without", *options)
    said = fit(tmp_path / "with", *options, "--deterministic")
    assert ", deterministic" in said
    without, deterministic = last(tmp_path / "without"), last(tmp_path / "with")
    assert without.keys() == deterministic.keys()
    for name, values in without.items():
        np.testing.assert_array_equal(deterministic[name], values, err_msg=name)
    assert '"deterministic": true' in (tmp_path / "with" / "recipe.json").read_text()


def test_a_run_keeps_the_option(tmp_path, capsys):
    run = tmp_path / "run"
    fit(run, "--model", "lsgan")
    words = f"--model lsgan {TINY} --steps 8 --deterministic --jit off --run-dir {run}"
    assert main(words.split()) == 2
    assert "--deterministic: False in the run, True now" in capsys.readouterr().err


def test_the_option_turns_on_op_determinism(monkeypatch):
    called = []
    monkeypatch.setattr(tf.config.experimental, "enable_op_determinism", lambda: called.append(1))
    enable_determinism(DeviceOptions())
    assert not called
    enable_determinism(ON)
    assert called


@pytest.mark.parametrize(
    ("message", "name", "hint"),
    [
        (MISSING, "gradients/layer/FusedBatchNormGradV3", "--generator-normalization layer"),
        (BY_XLA, "select-and-scatter.7", "Leave --deterministic out"),
    ],
)
def test_an_operation_without_a_kernel_is_named(message, name, hint):
    with pytest.raises(UserError) as caught, naming_operations(ON):
        raise tf.errors.UnimplementedError(None, None, message)
    text = str(caught.value)
    assert text.startswith(f"--deterministic: {name} has no deterministic kernel")
    assert hint in text and "\n" not in text


def test_other_errors_pass():
    for devices, message in ((ON, "no such kernel"), (DeviceOptions(), MISSING)):
        with pytest.raises(tf.errors.UnimplementedError), naming_operations(devices):
            raise tf.errors.UnimplementedError(None, None, message)
