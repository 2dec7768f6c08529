"""`python -m export.play PRESET_OR_RUN...`: opens presets or finished runs in the playground.

Exports them to a temporary folder, serves them on this machine, and prints the address of the page.
The folder is removed when the command ends. `python -m export.serve --playground` serves exports
that exist already.
"""

import dataclasses
import pathlib
import socket
import sys
import tempfile
from collections.abc import Sequence
from typing import Annotated

import tyro

from export.serve import serve_locally
from export.server.flags import Options as ServerOptions
from export.write_errors import describe_write_error
from zoo.command_line import parse_options
from zoo.environment import prepare_tensorflow
from zoo.errors import UserError

_HOST = "127.0.0.1"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """Options of the command."""

    sources: Annotated[
        tyro.conf.Positional[tuple[str, ...]], tyro.conf.arg(metavar="PRESET_OR_RUN...")
    ]
    """Names, folders or addresses of presets, or of finished runs."""
    port: int = 0
    """Port of the page; 0 takes a free one."""


def main(arguments: Sequence[str], *, prog: str = "python -m export.play") -> int:
    """Runs the command until a signal arrives; returns the exit code."""
    options = parse_options(Options, arguments, command=prog, description=__doc__)
    try:
        if not 0 <= options.port < 65536:
            raise UserError(f"--port must be in 0..65535, given {options.port}.")
        _check_port(options.port)
        prepare_tensorflow()
        with tempfile.TemporaryDirectory(prefix="lipschitz-zoo-play-") as folder:
            config = _export(options.sources, pathlib.Path(folder))
            serve_locally(
                ServerOptions(
                    model_config_file=str(config),
                    rest_api_port=options.port or _free_port(),
                    port=0,
                    host=_HOST,
                    playground=True,
                )
            )
    except (UserError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def _export(sources: Sequence[str], folder: pathlib.Path) -> pathlib.Path:
    """Exports presets to a folder; returns the file that lists the models.

    Raises:
        UserError: no preset, two models with one name, or a disk that is full.
        ValueError: a source that is neither a preset nor a finished run.
    """
    import tensorflow as tf

    from export.saved_model import save_preset, served_name
    from export.verify import VerificationError
    from zoo.presets.builtin import builtin_folders

    if not sources:
        known = ", ".join(sorted(builtin_folders()))
        raise UserError(f"Give at least one preset or finished run. Built-in presets: {known}.")
    names = [served_name(source, None) for source in sources]
    if repeated := {name for name in names if names.count(name) > 1}:
        raise UserError(
            f"Two models would have the name {min(repeated)}. Give one of them, or export them "
            "with python -m export --name NAME and serve both with --playground."
        )
    models = []
    for source in sources:
        print(f"Exporting {source} ...", flush=True)
        try:
            models += [version.parent for version in save_preset(source, folder)]
        except (OSError, tf.errors.OpError) as error:
            raise UserError(describe_write_error(error, folder)) from None
        except VerificationError as error:
            raise UserError(f"The self-check of {source} failed: {error}") from None
    entries = "\n".join(
        f'  config {{ name: "{model.name}" base_path: "{model}" model_platform: "tensorflow" }}'
        for model in models
    )
    config = folder / "models.config"
    config.write_text(f"model_config_list {{\n{entries}\n}}\n")
    return config


def _check_port(port: int) -> None:
    """Raises UserError for a port that is in use, before the export takes its time."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError as error:
            raise UserError(
                f"The page cannot be served on {_HOST}:{port}: {error.strerror}. Choose another "
                "--port, or leave it out."
            ) from None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return probe.getsockname()[1]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
