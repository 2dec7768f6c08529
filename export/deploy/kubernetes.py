"""The objects of Kubernetes: Deployment, Service, autoscaler, disruption budget, ConfigMap."""

from collections.abc import Mapping
from typing import Any

from export.deploy.container import CONFIG_FOLDER, GRPC, IMAGE, REST, kubernetes_name, probe
from export.deploy.model_config import Labels, server_flags

_PORTS = {"grpc": GRPC, "rest": REST}


def kubernetes(
    name: str, claim: str, config: Mapping[str, str], labels: Labels | None
) -> list[dict[str, Any]]:
    """Returns the objects that serve a model.

    Args:
        name: the model's name.
        claim: the PersistentVolumeClaim that contains the folder `name`.
        config: the configuration files by name, for the ConfigMap.
        labels: the labels of a canary release; None serves the newest version.
    """
    app = kubernetes_name(name)
    return [
        _object("apps/v1", "Deployment", app, spec=_deployment(name, claim, labels)),
        _object("v1", "Service", app, spec=_service(app)),
        _object("autoscaling/v2", "HorizontalPodAutoscaler", app, spec=_autoscaler(app)),
        # One pod at a time may be evicted, so a drained node never waits for this model.
        _object(
            "policy/v1",
            "PodDisruptionBudget",
            app,
            spec={"maxUnavailable": 1, "selector": {"matchLabels": {"app": app}}},
        ),
        _object("v1", "ConfigMap", app, data=dict(config)),
    ]


def _object(version: str, kind: str, app: str, **content: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": app, "labels": {"app": app}}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **content}


def _deployment(name: str, claim: str, labels: Labels | None) -> dict[str, Any]:
    app = kubernetes_name(name)
    state = {"exec": {"command": probe(name)}}
    container = {
        "name": "serving",
        "image": IMAGE,
        "args": server_flags(name, labels),
        "ports": [{"name": port, "containerPort": number} for port, number in _PORTS.items()],
        "volumeMounts": [
            {"name": "models", "mountPath": "/models", "readOnly": True},
            {"name": "config", "mountPath": CONFIG_FOLDER, "readOnly": True},
        ],
        "startupProbe": {**state, "periodSeconds": 5, "failureThreshold": 60},
        "readinessProbe": {**state, "periodSeconds": 10},
        "resources": {
            "requests": {"cpu": "1", "memory": "1Gi"},
            "limits": {"memory": "2Gi"},
        },
    }
    volumes = [
        {"name": "models", "persistentVolumeClaim": {"claimName": claim, "readOnly": True}},
        {"name": "config", "configMap": {"name": app}},
    ]
    pod = {
        "metadata": {"labels": {"app": app}},
        "spec": {"containers": [container], "volumes": volumes},
    }
    return {"selector": {"matchLabels": {"app": app}}, "template": pod}


def _service(app: str) -> dict[str, Any]:
    ports = [{"name": port, "port": n, "targetPort": port} for port, n in _PORTS.items()]
    return {"selector": {"app": app}, "ports": ports}


def _autoscaler(app: str) -> dict[str, Any]:
    cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}
    return {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": app},
        "minReplicas": 2,
        "maxReplicas": 4,
        "metrics": [{"type": "Resource", "resource": cpu}],
    }
