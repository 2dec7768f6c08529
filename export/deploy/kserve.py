"""The InferenceService of KServe."""

from typing import Any

from export.deploy.container import VERSION, kubernetes_name, probe

_REST = 8080
"""Port of the REST API in KServe's runtime of TensorFlow Serving."""


def kserve(name: str, claim: str) -> dict[str, Any]:
    """Returns a KServe InferenceService.

    `runtimeVersion` replaces the tag of the image that KServe's runtime pins, which is a release of
    2021. KServe serves the model under the name of the InferenceService.

    Args:
        name: the model's name.
        claim: the PersistentVolumeClaim that contains the folder `name`.
    """
    service = kubernetes_name(name)
    state = {"exec": {"command": probe(service, port=_REST)}}
    model = {
        "modelFormat": {"name": "tensorflow"},
        "runtimeVersion": VERSION,
        "protocolVersion": "v1",
        "storageUri": f"pvc://{claim}/{name}",
        "readinessProbe": {**state, "periodSeconds": 10, "failureThreshold": 30},
    }
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": service},
        "spec": {"predictor": {"model": model}},
    }
