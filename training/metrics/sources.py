"""Image sources of an evaluation: rows are read on the host, images are made in the graph."""

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
    """A sequence of images."""

    @property
    def name(self) -> str:
        """The name of the images with a checksum, the first part of a cache file's name."""

    @property
    def count(self) -> int:
        """The number of images."""

    def rows(self, start: int, stop: int) -> dict[str, np.ndarray]:
        """Returns the host data of images `start` to `stop - 1`."""

    def images(self, rows: dict[str, tf.Tensor]) -> tf.Tensor:
        """Returns uint8 images `[b, h, w, c]` for rows, in graph code."""


def digest_of(*arrays: np.ndarray) -> str:
    """Returns the first 12 hexadecimal digits of the SHA-256 of arrays, read in chunks."""
    total = hashlib.sha256()
    for array in arrays:
        total.update(f"{array.dtype}{array.shape}".encode())
        for start in range(0, len(array), _HASH_ROWS):
            total.update(np.ascontiguousarray(array[start : start + _HASH_ROWS]).tobytes())
    return total.hexdigest()[:12]


@dataclasses.dataclass(frozen=True)
class RealImages:
    """The images of a split.

    Args:
        name: data set, split, count and a checksum of the images.
        array: uint8 `[n, h, w, c]`.
    """

    name: str
    array: np.ndarray

    @classmethod
    def of_split(cls, data: "ImageData", split: str) -> "RealImages":
        """Returns all images of a split as a source."""
        images = getattr(data, split).images
        stem = data.name.replace("/", "_")
        return cls(f"{stem}-{split}-{len(images)}-{digest_of(images)}", images)

    @property
    def count(self) -> int:
        """The number of images."""
        return len(self.array)

    def rows(self, start: int, stop: int) -> dict[str, np.ndarray]:
        return {"images": np.asarray(self.array[start:stop])}

    def images(self, rows: dict[str, tf.Tensor]) -> tf.Tensor:
        return rows["images"]


@dataclasses.dataclass(frozen=True)
class GeneratedImages:
    """Generated images of consecutive seeds. With K classes, image i has class `i mod K`.

    Args:
        name: generator, checksum of its weights, seed and count.
        generator: an `ImageGenerator`.
        seed: int, seed of the first image.
        count: int, number of images.
    """

    name: str
    generator: "ImageGenerator"
    seed: int
    count: int

    @classmethod
    def of(cls, generator: "ImageGenerator", *, seed: int, count: int) -> "GeneratedImages":
        """Returns a source whose name contains a checksum of the generator's weights."""
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
