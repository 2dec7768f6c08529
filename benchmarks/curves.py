"""`python -m benchmarks.curves RUN... --out FILE.png`: plots the diagnostics of runs.

The figure has one row per run, from its TensorBoard files: both losses, the gap between real and
fake scores, the gradient norms of the critic, and values that only some models have (active
hinges, clipped weights). It is the figure of docs/models.md.
"""

import argparse
import json
import pathlib
import sys
from collections.abc import Callable

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # noqa: E402
from tensorboard.util.tensor_util import make_ndarray  # noqa: E402

from zoo.errors import UserError  # noqa: E402

Curve = tuple[list[int], list[float]]

PANELS = {
    "losses": ("critic_loss", "generator_loss"),
    "gap": ("gap",),
    "gradient norms of the critic": (
        "gradient_norm_data",
        "gradient_norm_interpolates",
        "gradient_norm_max",
    ),
    "generator's gradient norm": ("generator_gradient_norm",),
    "shares": ("active_hinges", "clipped_weights"),
}


def read_curves(run: pathlib.Path, *, logs: str = "train") -> dict[str, Curve]:
    """Reads the scalars of a run's TensorBoard files, as (steps, values) by name.

    Args:
        run: the folder of the run.
        logs: the folder inside `logs/`: `train`, or the name of a control. It may be missing.
    """
    if not (run / "logs" / logs).is_dir():
        return {}
    events = EventAccumulator(str(run / "logs" / logs), size_guidance={"tensors": 0})
    events.Reload()
    curves = {}
    for name in events.Tags()["tensors"]:
        points = [
            (event.step, float(make_ndarray(event.tensor_proto)))
            for event in events.Tensors(name)
            if not event.tensor_proto.tensor_shape.dim and event.tensor_proto.dtype == 1
        ]
        if points:
            steps, values = zip(*points, strict=True)
            curves[name] = (list(steps), list(values))
    return curves


def plot(runs: list[pathlib.Path]) -> Figure:
    """Draws one row per run and one column per panel."""
    figure, axes = plt.subplots(
        len(runs), len(PANELS), figsize=(3.0 * len(PANELS), 1.9 * len(runs)), squeeze=False
    )
    for row, run in zip(axes, runs, strict=True):
        curves = read_curves(run)
        model = json.loads((run / "recipe.json").read_text())["model"]
        for axis, (title, names) in zip(row, PANELS.items(), strict=True):
            present = [name for name in names if name in curves]
            for name in present:
                axis.plot(*curves[name], label=name.removeprefix("gradient_norm_"))
            axis.set_visible(bool(present))
            axis.tick_params(labelsize=7)
            axis.set_title(f"{model}: {title}", fontsize=8)
            if len(names) > 1 and present:
                axis.legend(fontsize=6)
    figure.tight_layout()
    return figure


def plot_command(
    arguments: list[str],
    plot: Callable[[list[pathlib.Path]], Figure],
    *,
    name: str,
    description: str | None,
    dpi: int,
) -> int:
    """Runs a command that plots runs into a PNG file; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog=f"python -m benchmarks.{name}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("runs", nargs="+", type=pathlib.Path, metavar="RUN", help="folders of runs")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(f"{name}.png"))
    options = parser.parse_args(arguments)
    try:
        figure = plot(options.runs)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    figure.savefig(options.out, dpi=dpi)
    print(options.out)
    return 0


if __name__ == "__main__":
    sys.exit(plot_command(sys.argv[1:], plot, name="curves", description=__doc__, dpi=80))
