"""`python -m export PRESET_OR_RUN DIR`: exports a preset as SavedModels, ONNX or LiteRT files."""

import dataclasses
import sys
from collections.abc import Sequence
from typing import Annotated, Literal

import tyro

from export.write_errors import describe_write_error
from zoo.command_line import parse_options
from zoo.environment import prepare_tensorflow
from zoo.errors import UserError
from zoo.storage.address import is_remote


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """Exports a preset, or the preset of a finished run, for inference servers and devices.

    The generator of a CLS-GAN is exported next to its classifier, as NAME_generator.
    """

    preset: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="PRESET_OR_RUN")]
    """Name, folder or address of a preset, or that of a finished run."""
    directory: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="DIR")]
    """Folder to write to. SavedModels go to DIR/NAME/<version>/."""
    name: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """Name of the model in URLs; by default the name of the preset or the run."""
    critic: tyro.conf.FlagCreatePairsOff[bool] = False
    """Export the critic too, as NAME_critic."""
    measure_batching: tyro.conf.FlagCreatePairsOff[bool] = False
    """Measure batch sizes on this machine and write them to batching_params.pbtxt."""
    format: Literal["saved_model", "onnx", "litert"] = "saved_model"
    """File format: saved_model for servers, onnx for DIR/NAME.onnx, litert for DIR/NAME.tflite."""
    quantize: Literal["int8"] | None = None
    """Number type of the stored weights. LiteRT only."""
    data: Annotated[str | None, tyro.conf.arg(metavar="FILE.npz")] = None
    """Arrays `images` and `labels` to measure a classifier's accuracy on. ONNX and LiteRT only."""

    def check(self) -> None:
        """Checks that the options fit the format.

        Raises:
            UserError: an option that the format does not use.
        """
        if self.quantize and self.format != "litert":
            raise UserError("--quantize needs --format litert.")
        if self.data is not None and self.format == "saved_model":
            raise UserError(
                "--data needs --format onnx or --format litert. To evaluate a run, type "
                "python -m training.evaluate."
            )
        if self.measure_batching and self.format != "saved_model":
            raise UserError("--measure-batching needs --format saved_model.")
        if is_remote(self.directory):
            raise UserError(f"DIR must be a local folder, given {self.directory}: upload it later.")


def main(arguments: Sequence[str], *, prog: str = "python -m export") -> int:
    """Runs the command.

    Returns:
        The exit code: 0, 1 if an exported file differs from the model, 2 for a mistake of the user.
    """
    options = parse_options(Options, arguments, command=prog, description=Options.__doc__)
    try:
        prepare_tensorflow()
        options.check()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return _export(options)


def _export(options: Options) -> int:
    import tensorflow as tf

    from export.verify import VerificationError

    try:
        write = _write_versions if options.format == "saved_model" else _write_files
        descriptions = write(options)
    except (UserError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except (OSError, tf.errors.OpError) as error:
        print(f"error: {describe_write_error(error, options.directory)}", file=sys.stderr)
        return 2
    except VerificationError as error:
        print(f"error: the self-check failed, nothing was published: {error}", file=sys.stderr)
        return 1
    print("\n".join(descriptions))
    return 0


def _write_versions(options: Options) -> list[str]:
    from export.description import describe
    from export.saved_model import save_preset

    versions = save_preset(
        options.preset,
        options.directory,
        name=options.name,
        critic=options.critic,
        measure_batching=options.measure_batching,
    )
    return [describe(version) for version in versions]


def _write_files(options: Options) -> list[str]:
    from export.labelled_images import read_labelled_images
    from export.portable import save_portable
    from export.saved_model import load_tasks
    from zoo.tasks import ImageClassifier

    labelled = None if options.data is None else read_labelled_images(options.data)
    tasks = load_tasks(options.preset, name=options.name, critic=options.critic, dtype="float32")
    if labelled and not any(isinstance(task, ImageClassifier) for task in tasks.values()):
        raise UserError(f"--data needs a classifier, and {options.preset} has none.")
    reports = save_portable(
        tasks,
        options.directory,
        file_format=options.format,
        quantize=options.quantize,
        labelled=labelled,
    )
    return [report.text() for report in reports]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
