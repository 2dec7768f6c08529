"""`python -m export.deploy DIR/NAME --out FOLDER`: files that deploy an exported model.

docker compose, Kubernetes (Deployment, Service, HorizontalPodAutoscaler) and KServe.
"""

import argparse
import os
import pathlib
import re
import sys
from collections.abc import Sequence
from typing import Any

import yaml

from zoo.errors import UserError

IMAGE = "tensorflow/serving:2.20.0"
_GRPC, _REST = 8500, 8501
_KUBERNETES_NAME = re.compile(r"[a-z]([a-z0-9-]{0,50}[a-z0-9])?")


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the files, prints their paths, and returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        for path in write(pathlib.Path(options.model), pathlib.Path(options.out), options.claim):
            print(path)
    except (UserError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def write(model: pathlib.Path, out: pathlib.Path, claim: str) -> list[pathlib.Path]:
    """Writes `docker-compose.yaml`, `kubernetes.yaml` and `kserve.yaml`.

    Args:
        model: an exported model's folder, `DIR/NAME`.
        out: the folder to write to.
        claim: the PersistentVolumeClaim that holds `NAME/`, for Kubernetes.

    Returns:
        The files' paths.

    Raises:
        UserError: a folder without versions.
    """
    model = model.expanduser().absolute()
    if not any(path.name.isdigit() for path in model.glob("*")):
        raise UserError(f"{model} has no versions; write some with `python -m export`.")
    out.mkdir(parents=True, exist_ok=True)
    files = {
        "docker-compose.yaml": [compose(model)],
        "kubernetes.yaml": kubernetes(model.name, claim),
        "kserve.yaml": [kserve(model.name, claim)],
    }
    return [_write(out / name, documents) for name, documents in files.items()]


def compose(model: pathlib.Path) -> dict[str, Any]:
    """Returns a docker compose file; the ports are open to this machine only."""
    name = model.name
    service = {
        "image": IMAGE,
        "environment": {"MODEL_NAME": name},
        "ports": [f"127.0.0.1:{port}:{port}" for port in (_GRPC, _REST)],
        "volumes": [
            {"type": "bind", "source": str(model), "target": f"/models/{name}", "read_only": True}
        ],
        "healthcheck": {
            # The $ is doubled: compose would put a variable in its place.
            "test": ["CMD", "bash", "-c", _probe(name).replace("$", "$$")],
            "interval": "10s",
            "start_period": "60s",
        },
        "restart": "unless-stopped",
    }
    return {"services": {kubernetes_name(name): service}}


def kubernetes(name: str, claim: str) -> list[dict[str, Any]]:
    """Returns a Deployment whose probe reads the model's state, a Service, and an autoscaler."""
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
    """Returns a model's name as Kubernetes allows names: small letters, digits and dashes.

    Raises:
        UserError: nothing is left of it, or it is too long.
    """
    result = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if not _KUBERNETES_NAME.fullmatch(result):
        raise UserError(f"{name!r} makes no Kubernetes name; export with another --name.")
    return result


def _probe(name: str) -> str:
    """Returns a command that succeeds once the model answers; its status alone is 200 before."""
    return (
        f"exec 3<>/dev/tcp/127.0.0.1/{_REST} && "
        rf"printf 'GET /v1/models/{name} HTTP/1.0\r\n\r\n' >&3 && grep -q '\"AVAILABLE\"' <&3"
    )


def _write(path: pathlib.Path, documents: list[dict[str, Any]]) -> pathlib.Path:
    temporary = path.with_name(f".{path.name}-{os.getpid()}")
    temporary.write_text(yaml.safe_dump_all(documents, sort_keys=False))
    os.replace(temporary, path)
    return path


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m export.deploy", description=__doc__)
    parser.add_argument("model", metavar="DIR/NAME", help="an exported model's folder")
    parser.add_argument("--out", required=True, help="the folder to write to")
    parser.add_argument(
        "--claim", default="models", help="the PersistentVolumeClaim with NAME/ in it"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
