"""Killed by SIGKILL while it writes a checkpoint, and inside a step: the same run in the end."""

import pathlib
import signal
import subprocess
import sys

import numpy as np
import pytest

from tests.support.cases import REGISTERED
from tests.support.child import EVERY, IN_STEP, IN_WRITE, STEPS
from tests.support.variants import LOW_PRECISION, VARIANTS

QUICK = ("lsgan", "clsgan")
OTHERS = (
    *(name for name in REGISTERED if name not in QUICK),
    "lgan, max_al, buffer replaced",
    "clsgan, float16",
)
SLOW = (*VARIANTS, *LOW_PRECISION)


def child(moment: str, folder: pathlib.Path, cases: tuple[str, ...]) -> str:
    """Runs the cases one after another; all were killed at the moment, or none."""
    arguments = [sys.executable, "-m", "tests.support.child", moment, str(folder), *cases]
    done = subprocess.run(arguments, capture_output=True, text=True)
    assert done.returncode == (0 if moment == "never" else -signal.SIGKILL), done.stderr
    said = "has ended" if moment == "never" else "hangs"
    assert [line for line in done.stdout.splitlines() if line.endswith(said)] == [
        f"{case}: {said}" for case in cases
    ], done.stderr
    return done.stdout


def newest(folder: pathlib.Path, case: str) -> tuple[int, dict[str, np.ndarray]]:
    path = max((folder / case / "checkpoints").glob("step-*.npz"))
    with np.load(path) as arrays:
        return int(path.name.split("-")[1]), {name: arrays[name] for name in arrays.files}


def parts(folder: pathlib.Path, case: str) -> list[pathlib.Path]:
    return list((folder / case / "checkpoints").glob(".*.part"))


def assert_the_same_end(through: pathlib.Path, killed: pathlib.Path, case: str) -> None:
    """Weights, moments, averages, buffer, multiplier, loss scale; noise and data by effect."""
    (end, left), (last, right) = newest(through, case), newest(killed, case)
    assert end == last == STEPS
    assert left.keys() == right.keys()
    for name, value in left.items():
        np.testing.assert_array_equal(value, right[name], err_msg=name)
    assert not parts(killed, case)


def killed_twice(killed: pathlib.Path, cases: tuple[str, ...], first: str) -> pathlib.Path:
    """Kills the runs in or after a write, then in a step, then lets them end."""
    maps = {}
    child(first, killed, cases)
    for case in cases:
        assert newest(killed, case)[0] == IN_WRITE - EVERY
        (part,) = parts(killed, case)
        whole = part.stat().st_size > 0.9 * max((killed / case).rglob("step-*")).stat().st_size
        assert whole == (first == "before_rename")
        maps[case] = [path.read_text() for path in (killed / case).glob("label_map.json")]
        assert len(maps[case]) == case.startswith("clsgan")
    said = child("in_step", killed, cases)
    assert said.count(f"Going on from step {IN_WRITE - EVERY}") == len(cases)
    for case in cases:
        assert newest(killed, case)[0] == IN_STEP - IN_STEP % EVERY
        assert maps[case] == [path.read_text() for path in (killed / case).glob("label_map.json")]
    said = child("never", killed, cases)
    assert said.count(f"Going on from step {IN_STEP - IN_STEP % EVERY}") == len(cases)
    return killed


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return killed_twice(tmp_path_factory.mktemp("quick"), QUICK, "in_write")


@pytest.mark.parametrize("case", QUICK)
@pytest.mark.covers("killed in a write and in a step")
def test_killed_in_a_write_and_in_a_step_it_ends_bit_equal(case, folder):
    assert_the_same_end(folder / "through", folder, case)


@pytest.fixture(scope="module")
def others_folder(tmp_path_factory):
    return killed_twice(tmp_path_factory.mktemp("others"), OTHERS, "in_write")


@pytest.mark.slow
@pytest.mark.parametrize("case", OTHERS)
@pytest.mark.covers("killed in a write and in a step")
def test_another_killed_in_a_write_and_in_a_step_ends_bit_equal(case, others_folder):
    assert_the_same_end(others_folder / "through", others_folder, case)


@pytest.fixture(scope="module")
def variants_folder(tmp_path_factory):
    return killed_twice(tmp_path_factory.mktemp("variants"), SLOW, "before_rename")


@pytest.mark.slow
@pytest.mark.parametrize("case", SLOW)
@pytest.mark.covers("killed before a rename and in a step")
def test_killed_before_the_rename_and_in_a_step_it_ends_bit_equal(case, variants_folder):
    assert_the_same_end(variants_folder / "through", variants_folder, case)
