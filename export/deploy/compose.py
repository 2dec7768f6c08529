"""The file of docker compose: TensorFlow Serving and Prometheus."""

import pathlib
from typing import Any

from export.deploy.container import CONFIG_FOLDER, GRPC, IMAGE, REST, kubernetes_name, probe
from export.deploy.model_config import Labels, server_flags

PROMETHEUS_IMAGE = "prom/prometheus:v3.5.0"
_PROMETHEUS = 9090


def compose(model: pathlib.Path, labels: Labels | None) -> dict[str, Any]:
    """Returns a docker compose file whose ports are open to this machine only.

    Args:
        model: the folder of the exported model.
        labels: the labels of a canary release; None serves the newest version.
    """
    name = model.name
    app = kubernetes_name(name)
    service = {
        "image": IMAGE,
        "command": server_flags(name, labels),
        "environment": {"MODEL_NAME": name},
        "ports": [_local(port) for port in (GRPC, REST)],
        "volumes": [_read_only(str(model), f"/models/{name}"), _config(CONFIG_FOLDER)],
        "healthcheck": {
            # A single $ would start a variable of docker compose.
            "test": ["CMD", *(word.replace("$", "$$") for word in probe(name))],
            "interval": "10s",
            "start_period": "60s",
        },
        "restart": "unless-stopped",
    }
    monitor = {
        "image": PROMETHEUS_IMAGE,
        "ports": [_local(_PROMETHEUS)],
        "volumes": [_config("/etc/prometheus")],
        "depends_on": [app],
        "restart": "unless-stopped",
    }
    return {"services": {app: service, f"{app}-prometheus": monitor}}


def _local(port: int) -> str:
    return f"127.0.0.1:{port}:{port}"


def _config(target: str) -> dict[str, Any]:
    """Mounts the folder of the configuration files; a mounted file would not see a new one."""
    return _read_only("./config", target)


def _read_only(source: str, target: str) -> dict[str, Any]:
    return {"type": "bind", "source": source, "target": target, "read_only": True}
