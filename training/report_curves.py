"""Curves of the scores during training: one line for each network of each run."""

import dataclasses
import io
import math
import pathlib
from typing import TYPE_CHECKING, Any

from training.controls import CONTROLS
from training.report_tables import label_of, score_files, shown_values
from training.stored_scores import read_result, read_rows
from zoo.errors import UserError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = 2
LINES = {"": "-", "control": "--", "control_equal_seconds": ":", "control_without_generator": "-."}
"""The lines of the model and of its controls."""


@dataclasses.dataclass
class Curve:
    """The scores of one network during training.

    Attributes:
        run: the name of the run.
        control: the name of a control of the run; `""` for its model.
        points: the value at each step.
        chosen: the step whose state was chosen by this value; None if there is no such step.
    """

    run: str
    control: str = ""
    points: dict[int, float] = dataclasses.field(default_factory=dict)
    chosen: int | None = None

    @property
    def name(self) -> str:
        """The name of the network."""
        return f"{self.run}, {CONTROLS[self.control].short}" if self.control else self.run


def run_folders(sources: list[pathlib.Path]) -> list[pathlib.Path]:
    """Returns the folders of all runs in the sources, each folder once."""
    folders: dict[pathlib.Path, pathlib.Path] = {}
    for source in sources:
        if source.is_dir():
            found = sorted(path.parent for path in source.glob("seed-*/recipe.json")) or [source]
            for folder in found:
                folders.setdefault(folder.resolve(), folder)
    return list(folders.values())


def run_names(folders: list[pathlib.Path]) -> list[str]:
    """Returns a name for each run: its folder, with its seed if it is one of several.

    Runs with the same name get the names of the folders above them too.
    """
    names = [_run_name(folder) for folder in folders]
    parents = [
        list(reversed((f.parent if f.name.startswith("seed-") else f).resolve().parts[:-1]))
        for f in folders
    ]
    depth = 0
    while len(set(names)) < len(names) and depth < max(map(len, parents)):
        repeated = {name for name in names if names.count(name) > 1}
        names = [
            f"{above[depth]}/{name}" if name in repeated and depth < len(above) else name
            for name, above in zip(names, parents, strict=True)
        ]
        depth += 1
    return names


def _run_name(folder: pathlib.Path) -> str:
    label = label_of(folder.resolve())
    return f"{label}/{folder.name}" if folder.name.startswith("seed-") else label


def stored_result(folder: pathlib.Path) -> dict[str, Any]:
    """Returns the result of a run; an empty dict if the run has none yet."""
    path = folder / "result.json"
    return read_result(path) if path.exists() else {}


def score_curves(sources: list[pathlib.Path]) -> dict[str, list[Curve]]:
    """Returns the curves of each value and protocol, by the title of their panel.

    A run that was resumed can have several rows of one step. The last one is used. Values that are
    not finite are left out.
    """
    found: dict[tuple[str, str], dict[tuple[str, str], Curve]] = {}
    folders = run_folders(sources)
    for folder, run in zip(folders, run_names(folders), strict=True):
        result = stored_result(folder)
        rows = [row for path in score_files(folder) for row in read_rows(path)]
        for row in (row for row in rows if row.get("while_training")):
            control = next((name for name in CONTROLS if row.get(name)), "")
            chosen = result.get(f"{control}_best_step" if control else "best_step")
            for name, value in shown_values(row).items():
                title = row["key"] if name == row["metric"] else f"{name}, {row['key']}"
                curves = found.setdefault((title, str(row.get("data"))), {})
                curve = curves.setdefault((run, control), Curve(run, control))
                if math.isfinite(value):
                    curve.points[row["step"]] = value
                if name == result.get("best_by"):
                    curve.chosen = chosen
    titles = [title for title, _ in found]
    return {
        # Data sets with the same key have separate panels.
        title if titles.count(title) == 1 else f"{title} of {data}": list(curves.values())
        for (title, data), curves in found.items()
    }


def draw(curves: dict[str, list[Curve]]) -> bytes:
    """Draws a panel for each title, two in a row; returns a PNG.

    Raises:
        UserError: if matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise UserError(
            "The curves need matplotlib, which is not installed. Install it with: "
            "pip install 'lipschitz-gan-zoo[report]'."
        ) from None
    columns = min(COLUMNS, len(curves))
    rows = -(-len(curves) // columns)
    figure = Figure(figsize=(6 * columns, 3.2 * rows), layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    runs = list(dict.fromkeys(curve.run for lines in curves.values() for curve in lines))
    for axis, (title, lines) in zip(axes, curves.items(), strict=False):
        _draw_panel(axis, title, lines, runs)
    for axis in axes[len(curves) :]:
        axis.remove()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()


def _draw_panel(axis: "Axes", title: str, curves: list[Curve], runs: list[str]) -> None:
    """Draws one line per network. A run and its controls have one colour in all panels."""
    from matplotlib import colormaps
    from matplotlib.ticker import MaxNLocator

    colours = colormaps["tab10" if len(runs) <= 10 else "tab20"].colors  # type: ignore[attr-defined]
    for curve in curves:
        number = runs.index(curve.run)
        steps = sorted(curve.points)
        axis.plot(
            steps,
            [curve.points[step] for step in steps],
            marker=".os^vDP*"[number // len(colours) % 8],
            linestyle=LINES[curve.control],
            color=colours[number % len(colours)],
            label=curve.name,
        )
        if curve.chosen in curve.points:
            axis.plot(
                curve.chosen,
                curve.points[curve.chosen],
                marker="*",
                markersize=13,
                linestyle="",
                color=colours[number % len(colours)],
                markeredgecolor="black",
            )
    values = [value for curve in curves for value in curve.points.values()]
    if values and min(values) == max(values) == 0.0:
        axis.set_ylim(0.0, 1.0)
    axis.set_title(title, fontsize="medium")
    axis.set_xlabel("step")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.ticklabel_format(axis="y", useOffset=False)
    axis.grid(alpha=0.3)
    axis.legend(fontsize="small")
