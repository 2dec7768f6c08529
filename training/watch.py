"""`python -m training.watch RUN`: follows a run on a page in the browser.

The page shows the progress, the curves with the ranges of healthy runs, and the samples over time.
It reads the files of the run, so it can be opened before, during and after the training. Only this
machine can open it.
"""

import dataclasses
import pathlib
import sys
from collections.abc import Sequence
from typing import Annotated

import tyro

from zoo.command_line import parse_options
from zoo.errors import UserError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `python -m training.watch`."""

    run: Annotated[tyro.conf.Positional[pathlib.Path], tyro.conf.arg(metavar="RUN")]
    """The folder of a run."""
    port: int = 0
    """Port of the page; 0 takes a free one."""


def main(arguments: Sequence[str], *, prog: str = "python -m training.watch") -> int:
    """Runs the command until Ctrl-C; returns the exit code."""
    options = parse_options(Options, arguments, command=prog, description=__doc__)
    try:
        from training.watch_server import WatchServer

        with WatchServer(options.run, options.port) as server:
            print(f"{options.run}: {server.address}   (Ctrl-C ends this command)", flush=True)
            server.serve_forever()
    except KeyboardInterrupt:
        return 0
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
