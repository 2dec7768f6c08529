"""`python -m training.fit --model clsgan`: trains a model, reports progress, prints the result.

The same command again resumes a run that was interrupted, and prints the result of a finished one.
"""

import os
import pathlib
import shlex
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from training.errors import Interrupted, NotFinite, WorkerLost
from zoo.environment import prepare_tensorflow
from zoo.errors import UserError
from zoo.storage.address import is_remote

if TYPE_CHECKING:
    from training.run_folder import RunFolder


def main(arguments: Sequence[str], *, prog: str = "python -m training.fit") -> int:
    """Runs the command.

    Returns:
        The exit code: 0; 2 for a mistake in what was asked for, or a place that cannot be written;
        3 for a run whose numbers are not finite; 4 if another process of the run has ended; 128 and
        the signal's number, also for an output that was closed (SIGPIPE).
    """
    try:
        prepare_tensorflow()
        _fit(arguments, prog=prog)
        sys.stdout.flush()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except Interrupted as stop:
        where = shlex.quote(str(pathlib.Path.cwd()))
        print(f"Stopped by {stop}; the state is saved. Resume with the same command in {where}:")
        print("  " + f"{prog} {shlex.join(arguments)}")
        return 0 if stop.signal_number == signal.SIGTERM else 128 + stop.signal_number
    except NotFinite as error:
        print(f"error: {error}", file=sys.stderr)
        return 3
    except WorkerLost as error:
        print(f"error: {error}", file=sys.stderr)
        return 4
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:
        _close_output()
        print(
            "The output was closed, so the command has ended. Run it again to resume.",
            file=sys.stderr,
        )
        return 128 + signal.SIGPIPE
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        print(
            f"error: {place}{error.strerror or error}. Run the same command again to resume.",
            file=sys.stderr,
        )
        return 2
    return 0


def _fit(arguments: Sequence[str], *, prog: str) -> None:
    # These import TensorFlow, which reads its settings then.
    from training.console import next_commands
    from training.fit_options import read_command, read_recipe, usage
    from training.launch import train

    command = read_command(arguments)
    if command.model is None and command.config is None and {"-h", "--help"} & set(command.rest):
        print(usage(prog))
        return
    recipe = read_recipe(command, prog=prog)
    if recipe.run.export is not None:
        _check_export(recipe.run.export)
    folders = train(recipe, seeds=command.seeds)
    if recipe.run.export is not None:
        for folder in folders:
            _export(folder, recipe.run.export)
    if folders:
        print(f"\n{next_commands(folders[-1], prog=prog)}")


def _check_export(directory: str) -> None:
    """Checks before training that models can be exported to a folder.

    Raises:
        UserError: they cannot.
    """
    if is_remote(directory):
        raise UserError(
            f"--export {directory} is not possible: give a local folder, and upload it."
        )
    folder = pathlib.Path(directory).expanduser().absolute()
    existing = next(one for one in (folder, *folder.parents) if one.exists())
    if not directory.strip() or not existing.is_dir():
        raise UserError(f"--export {directory!r} must be a folder; {existing} is a file.")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise UserError(f"--export {directory}: {existing} cannot be written.")
    if (folder / "recipe.json").exists():
        raise UserError(f"--export {directory} is the folder of a run; give another folder.")


def _export(folder: "RunFolder", directory: str) -> None:
    """Exports the preset of a finished run.

    Raises:
        UserError: it cannot be exported.
    """
    import tensorflow as tf

    from export.description import describe
    from export.saved_model import save_preset
    from export.verify import VerificationError

    try:
        for version in save_preset(folder.preset, directory, name=folder.served_name):
            print(f"\n{describe(version)}")
    except (OSError, ValueError, tf.errors.OpError, VerificationError) as error:
        if isinstance(error, BrokenPipeError):
            raise
        reason = (str(error) or type(error).__name__).splitlines()[0].rstrip(".")
        raise UserError(
            f"{folder.path} is trained, but it was not exported to {directory}: {reason}. Run the "
            "same command again to export it."
        ) from None


def _close_output() -> None:
    """Replaces a closed output, so that Python does not fail when it flushes it at the end."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
    os.close(nothing)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
