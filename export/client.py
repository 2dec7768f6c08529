"""Clients of a served model, and `python -m export.client`: numpy in, numpy out.

Images travel as PNG wherever the model takes or gives them so. The REST client needs neither
TensorFlow nor gRPC.
"""

import base64
import io
import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import numpy as np
import PIL.Image

from export.client_errors import Unavailable, error_of_connection, error_of_http

_BACKOFF_SECONDS = 0.1
_DTYPES = {"DT_FLOAT": "float32", "DT_INT64": "int64", "DT_UINT8": "uint8", "DT_STRING": "object"}
_PNG = "image_bytes"

Arrays = Mapping[str, np.ndarray]
Images = np.ndarray | Sequence[np.ndarray]


class ModelClient:
    """What both clients share: the model's vocabulary, and patience.

    Args:
        name: the model's name.
        version: int, its version; by default the server's choice.
        timeout: float, seconds that a request may take.
        retries: int, how often a request is sent again when the server is too busy (503,
            UNAVAILABLE), waiting 0.1 s, 0.2 s, 0.4 s, ... before.
    """

    def __init__(
        self, name: str, *, version: int | None = None, timeout: float = 30.0, retries: int = 3
    ):
        self.name = name
        self.version = version
        self.timeout = timeout
        self.retries = retries
        self._signatures: dict[str, tuple[dict[str, str], dict[str, str]]] | None = None

    def run(self, signature: str, inputs: Arrays) -> dict[str, np.ndarray]:
        """Computes any signature.

        Args:
            signature: its name.
            inputs: arrays by input name; strings as arrays of bytes objects.

        Returns:
            Arrays by output name.

        Raises:
            ClientError: what the server says; its subclasses say what kind of error.
        """
        return self._patiently(lambda: self._run(signature, inputs))

    def signatures(self) -> dict[str, tuple[dict[str, str], dict[str, str]]]:
        """Returns the dtypes of inputs and outputs by signature, asked for once."""
        if self._signatures is None:
            self._signatures = self._patiently(self._read_signatures)
        return self._signatures

    def predict(self, images: Images) -> np.ndarray:
        """Returns the probabilities of the classes.

        Args:
            images: uint8 array `[N, height, width, channels]`, or a list of uint8 arrays of
                differing sizes; grey or colour.

        Returns:
            float32 array `[N, K]`.

        Raises:
            ValueError: images of another dtype.
            ClientError: the request failed.
        """
        return self._classified(images)["probabilities"]

    def classify(self, images: Images) -> list[str]:
        """Returns the name of each image's most probable class; arguments as in `predict`."""
        return [name.decode() for name in self._classified(images)["class_name"]]

    def generate(
        self,
        seeds: Sequence[int] | np.ndarray,
        *,
        labels: Sequence[int] | np.ndarray | None = None,
        truncation: float | None = None,
    ) -> np.ndarray:
        """Returns the images of some seeds: the same as `ImageGenerator.generate` makes.

        Args:
            seeds: ints `[N]`.
            labels: ints `[N]`, for a conditional generator.
            truncation: float in (0, 1], how much of the latents' spread is used; by default all.

        Returns:
            uint8 array `[N, height, width, channels]`.

        Raises:
            ClientError: the request failed.
        """
        inputs = {"seed": np.asarray(seeds, dtype="int64")}
        if labels is not None:
            inputs["label"] = np.asarray(labels, dtype="int64")
        if truncation is not None:
            inputs["truncation"] = np.full(len(inputs["seed"]), truncation, "float32")
            return self.run("generate_truncated", inputs)["images"]
        if "generate_png" not in self.signatures():
            return self.run("generate", inputs)["images"]
        return np.stack([_decode(content) for content in self.run("generate_png", inputs)[_PNG]])

    def _classified(self, images: Images) -> dict[str, np.ndarray]:
        arrays = [np.asarray(image) for image in images]
        for array in arrays:
            if array.dtype != np.uint8 or array.ndim != 3:
                raise ValueError(
                    "Images must be uint8 [height, width, channels] each, received "
                    f"{array.dtype} {array.shape}."
                )
        if _PNG not in self.signatures():
            return self.run("serving_default", {"images": np.stack(arrays)})
        encoded = np.empty(len(arrays), dtype=object)
        encoded[:] = [_encode(array) for array in arrays]
        return self.run(_PNG, {_PNG: encoded})

    def _patiently(self, ask: Callable[[], Any]) -> Any:
        for attempt in range(self.retries):
            try:
                return ask()
            except Unavailable:
                time.sleep(_BACKOFF_SECONDS * 2**attempt)
        return ask()

    def _run(self, signature: str, inputs: Arrays) -> dict[str, np.ndarray]:
        raise NotImplementedError

    def _read_signatures(self) -> dict[str, tuple[dict[str, str], dict[str, str]]]:
        raise NotImplementedError


