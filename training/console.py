"""Printed output of a run: the header, the table of results and the next commands."""

import shlex
from typing import TYPE_CHECKING, Any

from training.controls import CONTROLS, results_of
from training.run_folder import RunFolder

if TYPE_CHECKING:
    from training.data.image_data import ImageData
    from training.data.label_maps import LabelMap
    from training.recipe import Recipe
    from zoo.models.trainer import StatelessTrainer


class Table:
    """A Markdown table with aligned columns.

    Args:
        header: the names of the columns.
    """

    def __init__(self, header: list[str]):
        self.rows = [header]

    def add(self, *cells: object) -> None:
        """Adds a row."""
        self.rows.append([str(cell) for cell in cells])

    def __str__(self) -> str:
        widths = [max(len(row[i]) for row in self.rows) for i in range(len(self.rows[0]))]
        lines = [
            "| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |"
            for row in self.rows
        ]
        rule = "| " + " | ".join("-" * width for width in widths) + " |"
        return "\n".join([lines[0], rule, *lines[1:]])


def print_header(
    recipe: "Recipe",
    model: "StatelessTrainer",
    data: "ImageData",
    label_map: "LabelMap | None",
    *,
    devices: str,
    folder: RunFolder,
    expected: str = "",
) -> None:
    """Prints a summary of the training: the full class name and its paper first."""
    from training.precision import precision_note

    counts = ", ".join(f"{len(split):,} {name}" for name, split in data.splits.items())
    shape = "x".join(map(str, data.image_shape))
    classes = f", {data.num_classes} classes" if data.num_classes else ", no labels"
    parameters = ", ".join(
        f"{name} {network.count_params():,}" for name, network in model.networks.items()
    )
    lines = [("paper", model.paper), ("data", f"{data.name}, {shape}{classes}")]
    lines.append(("images", counts))
    if data.skipped:
        reasons = (f"{skipped.count:,} {skipped.reason}" for skipped in data.skipped)
        lines.append(("not used", ", ".join(reasons)))
    if label_map is not None:
        hidden = len(data.train) - label_map.count
        if recipe.supervision.semi_supervised and data.unlabelled is not None:
            hidden += len(data.unlabelled)
        kept = f"{label_map.count:,} labelled, {hidden:,} unlabelled"
        lines.append(("labels", f"{kept} (seed {label_map.seed}, map {label_map.digest[:12]})"))
    length = f"{recipe.run.steps:,} steps of {recipe.run.batch_size} images"
    lines += [
        (
            "devices",
            f"{devices}, {model.dtype_policy.name}"
            + (", XLA" if model.jit_compile else "")
            + (", images on the device" if recipe.devices.input == "device" else "")
            + (", deterministic" if recipe.devices.deterministic else ""),
        ),
        ("precision", precision_note(recipe.devices)),
        ("parameters", parameters),
        ("length", f"{length}, seed {recipe.run.seed}"),
        ("folder", str(folder.path)),
    ]
    if expected:
        lines.append(("time", expected))
    print(f"{type(model).__name__} (--model {recipe.model})")
    for name, value in lines:
        print(f"  {name:<11}{value}")
    print(flush=True)


def result_table(results: list[dict[str, Any]]) -> str:
    """Formats results: one row per seed, then the mean and standard deviation.

    The rows of the model are followed by those of its controls.

    Args:
        results: the results of `training.run.run`, one per seed.

    Returns:
        A Markdown table, empty for models without an error rate.
    """
    table = Table(["", "test error", "labels", "seed", "steps", "seconds"])
    parts = [("CLS-GAN", results)]
    parts += [
        (control.row, [result | _own(name, result) for result in results])
        for name, control in CONTROLS.items()
    ]
    for name, rows in parts:
        measured = [row for row in rows if row.get("test_error") is not None]
        for row in measured:
            wrong = round(row["test_error"] * row["test_images"])
            table.add(
                name,
                f"{100 * row['test_error']:.2f} % ({wrong} of {row['test_images']:,})",
                f"{row['labels']:,}",
                row["seed"],
                f"{row['steps']:,}",
                "resumed" if row["seconds"] is None else f"{row['seconds']:.0f}",
            )
        if len(measured) > 1:
            values = [100 * row["test_error"] for row in measured]
            spread = f"{mean_and_deviation(values, digits=2)} %"
            table.add(f"{name}, mean and std", spread, measured[0]["labels"], "", "", "")
    return str(table) if len(table.rows) > 1 else ""


def _own(name: str, result: dict[str, Any]) -> dict[str, Any]:
    """Returns the fields of a control; an error of None if it was not trained."""
    return {"test_error": None} | results_of(name, result)


def mean_and_deviation(values: list[float], *, digits: int = 4) -> str:
    """Returns `mean ± std` with the sample standard deviation (n - 1).

    Args:
        values: at least two values.
        digits: int, decimal places.
    """
    mean = sum(values) / len(values)
    variance = sum((value - mean) ** 2 for value in values) / (len(values) - 1)
    return f"{mean:.{digits}f} ± {variance**0.5:.{digits}f}"


def next_commands(folder: RunFolder, *, prog: str = "python -m training.fit") -> str:
    """Returns the commands that can follow a finished run, for pasting in any folder.

    Args:
        folder: the folder of the run.
        prog: the command that trained it. After `lipschitz-zoo fit`, the others are of
            `lipschitz-zoo` too.
    """
    path, name = folder.path.absolute(), folder.served_name
    run, logs, samples = (shlex.quote(str(one)) for one in (path, path / "logs", path / "samples"))
    served = shlex.quote(f"exported/{name}")
    has_error = "test_error" in folder.read_result()
    metrics = "" if has_error else " --metrics fid,kid,pr"
    one_command = prog.rpartition(" ")[0] if prog.endswith(" fit") else ""

    def command(module: str, own: str) -> str:
        return f"{one_command} {own}" if one_command else f"python -m {module}"

    evaluate, sample = (
        command("training.evaluate", "evaluate"),
        command("training.sample", "sample"),
    )
    export, serve = command("export", "export"), command("export.serve", "serve")
    return "\n".join(
        [
            f"look      tensorboard --logdir {logs}   # sample grids: {samples}",
            f"evaluate  {evaluate} {run}{metrics}",
            f"sample    {sample} {run} --out samples.png",
            f"export    {export} {run} exported --name {name}",
            f"serve     {serve} --model-name {name} --model-base-path {served}",
        ]
    )
