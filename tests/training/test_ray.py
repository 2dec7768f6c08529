"""The example for Ray Train of docs/distributed.md, with the real package."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import pytest

from tests.support.report_matrix import PAGE

ROOT = pathlib.Path(__file__).parents[2]
SMALL = ["--batch-size", "10", "--generator-filters", "8", "--critic-filters", "4"]
SMALL += ["--latent-dim", "5", "--report-every", "1000", "--checkpoint-every", "20"]


def trained_processes(run_dir):
    """Returns the ids of the processes that train in a folder."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:  # It has ended.
            continue
        if b"training.fit_on_cluster" in words and os.fsencode(run_dir) in words:
            found.append(int(path.parent.name))
    return sorted(found)


@pytest.mark.slow
def test_the_example_trains_and_resumes_after_a_killed_worker(tmp_path):
    pytest.importorskip("ray", reason="needs ray: pip install 'ray[train]'")
    (script,) = (
        block
        for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
        if "TensorflowTrainer" in block
    )
    run_dir = tmp_path / "run"
    words = "".join(f', "{word}"' for word in SMALL)
    changed = script.replace("/shared/run", str(run_dir)).replace('"300"', f'"800"{words}')
    changed = changed.replace("trainer = ", "ray.init(num_cpus=2)\ntrainer = ")
    assert changed.count(str(run_dir)) == 1 and "800" in changed and "num_cpus" in changed
    example = tmp_path / "example.py"
    example.write_text(changed)
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "TFDS_DATA_DIR": str(tmp_path / "tfds"),
        # Ray writes its results into the home folder.
        "HOME": str(tmp_path),
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    with (tmp_path / "printed").open("w") as printed:
        process = subprocess.Popen(
            [sys.executable, example],
            cwd=tmp_path,
            env=environment,
            stdout=printed,
            stderr=subprocess.STDOUT,
        )
        try:
            deadline = time.monotonic() + 240
            while not list(run_dir.glob("checkpoints/step-*.npz")):
                assert process.poll() is None and time.monotonic() < deadline
                time.sleep(0.1)
            first = trained_processes(run_dir)
            assert len(first) == 2
            os.kill(first[1], signal.SIGKILL)
            assert process.wait(timeout=300) == 0
        finally:
            process.kill()
    text = (tmp_path / "printed").read_text()
    assert json.loads((run_dir / "result.json").read_text())["steps"] == 800, text
    assert "Going on from step" in text
