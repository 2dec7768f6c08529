"""`python -m export.serve`: serves exported models over TensorFlow Serving's REST and gRPC APIs."""

import asyncio
import logging
import os
import shutil
import sys
from collections.abc import Sequence

from export.server import flags
from zoo.environment import prepare_tensorflow
from zoo.errors import UserError

_BINARY = "tensorflow_model_server"


def main(arguments: Sequence[str], *, prog: str = "python -m export.serve") -> int:
    """Serves until a signal arrives; returns the exit code: 0, or 2 for a mistake of the user."""
    try:
        command = flags.parse(arguments, prog=prog)
        if command.options.rest_url:
            serve_locally(command.options)
            return 0
        engine = command.options.engine
        binary = shutil.which(_BINARY) if engine in ("auto", _BINARY) else None
        if binary:
            _replace_process(binary, command)
        if engine == _BINARY:
            raise UserError(
                f"{_BINARY} is not on the PATH. Install it, use its Docker image (see "
                "docs/serving.md), or run the local server with --engine local."
            )
        serve_locally(command.options)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _replace_process(binary: str, command: flags.CommandLine) -> None:
    if local := command.local_flags():
        raise UserError(
            f"{_BINARY} has no {local[0]}. Leave it out, or run the local server with "
            "--engine local."
        )
    os.execv(binary, [binary, *command.for_tensorflow_model_server()])


def serve_locally(options: flags.Options) -> None:
    """Runs the local server, or the playground of another one, until a signal arrives.

    Raises:
        UserError: a package that is not installed, a port that is in use, or a wrong file.
    """
    prepare_tensorflow()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    for name in ("uvicorn", "tensorflow"):
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        import grpc  # noqa: F401
        import uvicorn  # noqa: F401
        import uvloop
    except ImportError as error:
        raise UserError(
            f"The local server needs {error.name}: pip install 'lipschitz-gan-zoo[serve]'"
        ) from None
    from export.server.app import App
    from export.server.page_server import PageServer

    server = PageServer(options) if options.rest_url else App(options)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(server.serve())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
