"""`python -m benchmarks.error_curves RUN... --out FILE.png`: plots errors of classifiers by step.

The figure has one row per run of CLS-GAN, each with two panels: the validation error of the model
and of its controls, and the error on the labelled images in training.
"""

import pathlib
import sys

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

from benchmarks.curves import plot_command, read_curves  # noqa: E402
from training.controls import CONTROLS  # noqa: E402


def plot(runs: list[pathlib.Path]) -> Figure:
    """Draws one row per run: validation errors, and errors on the labelled images."""
    figure, axes = plt.subplots(len(runs), 2, figsize=(7.0, 2.2 * len(runs)), squeeze=False)
    for row, run in zip(axes, runs, strict=True):
        logs = {"CLS-GAN": "train"} | {text.row: name for name, text in CONTROLS.items()}
        for label, name in logs.items():
            curves = read_curves(run, logs=name)
            for axis, curve in zip(row, ("val_error", "train_error"), strict=True):
                if curve in curves:
                    axis.plot(*curves[curve], label=label)
        for axis, title in zip(row, ("validation error", "error in training"), strict=True):
            axis.set_title(f"{run.name}: {title}", fontsize=8)
            axis.tick_params(labelsize=7)
            axis.set_ylim(bottom=0.0)
            axis.legend(fontsize=6)
    figure.tight_layout()
    return figure


if __name__ == "__main__":
    sys.exit(plot_command(sys.argv[1:], plot, name="error_curves", description=__doc__, dpi=110))
