"""What lies beside an artefact for people: its signatures, examples, and a server's configuration.

In `assets.extra/` of the version's folder, where TF Serving looks at nothing but its own file.
"""

import json
import pathlib
import shutil
import string

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from export.signatures import Signature
from zoo.networks.network import ImageNetwork, Network
from zoo.presets.layout import CARD_FILE, SHEET_FILE
from zoo.tasks import ImageClassifier

EXTRA = "assets.extra"
README = "README.md"
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

Made by TensorFlow $version. Serve it with

    python -m export.serve --model-base-path $base_path --model-name $name

## Signatures

$signatures

## Ask it

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
        task: what it was made from.
        declared: its signatures.
        model: the folder that its version will be published in.
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
    """Copies a preset's card and its sheet, where it has them, to `assets.extra/`."""
    for name, copied in ((CARD_FILE, MODEL_CARD), (SHEET_FILE, SHEET_FILE)):
        if (preset / name).is_file():
            shutil.copyfile(preset / name, folder / EXTRA / copied)


def signature_table(declared: dict[str, Signature]) -> str:
    """Returns the signatures' inputs and outputs as a Markdown table."""
    lines = ["| signature | | name | dtype | shape |", "| --- | --- | --- | --- | --- |"]
    for name, signature in declared.items():
        for arrow, specs in (("in", signature.inputs), ("out", signature.outputs)):
            for key, spec in specs.items():
                shape = ", ".join("B" if n is None else str(n) for n in spec.shape)
                lines.append(f"| {name} | {arrow} | {key} | {spec.dtype.name} | [{shape}] |")
    return "\n".join(lines)


def operations(folder: pathlib.Path) -> list[str]:
    """Returns the names of all operations that a server must know to run a SavedModel."""
    saved = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    names: set[str] = set()
    for graph in (meta.graph_def for meta in saved.meta_graphs):
        own = {function.signature.name for function in graph.library.function}
        nodes = [*graph.node, *(n for f in graph.library.function for n in f.node_def)]
        names |= {node.op for node in nodes} - own
    return sorted(names)


def _example(task: Network, declared: dict[str, Signature], name: str) -> dict[str, str]:
    """Returns the parts of the example requests that depend on the model."""
    url = f"http://localhost:8501/v1/models/{name}:predict"
    if isinstance(task, ImageClassifier):
        if "image_bytes" not in declared:
            zeros = f"tf.zeros([1, {', '.join(map(str, task.image_shape))}], tf.uint8)"
            return {
                "signature": "serving_default",
                "curl": f"curl -s {url.removesuffix(':predict')}/metadata",
                "python_instance": json.dumps(np.zeros(task.image_shape, int).tolist()),
                "fill": _fill("images", f"tf.make_tensor_proto({zeros})"),
            }
        encoded = """'{"b64": "'$(base64 -w0 image.png)'"}'"""
        body = f"""'{{"signature_name": "image_bytes", "instances": ['{encoded}']}}'"""
        read = 'pathlib.Path("image.png").read_bytes()'
        return {
            "signature": "image_bytes",
            "curl": f"curl -s {url} -d {body}",
            "python_instance": f'{{"b64": base64.b64encode({read}).decode()}}',
            "fill": _fill("image_bytes", f"tf.make_tensor_proto([{read}])"),
        }
    if isinstance(task, ImageNetwork):
        feature = """{"image": {"b64": "'$(base64 -w0 image.png)'"}}"""
        size = ", ".join(map(str, task.image_shape))
        return {
            "signature": "serving_default",
            "curl": f"curl -s {url.replace(':predict', ':regress')} -d "
            f"""'{{"signature_name": "score", "examples": [{feature}]}}'""",
            "python_instance": json.dumps(np.zeros(task.image_shape, int).tolist()),
            "fill": _fill("images", f"tf.make_tensor_proto(tf.zeros([1, {size}], tf.uint8))"),
        }
    signature = "generate_png" if "generate_png" in declared else "generate"
    values = {key: 0 for key in declared[signature].inputs}
    instance = "{" + ", ".join(f'"{key}": {value}' for key, value in values.items()) + "}"
    fills = [_fill(key, f"tf.make_tensor_proto([{v}], tf.int64)") for key, v in values.items()]
    body = f"""'{{"signature_name": "{signature}", "instances": [{instance}]}}'"""
    return {
        "signature": signature,
        "curl": f"curl -s {url} -d {body}",
        "python_instance": instance,
        "fill": "\n".join(fills),
    }


def _fill(key: str, value: str) -> str:
    return f'request.inputs["{key}"].CopyFrom({value})'
