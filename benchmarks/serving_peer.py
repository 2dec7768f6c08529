"""A server of a SavedModel with KServe's SDK, for comparison.

`python -m benchmarks.serving --peer PYTHON` starts it as
`PYTHON benchmarks/serving_peer.py FOLDER NAME SIGNATURE PORT`. That Python has kserve and
tensorflow but not the zoo. The server answers `POST /v1/models/NAME:predict` with rows.
"""

import base64
import sys

import kserve
import numpy as np
import tensorflow as tf


class SavedModel(kserve.Model):
    """A signature of a SavedModel.

    Args:
        name: name of the model in URLs.
        folder: the SavedModel.
        signature: name of the signature.
    """

    def __init__(self, name: str, folder: str, signature: str):
        super().__init__(name)
        # Freeing the loaded object would free the graph of the signature.
        self.loaded = tf.saved_model.load(folder)
        self.function = self.loaded.signatures[signature]
        self.specs = self.function.structured_input_signature[1]
        self.ready = True

    def predict(self, payload: dict, headers: dict | None = None, **_: object) -> dict:
        """Computes one output row per input row."""
        rows = payload["instances"]
        if len(self.specs) == 1:
            (name,) = self.specs
            rows = [row if isinstance(row, dict) and name in row else {name: row} for row in rows]
        inputs = {
            name: _tensor([row[name] for row in rows], spec) for name, spec in self.specs.items()
        }
        outputs = {name: _plain(value.numpy()) for name, value in self.function(**inputs).items()}
        if len(outputs) == 1:
            return {"predictions": next(iter(outputs.values()))}
        columns = zip(*outputs.values(), strict=True)
        return {"predictions": [dict(zip(outputs, row, strict=True)) for row in columns]}


def _tensor(values: list, spec: tf.TensorSpec) -> tf.Tensor:
    if spec.dtype == tf.string:
        values = [base64.b64decode(value["b64"]) for value in values]
    return tf.constant(values, spec.dtype)


def _plain(value: np.ndarray) -> list:
    if value.dtype == object:
        return [{"b64": base64.b64encode(content).decode()} for content in value.ravel()]
    return value.tolist()


if __name__ == "__main__":
    folder, name, signature, port = sys.argv[1:]
    server = kserve.ModelServer(http_port=int(port), workers=1, enable_grpc=False)
    server.start([SavedModel(name, folder, signature)])
