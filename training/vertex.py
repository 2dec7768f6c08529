"""The folders that Vertex AI names: AIP_CHECKPOINT_DIR, AIP_MODEL_DIR, AIP_TENSORBOARD_LOG_DIR."""

import dataclasses
from collections.abc import Mapping, Sequence

from zoo.errors import UserError

_BUCKET = "gs://"
_MOUNT = "/gcs/"


@dataclasses.dataclass(frozen=True)
class Folders:
    """The folders of a run.

    Args:
        run_dir: the folder of the run; None if neither the command nor the variable names one.
        logs: the folder that the TensorBoard logs are copied to; None for no copy.
        words: options to add to the command.
    """

    run_dir: str | None
    logs: str | None
    words: tuple[str, ...]


def folders(arguments: Sequence[str], environment: Mapping[str, str]) -> Folders:
    """Returns the folders of a run; options of the command line win over Vertex AI's variables.

    Args:
        arguments: the options of `training.fit`.
        environment: the environment variables.

    Raises:
        UserError: an address of Cloud Storage, or logs to copy from a run without a folder.

    Example:
    >>> from training.vertex import folders
    >>> folders([], {"AIP_CHECKPOINT_DIR": "/gcs/bucket/run/"}).words
    ('--run-dir', '/gcs/bucket/run/')
    """
    run_dir, export = _option(arguments, "--run-dir"), _option(arguments, "--export")
    used = {} if run_dir else _variable(environment, "AIP_CHECKPOINT_DIR")
    used |= {} if export else _variable(environment, "AIP_MODEL_DIR")
    used |= _variable(environment, "AIP_TENSORBOARD_LOG_DIR")
    if remote := [name for name, value in used.items() if value.startswith(_BUCKET)]:
        typed = " ".join(f"{name}={_MOUNT}{used[name][len(_BUCKET) :]}" for name in remote)
        raise UserError(
            f"{' and '.join(remote)}: addresses of Cloud Storage cannot be written. Vertex AI "
            f"mounts buckets under {_MOUNT}. Before the command, type: export {typed}"
        )
    words: list[str] = []
    if "AIP_CHECKPOINT_DIR" in used:
        run_dir = used["AIP_CHECKPOINT_DIR"]
        words += ["--run-dir", run_dir]
    if "AIP_MODEL_DIR" in used:
        words += ["--export", used["AIP_MODEL_DIR"]]
    logs = used.get("AIP_TENSORBOARD_LOG_DIR")
    if logs is not None and run_dir is None:
        raise UserError(
            "AIP_TENSORBOARD_LOG_DIR is set, but the folder of the run is not known. Give "
            "--run-dir FOLDER."
        )
    return Folders(run_dir, logs, tuple(words))


def _variable(environment: Mapping[str, str], name: str) -> dict[str, str]:
    return {name: environment[name]} if environment.get(name) else {}


def _option(arguments: Sequence[str], flag: str) -> str | None:
    """Returns the value of an option in a command line; None if it is not there."""
    for place, word in enumerate(arguments):
        name, _, value = word.partition("=")
        if name.replace("_", "-") == flag:
            return value or "".join(arguments[place + 1 : place + 2])
    return None
