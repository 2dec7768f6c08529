"""`python -m export.deploy DIR/NAME --out FOLDER`: writes deployment files of an exported model."""

import dataclasses
import os
import pathlib
import re
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import tyro
import yaml

from zoo.errors import UserError

IMAGE = "tensorflow/serving:2.20.0"
_GRPC, _REST = 8500, 8501
_KUBERNETES_NAME = re.compile(r"[a-z]([a-z0-9-]{0,50}[a-z0-9])?")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """Writes files for docker compose, Kubernetes and KServe that deploy an exported model."""

    model: Annotated[tyro.conf.Positional[pathlib.Path], tyro.conf.arg(metavar="DIR/NAME")]
    """Folder of an exported model."""
    out: Annotated[pathlib.Path, tyro.conf.arg(metavar="FOLDER")]
    """Folder to write to."""
    claim: str = "models"
    """PersistentVolumeClaim that contains the folder NAME."""


def main(arguments: Sequence[str], *, prog: str = "python -m export.deploy") -> int:
    """Runs the command; returns the exit code: 0, or 2 for a mistake of the user."""
    options = tyro.cli(Options, args=arguments, prog=prog)
    try:
        for path in write_deployment(options.model, options.out, options.claim):
            print(path)
    except (UserError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def write_deployment(model: pathlib.Path, out: pathlib.Path, claim: str) -> list[pathlib.Path]:
    """Writes `docker-compose.yaml`, `kubernetes.yaml` and `kserve.yaml`.

    Args:
        model: folder `DIR/NAME` of an exported model.
        out: the folder to write to.
        claim: the PersistentVolumeClaim that contains the folder `NAME`, for Kubernetes.

    Returns:
        The paths of the files.

    Raises:
        UserError: a folder without versions.
    """
    model = model.expanduser().absolute()
    if not any(path.name.isdigit() for path in model.glob("*")):
        raise UserError(
            f"{model} has no versions. To write one, type: python -m export PRESET_OR_RUN DIR"
        )
    out.mkdir(parents=True, exist_ok=True)
    files = {
        "docker-compose.yaml": [compose(model)],
        "kubernetes.yaml": kubernetes(model.name, claim),
        "kserve.yaml": [kserve(model.name, claim)],
    }
    return [_write(out / name, documents) for name, documents in files.items()]


def compose(model: pathlib.Path) -> dict[str, Any]:
    """Returns a docker compose file whose ports are open to this machine only."""
    name = model.name
    service = {
        "image": IMAGE,
        "environment": {"MODEL_NAME": name},
        "ports": [f"127.0.0.1:{port}:{port}" for port in (_GRPC, _REST)],
        "volumes": [
            {"type": "bind", "source": str(model), "target": f"/models/{name}", "read_only": True}
        ],
        "healthcheck": {
            # A single $ would start a variable of docker compose.
            "test": ["CMD", "bash", "-c", _probe(name).replace("$", "$$")],
            "interval": "10s",
            "start_period": "60s",
        },
        "restart": "unless-stopped",
    }
    return {"services": {kubernetes_name(name): service}}


def kubernetes(name: str, claim: str) -> list[dict[str, Any]]:
    """Returns a Deployment whose probe reads the model's state, a Service and an autoscaler."""
    app = kubernetes_name(name)
    labels = {"app": app}
    probe = {"exec": {"command": ["bash", "-c", _probe(name)]}}
    container = {
        "name": "serving",
        "image": IMAGE,
        "args": [f"--model_name={name}", f"--model_base_path=/models/{name}"],
        "ports": [
            {"name": "grpc", "containerPort": _GRPC},
            {"name": "rest", "containerPort": _REST},
        ],
        "volumeMounts": [{"name": "models", "mountPath": "/models", "readOnly": True}],
        "startupProbe": {**probe, "periodSeconds": 5, "failureThreshold": 60},
        "readinessProbe": {**probe, "periodSeconds": 10},
        "resources": {
            "requests": {"cpu": "1", "memory": "1Gi"},
            "limits": {"memory": "2Gi"},
        },
    }
    volume = {"name": "models", "persistentVolumeClaim": {"claimName": claim, "readOnly": True}}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [container], "volumes": [volume]}}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": app, "labels": labels},
        "spec": {"selector": {"matchLabels": labels}, "template": pod},
    }
    ports = [{"name": n, "port": p, "targetPort": n} for n, p in (("grpc", _GRPC), ("rest", _REST))]
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": app, "labels": labels},
        "spec": {"selector": labels, "ports": ports},
    }
    cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}
    scaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": app, "labels": labels},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": app},
            "minReplicas": 1,
            "maxReplicas": 4,
            "metrics": [{"type": "Resource", "resource": cpu}],
        },
    }
    return [deployment, service, scaler]


def kserve(name: str, claim: str) -> dict[str, Any]:
    """Returns a KServe InferenceService."""
    predictor = {
        "model": {"modelFormat": {"name": "tensorflow"}, "storageUri": f"pvc://{claim}/{name}"}
    }
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": kubernetes_name(name)},
        "spec": {"predictor": predictor},
    }


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


def _probe(name: str) -> str:
    """Returns a command that succeeds once the model answers requests.

    It reads the model's state, because the HTTP status is 200 even while the model is loading.
    """
    return (
        f"exec 3<>/dev/tcp/127.0.0.1/{_REST} && "
        rf"printf 'GET /v1/models/{name} HTTP/1.0\r\n\r\n' >&3 && grep -q '\"AVAILABLE\"' <&3"
    )


def _write(path: pathlib.Path, documents: list[dict[str, Any]]) -> pathlib.Path:
    temporary = path.with_name(f".{path.name}-{os.getpid()}")
    temporary.write_text(yaml.safe_dump_all(documents, sort_keys=False))
    os.replace(temporary, path)
    return path


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
