"""Documentation in `assets.extra/` of an exported version: signatures, examples, configuration.

TF Serving reads only its warmup requests from that folder.
"""

import json
import pathlib
import shutil
import string

import numpy as np
import tensorflow as tf

from export.description import EXTRA, README, operations, shape_text
from export.signatures import Signature
from zoo.networks.network import ImageNetwork, Network
from zoo.presets.layout import CARD_FILE, SHEET_FILE
from zoo.tasks import ImageClassifier

MODELS_CONFIG = "models.config"
MODEL_CARD = "MODEL_CARD.md"

_CONFIG = string.Template("""model_config_list {
  config {
    name: "$name"
    base_path: "$base_path"
    model_platform: "tensorflow"
  }
}
""")
_README = string.Template("""# $name

Written with TensorFlow $version. Serve it with

    python -m export.serve --model-base-path $base_path --model-name $name

## Signatures

$signatures

## Send a request

    $curl

Python, REST:

```python
import base64, json, pathlib, urllib.request

body = {"signature_name": "$signature", "instances": [$python_instance]}
url = "http://localhost:8501/v1/models/$name:predict"
with urllib.request.urlopen(url, json.dumps(body).encode()) as response:
    print(json.load(response)["predictions"][0])
```

Python, gRPC:

```python
import pathlib

import grpc
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

request = predict_pb2.PredictRequest()
request.model_spec.name = "$name"
request.model_spec.signature_name = "$signature"
$fill
with grpc.insecure_channel("localhost:8500") as channel:
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    print(stub.Predict(request, timeout=30).outputs)
```

## Operations

$operations
""")


def write_card(
    folder: pathlib.Path, task: Network, declared: dict[str, Signature], model: pathlib.Path
) -> None:
    """Writes `assets.extra/README.md` and `assets.extra/models.config`.

    Args:
        folder: the SavedModel.
        task: the model that was exported.
        declared: its signatures, by name.
        model: the folder `DIR/NAME` that the version is published to.
    """
    extra = folder / EXTRA
    extra.mkdir(exist_ok=True)
    config = _CONFIG.substitute(name=model.name, base_path=model)
    (extra / MODELS_CONFIG).write_text(config)
    text = _README.substitute(
        name=model.name,
        version=tf.__version__,
        base_path=model,
        signatures=signature_table(declared),
        operations=", ".join(operations(folder)),
        **_example(task, declared, model.name),
    )
    (extra / README).write_text(text)


def copy_model_card(preset: pathlib.Path, folder: pathlib.Path) -> None:
    """Copies a preset's card and sample sheet, if it has them, to `assets.extra/`."""
    for name, copied in ((CARD_FILE, MODEL_CARD), (SHEET_FILE, SHEET_FILE)):
        if (preset / name).is_file():
            shutil.copyfile(preset / name, folder / EXTRA / copied)


def signature_table(declared: dict[str, Signature]) -> str:
    """Returns the signatures' inputs and outputs as a Markdown table."""
    lines = ["| signature | | name | dtype | shape |", "| --- | --- | --- | --- | --- |"]
    for name, signature in declared.items():
        for direction, specs in (("in", signature.inputs), ("out", signature.outputs)):
            for key, spec in specs.items():
                shape = shape_text(spec.shape)
                lines.append(f"| {name} | {direction} | {key} | {spec.dtype.name} | {shape} |")
    return "\n".join(lines)


def _example(task: Network, declared: dict[str, Signature], name: str) -> dict[str, str]:
    """Returns the values of `_README` that show an example request."""
    url = f"http://localhost:8501/v1/models/{name}"
    if isinstance(task, ImageClassifier) and "image_bytes" in declared:
        encoded = """'{"b64": "'$(base64 -w0 image.png)'"}'"""
        body = f"""'{{"signature_name": "image_bytes", "instances": ['{encoded}']}}'"""
        read = 'pathlib.Path("image.png").read_bytes()'
        return {
            "signature": "image_bytes",
            "curl": f"curl -s {url}:predict -d {body}",
            "python_instance": f'{{"b64": base64.b64encode({read}).decode()}}',
            "fill": _fill("image_bytes", f"tf.make_tensor_proto([{read}])"),
        }
    if isinstance(task, ImageClassifier | ImageNetwork):
        size = ", ".join(map(str, task.image_shape))
        feature = """{"image": {"b64": "'$(base64 -w0 image.png)'"}}"""
        regress = f"""'{{"signature_name": "score", "examples": [{feature}]}}'"""
        is_critic = isinstance(task, ImageNetwork)
        return {
            "signature": "serving_default",
            "curl": f"curl -s {url}" + (f":regress -d {regress}" if is_critic else "/metadata"),
            "python_instance": json.dumps(np.zeros(task.image_shape, int).tolist()),
            "fill": _fill("images", f"tf.make_tensor_proto(tf.zeros([1, {size}], tf.uint8))"),
        }
    signature = "generate_png" if "generate_png" in declared else "generate"
    inputs = declared[signature].inputs
    instance = "{" + ", ".join(f'"{key}": 0' for key in inputs) + "}"
    body = f"""'{{"signature_name": "{signature}", "instances": [{instance}]}}'"""
    return {
        "signature": signature,
        "curl": f"curl -s {url}:predict -d {body}",
        "python_instance": instance,
        "fill": "\n".join(_fill(key, "tf.make_tensor_proto([0], tf.int64)") for key in inputs),
    }


def _fill(key: str, value: str) -> str:
    """Returns the line of Python that sets one input of a gRPC request."""
    return f'request.inputs["{key}"].CopyFrom({value})'
