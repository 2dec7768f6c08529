"""From the plan of a batch to its images: on the host in the pipeline, or on the device."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from training.data.augmentation import Augmentation
from training.data.plans import Plan, Tensors
from training.data.stream import Stream
from training.data.views import StrongView, views

Reader = Callable[[tf.Tensor], tf.Tensor]
"""A function from rows, `int64 [b]`, to images."""


@dataclasses.dataclass(frozen=True)
class Rendering:
    """Makes the images of a stream's plans, in graph code.

    Args:
        read: gathers images.
        augmentation: the weak view.
        strong: the strong view.
        strong_share: share of the images that are shown in the strong view.
        with_plain: whether the images before augmentation are added.
        on_device: whether all operations must have kernels for GPUs and under XLA. Without XLA
            the images are the same bits.
    """

    read: Reader
    augmentation: Augmentation
    strong: StrongView
    strong_share: float
    with_plain: bool
    on_device: bool

    def batch_of(self, plan: Plan) -> dict[str, tf.Tensor]:
        """Returns `images`, and `labels` and `plain` images of a stream that has them."""
        images = self.read(plan["rows"])
        batch = {"labels": plan["labels"]} if "labels" in plan else {}
        if self.with_plain:
            batch["plain"] = images
        images = self.augmentation.shown(images, plan, on_device=self.on_device)
        if self.strong_share:
            images = views(images, plan["views"], strong=self.strong, share=self.strong_share)
        return batch | {"images": images}


@dataclasses.dataclass(frozen=True)
class Source:
    """Makes the batches of some streams from their plans; the rest of an element stays as it is.

    Two sources that read the same images in the same way are equal.

    Args:
        renderings: by the name of the stream.
    """

    renderings: Mapping[str, Rendering]

    def __call__(self, element: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: self.renderings[name].batch_of(value) if name in self.renderings else value
            for name, value in element.items()
        }


def host_source(
    streams: Mapping[str, Stream], augmentation: Augmentation, strong: StrongView, tensors: Tensors
) -> Source:
    """Returns the source of the streams whose images are read by the pipeline."""
    readers = {
        name: _reader(stream.split.images, tensors)
        for name, stream in streams.items()
        if stream.device_images is None
    }
    return _source(streams, readers, augmentation, strong, on_device=False)


def device_source(
    streams: Mapping[str, Stream],
    augmentation: Augmentation,
    strong: StrongView,
    strategy: tf.distribute.Strategy,
) -> Source | None:
    """Returns the source of the streams whose images are on the devices, and copies them there.

    Returns:
        The source; `None` if no stream has its images on the devices.

    Raises:
        UserError: the images do not fit.
    """
    readers: dict[str, Reader] = {}
    for name, stream in streams.items():
        if stream.device_images is not None:
            stream.device_images.place(strategy)
            readers[name] = stream.device_images
    return _source(streams, readers, augmentation, strong, on_device=True) if readers else None


def _source(
    streams: Mapping[str, Stream],
    readers: Mapping[str, Reader],
    augmentation: Augmentation,
    strong: StrongView,
    *,
    on_device: bool,
) -> Source:
    return Source(
        {
            name: Rendering(
                read,
                augmentation,
                strong,
                streams[name].strong_share,
                streams[name].with_plain,
                on_device,
            )
            for name, read in readers.items()
        }
    )


def _reader(images: np.ndarray, tensors: Tensors) -> Reader:
    if not isinstance(images, np.memmap):
        tensor = tensors(images)
        return lambda rows: tf.gather(tensor, rows)

    def read(rows: tf.Tensor) -> tf.Tensor:
        batch = tf.numpy_function(
            lambda chosen: np.asarray(images[chosen]), [rows], tf.uint8, stateful=False
        )
        return tf.ensure_shape(batch, [rows.shape[0], *images.shape[1:]])

    return read
