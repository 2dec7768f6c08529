"""`python -m benchmarks.score_curves ROW... --out FILE.png`: plots FID against images and seconds.

ROW is a run, or a folder of `seed-*` runs, trained with `--score-metrics fid`. A line is the mean
over the seeds of a row, and a band reaches from the least to the greatest. The seconds are those
of the steps alone, from the images per second of each report.
"""

import pathlib
import sys

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

from benchmarks.curves import plot_command, read_curves  # noqa: E402
from training.report_curves import run_folders  # noqa: E402
from zoo.errors import UserError  # noqa: E402


def read_run(run: pathlib.Path) -> np.ndarray:
    """Returns thousand images, seconds and FID of each report of a run: `[3, reports]`.

    Raises:
        UserError: if the run has no FID.
    """
    curves = read_curves(run)
    if "score_fid" not in curves:
        raise UserError(f"{run} has no FID of its reports: train it with --score-metrics fid.")
    thousands = dict(zip(*curves["kimg"], strict=True))
    rates = dict(zip(*curves["images_per_second"], strict=True))
    seconds, before, points = 0.0, 0.0, []
    for step, value in zip(*curves["score_fid"], strict=True):
        seconds += 1000 * (thousands[step] - before) / rates[step]
        before = thousands[step]
        points.append((before, seconds, value))
    return np.asarray(points).T


def plot(rows: list[pathlib.Path]) -> Figure:
    """Draws one line per row in two panels: FID against images, and FID against seconds."""
    figure, axes = plt.subplots(1, 2, figsize=(9.0, 3.6), sharey=True)
    for row in rows:
        found = [read_run(run) for run in run_folders([row])]
        if len({run.shape for run in found}) != 1:
            raise UserError(
                f"{row} must have runs, all with the same reports; it has {len(found)}."
            )
        runs = np.stack(found)
        thousands, seconds, values = runs.mean(axis=0)
        for axis, x in zip(axes, (thousands, seconds), strict=True):
            (line,) = axis.plot(x, values, label=row.name)
            low, high = runs[:, 2].min(axis=0), runs[:, 2].max(axis=0)
            axis.fill_between(x, low, high, color=line.get_color(), alpha=0.2)
    for axis, label in zip(axes, ("thousand real images", "seconds of training"), strict=True):
        axis.set_yscale("log")
        axis.set_xlabel(label, fontsize=8)
        axis.tick_params(labelsize=7, which="both")
    axes[0].set_ylabel("FID", fontsize=8)
    axes[0].legend(fontsize=7)
    figure.tight_layout()
    return figure


if __name__ == "__main__":
    sys.exit(plot_command(sys.argv[1:], plot, name="score_curves", description=__doc__, dpi=110))
