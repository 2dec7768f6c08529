"""Scores of runs in mixed_bfloat16 stay within the spread of float32 over seeds.

The runs are tiny: the test finds a loss of quality that is larger than the noise of three seeds.
"""

import pathlib
import statistics

import pytest

from training.evaluate import Options, evaluate
from training.fit import main
from zoo.models import MODELS

SEEDS = 3
SHORT = (
    "--data digits --steps 150 --report-every 150 --batch-size 32 --generator-filters 16 "
    "--critic-filters 8 --latent-dim 16 --jit off"
)


def scores(model: str, precision: str, folder: pathlib.Path) -> list[float]:
    """Trains one run per seed; returns the Frechet distance of each."""
    options = f"--model {model} --precision {precision} --seeds {SEEDS} --run-dir {folder}"
    labels = " --labels 100" if model == "clsgan" else ""
    assert main(f"{options} {SHORT}{labels}".split()) == 0
    rows = evaluate(Options(source=str(folder), metrics="fid", samples=1_000, no_cache=True))
    return [row["value"] for row in rows]


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_the_distance_stays_within_its_spread_over_seeds(model, tmp_path):
    full = scores(model, "float32", tmp_path / "float32")
    low = scores(model, "mixed_bfloat16", tmp_path / "mixed_bfloat16")
    print(f"{model}: float32 {full}, mixed_bfloat16 {low}")
    error = sum(statistics.variance(values) / SEEDS for values in (full, low)) ** 0.5
    # Two means of three runs differ by more than this in one of a hundred comparisons.
    assert abs(statistics.mean(full) - statistics.mean(low)) <= 4.6 * error
