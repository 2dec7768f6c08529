"""`models.config` of TensorFlow Serving, and its labels of versions."""

import dataclasses

from export.deploy.container import CONFIG_FOLDER
from export.deploy.monitoring import MONITORING_CONFIG

MODELS_CONFIG = "models.config"
POLL_SECONDS = 30
"""Seconds between two readings of `models.config`, in which a label moves."""


@dataclasses.dataclass(frozen=True)
class Labels:
    """The versions of a canary release.

    Args:
        stable: the version that most clients use.
        canary: the version that is tried.
    """

    stable: int
    canary: int


def models_config(name: str, labels: Labels) -> str:
    """Returns a `models.config` that serves two versions of a model under labels.

    Args:
        name: the model's name.
        labels: the two versions; both labels may have the same one.
    """
    versions = sorted({labels.stable, labels.canary})
    policy = " ".join(f"versions: {version}" for version in versions)
    lines = [
        "model_config_list {",
        "  config {",
        f'    name: "{name}"',
        f'    base_path: "/models/{name}"',
        '    model_platform: "tensorflow"',
        f"    model_version_policy {{ specific {{ {policy} }} }}",
        f'    version_labels {{ key: "stable" value: {labels.stable} }}',
        f'    version_labels {{ key: "canary" value: {labels.canary} }}',
        "  }",
        "}",
    ]
    return "\n".join(lines) + "\n"


def server_flags(name: str, labels: Labels | None) -> list[str]:
    """Returns the flags of tensorflow_model_server in a container.

    Args:
        name: the model's name.
        labels: the labels of a canary release; None serves the newest version.
    """
    monitoring = f"--monitoring_config_file={CONFIG_FOLDER}/{MONITORING_CONFIG}"
    if labels is None:
        return [f"--model_name={name}", f"--model_base_path=/models/{name}", monitoring]
    return [
        f"--model_config_file={CONFIG_FOLDER}/{MODELS_CONFIG}",
        f"--model_config_file_poll_wait_seconds={POLL_SECONDS}",
        # Without this flag, a server does not start with labels, because no version is loaded yet.
        "--allow_version_labels_for_unavailable_models=true",
        monitoring,
    ]
