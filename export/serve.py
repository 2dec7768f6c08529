"""`python -m export.serve`: exported models over TF Serving's REST and gRPC APIs.

Runs tensorflow_model_server where it is on the PATH, else a local server of the same protocol.
"""

import asyncio
import logging
import os
import shutil
import sys
from collections.abc import Sequence

from export.server import flags
from zoo.errors import UserError

_BINARY = "tensorflow_model_server"


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until it is told to stop, and returns the exit code."""
    engine, options, given = flags.parse(sys.argv[1:] if arguments is None else arguments)
    binary = shutil.which(_BINARY) if engine in ("auto", _BINARY) else None
    try:
        if binary:
            _replace_process(binary, options, given)
        if engine == _BINARY:
            raise UserError(
                f"{_BINARY} is not on the PATH. Install it, use its docker image (docs/serving.md),"
                " or run the local server with --engine local."
            )
        return _serve_locally(options)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _replace_process(binary: str, options: flags.Options, given: Sequence[str]) -> None:
    local = [flag.name for flag in flags.FLAGS if flag.local and flag.name in given]
    if local:
        raise UserError(
            f"{_BINARY} has no --{local[0].replace('_', '-')}; leave it out, or run the local "
            "server with --engine local."
        )
    os.execv(binary, [binary, *flags.command_line(options, given)])


def _serve_locally(options: flags.Options) -> int:
    from zoo.environment import prepare_tensorflow

    prepare_tensorflow()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    for name in ("uvicorn", "tensorflow"):
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        import grpc  # noqa: F401
        import uvicorn
        import uvloop
    except ImportError as error:
        raise UserError(
            f"The local server needs {error.name}: pip install 'lipschitz-gan-zoo[serve]'"
        ) from None
    del uvicorn
    from export.server.app import App

    app = App(options)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(app.serve())
    return 0


if __name__ == "__main__":
    sys.exit(main())
