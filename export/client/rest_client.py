"""Client of the REST API; it needs neither TensorFlow nor gRPC."""

import base64
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any

import numpy as np

from export.client.errors import error_of_connection, error_of_http
from export.client.model_client import Arrays, ModelClient, Signatures

_DTYPES = {"DT_FLOAT": "float32", "DT_INT64": "int64", "DT_UINT8": "uint8", "DT_STRING": "object"}


class Client(ModelClient):
    """A client of the REST API.

    Args:
        url: address of the server, such as `"http://localhost:8501"`.
        name: as for `ModelClient`.
        version: as for `ModelClient`.
        timeout: as for `ModelClient`.
        retries: as for `ModelClient`.

    Example:
    >>> client = Client("http://localhost:8501", "clsgan_digits_generator")  # doctest: +SKIP
    >>> client.generate([0, 1, 2], labels=[7, 7, 7]).dtype  # doctest: +SKIP
    dtype('uint8')
    """

    def __init__(
        self,
        url: str,
        name: str,
        *,
        version: int | None = None,
        timeout: float = 30.0,
        retries: int = 3,
    ):
        super().__init__(name, version=version, timeout=timeout, retries=retries)
        self.url = url.rstrip("/")

    def _run(self, signature: str, inputs: Arrays) -> dict[str, np.ndarray]:
        columns = {name: _to_json(np.asarray(value)) for name, value in inputs.items()}
        body = {"signature_name": signature, "inputs": columns}
        outputs = self._request(":predict", json.dumps(body).encode())["outputs"]
        dtypes = self.signatures()[signature][1]
        if len(dtypes) == 1:
            outputs = {next(iter(dtypes)): outputs}
        return {name: _from_json(outputs[name], dtype) for name, dtype in dtypes.items()}

    def _read_signatures(self) -> Signatures:
        definitions = self._request("/metadata")["metadata"]["signature_def"]["signature_def"]
        return {
            name: (_dtypes(definition["inputs"]), _dtypes(definition["outputs"]))
            for name, definition in definitions.items()
        }

    def _request(self, resource: str, body: bytes | None = None) -> dict:
        version = "" if self.version is None else f"/versions/{self.version}"
        url = f"{self.url}/v1/models/{urllib.parse.quote(self.name, safe='')}{version}{resource}"
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                raise error_of_http(error.code, error.read()) from None
        except (OSError, ValueError) as error:
            raise error_of_connection(self.url, self.timeout, error) from None


def _dtypes(infos: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    return {name: _DTYPES.get(info["dtype"], info["dtype"]) for name, info in infos.items()}


def _to_json(value: np.ndarray) -> Any:
    if value.dtype == object:
        return [{"b64": base64.b64encode(content).decode()} for content in value]
    return value.tolist()


def _from_json(value: Any, dtype: str) -> np.ndarray:
    if dtype != "object":
        return np.array(value, dtype)
    array = np.array(value, dtype=object)
    flat = [
        base64.b64decode(item["b64"]) if isinstance(item, dict) else item.encode()
        for item in array.ravel()
    ]
    result = np.empty(len(flat), dtype=object)
    result[:] = flat
    return result.reshape(array.shape)
