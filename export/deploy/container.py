"""The container of TensorFlow Serving: its image, ports, probe and names."""

import re

from zoo.errors import UserError

VERSION = "2.20.0"
"""Version of TensorFlow Serving; its image has the same tag."""
IMAGE = f"tensorflow/serving:{VERSION}"
GRPC, REST = 8500, 8501
"""Ports of the two APIs."""
CONFIG_FOLDER = "/config"
"""Folder in the container that contains the configuration files."""

_KUBERNETES_NAME = re.compile(r"[a-z]([a-z0-9-]{0,50}[a-z0-9])?")


def kubernetes_name(name: str) -> str:
    """Returns a valid Kubernetes name (small letters, digits and dashes) for a model's name.

    Raises:
        UserError: no valid name, or a name that is too long.
    """
    result = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if not _KUBERNETES_NAME.fullmatch(result):
        raise UserError(
            f"{name!r} cannot become a Kubernetes name, which starts with a letter and has at most "
            "52 letters, digits and dashes. Export the model with another --name."
        )
    return result


def probe(name: str, *, port: int = REST) -> list[str]:
    """Returns a command that succeeds once the model answers requests.

    It reads the model's state, because the HTTP status is 200 even while the model is loading.
    """
    script = (
        f"exec 3<>/dev/tcp/127.0.0.1/{port} && "
        rf"printf 'GET /v1/models/{name} HTTP/1.0\r\n\r\n' >&3 && grep -q '\"AVAILABLE\"' <&3"
    )
    return ["bash", "-c", script]
