"""Where the images of a measurement come from: rows on the host, images in the graph."""

import dataclasses
import hashlib
from typing import TYPE_CHECKING, Protocol

import numpy as np
import tensorflow as tf

if TYPE_CHECKING:
    from training.data.image_data import ImageData
    from zoo.tasks import ImageGenerator

_HASH_ROWS = 4096


class Source(Protocol):
    """Images by number."""

    @property
    def name(self) -> str:
        """What the images are, with a checksum: the first part of a cache file's name."""

    @property
    def count(self) -> int:
        """How many there are."""

    def rows(self, start: int, stop: int) -> dict[str, np.ndarray]:
        """Returns what the images of some numbers are made of."""

    def images(self, rows: dict[str, tf.Tensor]) -> tf.Tensor:
        """Makes uint8 images `[b, h, w, c]` of rows, in graph code."""


def digest_of(*arrays: np.ndarray) -> str:
    """Returns the start of a SHA-256 of arrays, read in pieces."""
    total = hashlib.sha256()
    for array in arrays:
        total.update(f"{array.dtype}{array.shape}".encode())
        for start in range(0, len(array), _HASH_ROWS):
            total.update(np.ascontiguousarray(array[start : start + _HASH_ROWS]).tobytes())
    return total.hexdigest()[:12]


@dataclasses.dataclass(frozen=True)
class RealImages:
    """Images of a split.

    Args:
        name: data, split, count and the images' own checksum.
        array: uint8 `[n, h, w, c]`.
    """

    name: str
    array: np.ndarray

    @classmethod
    def of_split(cls, data: "ImageData", split: str) -> "RealImages":
        """Takes all images of a split."""
        images = getattr(data, split).images
        stem = data.name.replace("/", "_")
        return cls(f"{stem}-{split}-{len(images)}-{digest_of(images)}", images)

    @property
    def count(self) -> int:
        """How many images there are."""
        return len(self.array)

    def rows(self, start: int, stop: int) -> dict[str, np.ndarray]:
        return {"images": np.asarray(self.array[start:stop])}

    def images(self, rows: dict[str, tf.Tensor]) -> tf.Tensor:
        return rows["images"]


@dataclasses.dataclass(frozen=True)
class GeneratedImages:
    """Images of consecutive seeds; image i is of class `i mod K` where there are classes.

    Args:
        name: generator, seed and count, with the weights' checksum.
        generator: an `ImageGenerator`.
        seed: int, of the first image.
        count: int, how many.
    """

    name: str
    generator: "ImageGenerator"
    seed: int
    count: int

    @classmethod
    def of(cls, generator: "ImageGenerator", *, seed: int, count: int) -> "GeneratedImages":
        """Names the images by the weights that make them."""
        digest = digest_of(*(np.atleast_1d(weight) for weight in generator.get_weights()))
        stem = f"{type(generator.network).__name__}-{generator.network.latent}"
        return cls(f"{stem}-{digest}-seed{seed}-{count}", generator, seed, count)

    def rows(self, start: int, stop: int) -> dict[str, np.ndarray]:
        places = np.arange(start, stop, dtype=np.int64)
        rows = {"seeds": self.seed + places}
        if self.generator.num_classes:
            rows["labels"] = places % self.generator.num_classes
        return rows

    def images(self, rows: dict[str, tf.Tensor]) -> tf.Tensor:
        return self.generator.images_from_seeds(rows["seeds"], rows.get("labels"))
