"""`python -m training.fit --model clsgan`: trains a model, reports progress, prints the result.

The same command again resumes a run that was interrupted, and prints the result of a finished one.
"""

import shlex
import signal
import sys
from collections.abc import Sequence

from training.errors import Interrupted, NotFinite, WorkerLost
from zoo.environment import prepare_tensorflow
from zoo.errors import UserError


def main(arguments: Sequence[str], *, prog: str = "python -m training.fit") -> int:
    """Runs the command.

    Returns:
        The exit code: 0; 2 for a mistake in what was asked for; 3 for a run whose numbers are not
        finite; 4 if another process of the run has ended; 128 and the signal's number.
    """
    prepare_tensorflow()
    try:
        _fit(arguments, prog=prog)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except Interrupted as stop:
        print(f"Stopped by {stop}; the state is saved. Resume with the same command:")
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
    folder = train(recipe, seeds=command.seeds)
    if folder is None:
        return
    if recipe.run.export is not None:
        from export.description import describe
        from export.saved_model import save_preset

        for version in save_preset(folder.preset, recipe.run.export, name=folder.path.name):
            print(f"\n{describe(version)}")
    print(f"\n{next_commands(folder)}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
