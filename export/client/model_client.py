"""Base class of the clients."""

import io
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import PIL.Image

from export.client.errors import Unavailable

_BACKOFF_SECONDS = 0.1
_PNG = "image_bytes"

Arrays = Mapping[str, np.ndarray]
Images = np.ndarray | Sequence[np.ndarray]
Signatures = dict[str, tuple[dict[str, str], dict[str, str]]]
"""Dtypes of the inputs and of the outputs, by tensor name, by signature."""


class ModelClient:
    """Base class of the clients: predictions, generated images and retries.

    Images are sent and received as PNG if the model has such signatures.

    Args:
        name: the model's name.
        version: int, the model's version; by default the server's choice.
        timeout: float, seconds that a request may take.
        retries: int, number of times that a request is sent again if the server is too busy (503
            or UNAVAILABLE), after 0.1 s, 0.2 s, 0.4 s, ...
    """

    def __init__(
        self, name: str, *, version: int | None = None, timeout: float = 30.0, retries: int = 3
    ):
        self.name = name
        self.version = version
        self.timeout = timeout
        self.retries = retries
        self._signatures: Signatures | None = None

    def run(self, signature: str, inputs: Arrays) -> dict[str, np.ndarray]:
        """Computes the outputs of any signature.

        Args:
            signature: name of the signature.
            inputs: arrays by input name; strings are arrays of bytes objects.

        Returns:
            Arrays by output name.

        Raises:
            ClientError: a failed request; the subclass tells the kind of failure.
        """
        return self._with_retries(lambda: self._run(signature, inputs))

    def signatures(self) -> Signatures:
        """Returns the dtypes of each signature's inputs and outputs; requests them once."""
        if self._signatures is None:
            self._signatures = self._with_retries(self._read_signatures)
        return self._signatures

    def predict(self, images: Images) -> np.ndarray:
        """Returns the probabilities of the classes.

        Args:
            images: uint8 array `[N, height, width, channels]`, or a list of uint8 arrays of
                different sizes; grey or colour.

        Returns:
            float32 array `[N, K]`.

        Raises:
            ValueError: images of another dtype.
            ClientError: the request failed.
        """
        return self._classify(images)["probabilities"]

    def classify(self, images: Images) -> list[str]:
        """Returns the name of each image's most probable class; takes images as `predict`."""
        return [name.decode() for name in self._classify(images)["class_name"]]

    def generate(
        self,
        seeds: Sequence[int] | np.ndarray,
        *,
        labels: Sequence[int] | np.ndarray | None = None,
        truncation: float | None = None,
    ) -> np.ndarray:
        """Returns the images of some seeds, the same as those of `ImageGenerator.generate`.

        Args:
            seeds: ints `[N]`, from 0 to 2**63 - 1.
            labels: ints `[N]`, for a generator with labels.
            truncation: float in (0, 1] that multiplies the latents; by default 1.

        Returns:
            uint8 array `[N, height, width, channels]`.

        Raises:
            ValueError: seeds or labels that are not integers in the range of int64.
            ClientError: the request failed, for example because of a negative seed.
        """
        inputs = {"seed": _as_integers("seeds", seeds)}
        if labels is not None:
            inputs["label"] = _as_integers("labels", labels)
        if truncation is not None:
            inputs["truncation"] = np.full(len(inputs["seed"]), truncation, "float32")
            return self.run("generate_truncated", inputs)["images"]
        if "generate_png" not in self.signatures():
            return self.run("generate", inputs)["images"]
        return np.stack([decode_png(content) for content in self.run("generate_png", inputs)[_PNG]])

    def _classify(self, images: Images) -> dict[str, np.ndarray]:
        arrays = [np.asarray(image) for image in images]
        for array in arrays:
            if array.dtype != np.uint8 or array.ndim != 3:
                raise ValueError(
                    "Each image must be uint8 [height, width, channels], received "
                    f"{array.dtype} {array.shape}."
                )
        if _PNG not in self.signatures():
            return self.run("serving_default", {"images": np.stack(arrays)})
        encoded = np.empty(len(arrays), dtype=object)
        encoded[:] = [encode_png(array) for array in arrays]
        return self.run(_PNG, {_PNG: encoded})

    def _with_retries(self, send: Callable[[], Any]) -> Any:
        for attempt in range(self.retries):
            try:
                return send()
            except Unavailable:
                time.sleep(_BACKOFF_SECONDS * 2**attempt)
        return send()

    def _run(self, signature: str, inputs: Arrays) -> dict[str, np.ndarray]:
        raise NotImplementedError

    def _read_signatures(self) -> Signatures:
        raise NotImplementedError


def _as_integers(name: str, values: Sequence[int] | np.ndarray) -> np.ndarray:
    """Returns integers as int64, and raises ValueError instead of rounding other numbers."""
    given = np.asarray(values)
    if given.size and (given.dtype.kind not in "iu" or given.max() >= 2**63):
        raise ValueError(
            f"`{name}` must be integers below 2**63, received {given.dtype} values such as "
            f"{given.flat[0]!r}."
        )
    return given.astype("int64")


def encode_png(image: np.ndarray) -> bytes:
    """Encodes a uint8 image `[height, width, 1 or 3]`."""
    buffer = io.BytesIO()
    PIL.Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(buffer, "PNG")
    return buffer.getvalue()


def decode_png(content: bytes) -> np.ndarray:
    """Decodes a PNG as uint8 `[height, width, channels]`."""
    image = np.asarray(PIL.Image.open(io.BytesIO(content)))
    return image[..., np.newaxis] if image.ndim == 2 else image