class Client(ModelClient):
    """A client of the REST API.

    Args:
        url: the server, such as `"http://localhost:8501"`.
        name: the model's name.
        version: int, its version; by default the server's choice.
        timeout: float, seconds that a request may take.
        retries: int, how often a request is sent again when the server is too busy (503).

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
        answer = self._ask(":predict", json.dumps(body).encode())["outputs"]
        dtypes = self.signatures()[signature][1]
        if len(dtypes) == 1:
            answer = {next(iter(dtypes)): answer}
        return {name: _from_json(answer[name], dtype) for name, dtype in dtypes.items()}

    def _read_signatures(self) -> dict[str, tuple[dict[str, str], dict[str, str]]]:
        definitions = self._ask("/metadata")["metadata"]["signature_def"]["signature_def"]
        return {
            name: (_dtypes(definition["inputs"]), _dtypes(definition["outputs"]))
            for name, definition in definitions.items()
        }

    def _ask(self, what: str, body: bytes | None = None) -> dict:
        version = "" if self.version is None else f"/versions/{self.version}"
        url = f"{self.url}/v1/models/{urllib.parse.quote(self.name, safe='')}{version}{what}"
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                raise error_of_http(error.code, error.read()) from None
        except (OSError, ValueError) as error:
            raise error_of_connection(self.url, self.timeout, error) from None


class GrpcClient(ModelClient):
    """A client of the gRPC API; several times as fast for numbers, and as fast for PNG.

    Args:
        address: the server, such as `"localhost:8500"`.
        name: the model's name.
        version: int, its version; by default the server's choice.
        timeout: float, seconds that a request may take.
        retries: int, how often a request is sent again when the server is too busy.
    """

    def __init__(
        self,
        address: str,
        name: str,
        *,
        version: int | None = None,
        timeout: float = 30.0,
        retries: int = 3,
    ):
        super().__init__(name, version=version, timeout=timeout, retries=retries)
        # TensorFlow takes seconds to import, and the REST client does without.
        from export.grpc_calls import GrpcCalls

        self._calls = GrpcCalls(address, name, version, timeout)

    def _run(self, signature: str, inputs: Arrays) -> dict[str, np.ndarray]:
        return self._calls.predict(signature, inputs)

    def _read_signatures(self) -> dict[str, tuple[dict[str, str], dict[str, str]]]:
        return self._calls.signatures()

    def close(self) -> None:
        """Closes the connection."""
        self._calls.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


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


def _encode(image: np.ndarray) -> bytes:
    """Returns an image `[height, width, 1 or 3]` as PNG."""
    buffer = io.BytesIO()
    PIL.Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(buffer, "PNG")
    return buffer.getvalue()


def _decode(content: bytes) -> np.ndarray:
    """Returns a PNG as `[height, width, channels]`."""
    image = np.asarray(PIL.Image.open(io.BytesIO(content)))
    return image[..., np.newaxis] if image.ndim == 2 else image


if __name__ == "__main__":
    from export.client_command import main

    sys.exit(main())
