"""`python -m export PRESET_OR_RUN DIR`: a preset as SavedModels for TF Serving, ONNX or LiteRT."""

import argparse
import os
import pathlib
import sys
from collections.abc import Sequence

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import tensorflow as tf  # noqa: E402

from export.card import EXTRA, README, operations  # noqa: E402
from export.saved_model import load_tasks, save_preset  # noqa: E402
from export.server.config import BATCHING_FILE  # noqa: E402
from export.verify import VerificationError  # noqa: E402
from zoo.errors import UserError  # noqa: E402
from zoo.tasks import ImageClassifier  # noqa: E402

FORMATS = ("saved_model", "onnx", "litert")


def main(arguments: Sequence[str] | None = None) -> int:
    """Exports, prints what is served, and returns the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    _check(parser, options)
    write = _write_versions if options.format == "saved_model" else _write_files
    try:
        described = write(options)
    except (UserError, ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except VerificationError as error:
        print(f"The self-check failed, nothing was published: {error}", file=sys.stderr)
        return 1
    print("\n".join(described))
    return 0


def _write_versions(options: argparse.Namespace) -> list[str]:
    versions = save_preset(
        options.preset,
        options.directory,
        name=options.name,
        critic=options.critic,
        measure_batching=options.measure_batching,
    )
    return [describe(version) for version in versions]


def _write_files(options: argparse.Namespace) -> list[str]:
    from export.portable import save_portable

    labelled = None
    if options.data is not None:
        from training.data import load

        test = load(options.data).test
        if test.labels is None:
            raise UserError(f"--data: {options.data} has no labels.")
        labelled = test.images, test.labels
    tasks = load_tasks(options.preset, name=options.name, critic=options.critic, dtype="float32")
    if labelled and not any(isinstance(task, ImageClassifier) for task in tasks.values()):
        raise UserError(f"--data measures classifiers; {options.preset} holds none.")
    reports = save_portable(
        tasks,
        options.directory,
        file_format=options.format,
        quantize=options.quantize,
        labelled=labelled,
    )
    return [report.text() for report in reports]


def _check(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    if options.quantize and options.format != "litert":
        parser.error("--quantize is for --format litert")
    if options.data is not None and options.format == "saved_model":
        parser.error(
            "--data is for --format onnx and litert; evaluate a run with training.evaluate"
        )
    if options.measure_batching and options.format != "saved_model":
        parser.error("--measure-batching is for --format saved_model: the others are not served")


def describe(version: pathlib.Path) -> str:
    """Returns a version's signature table, folder and size, as read back from its files."""
    lines = [f"{version.parent.name}, version {version.name}"]
    for name, function in tf.saved_model.load(str(version)).signatures.items():
        lines.append(f"  {name}")
        for arrow, specs in (
            ("in ", function.structured_input_signature[1]),
            ("out", function.structured_outputs),
        ):
            for key, spec in specs.items():
                shape = ", ".join("B" if n is None else str(n) for n in spec.shape)
                lines.append(f"    {arrow} {key:<14}{spec.dtype.name:<9}[{shape}]")
    size = sum(path.stat().st_size for path in version.rglob("*") if path.is_file())
    lines.append(f"  TensorFlow {tf.__version__}, operations: {', '.join(operations(version))}")
    lines.append(f"  {version} ({size / 1e6:.1f} MB)")
    if (parameters := version / BATCHING_FILE).is_file():
        lines += [f"  {line}" for line in parameters.read_text().splitlines()]
    lines.append(f"  Examples: {version / EXTRA / README}")
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m export", description=__doc__)
    parser.add_argument(
        "preset",
        metavar="PRESET_OR_RUN",
        help="a preset's built-in name or folder, or the folder of a finished run",
    )
    parser.add_argument(
        "directory", metavar="DIR", help="the folder of all served models; gets NAME/<version>/"
    )
    parser.add_argument(
        "--name",
        help="the model's name in URLs (default: the preset's or the run's); a CLS-GAN's "
        "generator is NAME_generator",
    )
    parser.add_argument(
        "--critic", action="store_true", help="the critic too, as NAME_critic: score is regress"
    )
    parser.add_argument(
        "--measure-batching",
        action="store_true",
        help="measure batch sizes on this machine and write batching_params.pbtxt",
    )
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="saved_model",
        help="saved_model for servers; onnx: DIR/NAME.onnx; litert: DIR/NAME.tflite",
    )
    parser.add_argument("--quantize", choices=("int8",), help="litert: weights of 8 bits")
    parser.add_argument("--data", help="onnx, litert: accuracy on this data set's test split")
    return parser


if __name__ == "__main__":
    sys.exit(main())
