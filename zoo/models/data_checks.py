"""Checks of the data that `fit` gets: wrong data end in one sentence instead of a wrong model.

Shapes, kinds and labels are checked when the step is traced. Values are known in the step only. An
image with a value or a label outside of its range becomes NaN, so the guard skips the step. The
caller of the first step reads the extremes of the data and raises the error. At the end of an epoch
with skipped steps, `RecentBatches` names the batches that caused them.
"""

import collections
import dataclasses
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

LARGEST_PIXEL = 1.5
"""Images are in [-1, 1]; the rest is tolerance for filters that overshoot."""

RANGE_HINT = (
    "Give uint8 images, or float images in [-1, 1], such as `images.astype('float32') / 127.5 - 1` "
    "for values from 0 to 255."
)


@dataclasses.dataclass(frozen=True)
class Wanted:
    """The data that a model takes.

    Attributes:
        image_shape: shape of one image; None if the networks do not state it.
        num_classes: int, K; 0 for a model without classes.
        reads_labels: names of the streams whose labels the model reads if they have some.
        needs_labels: names of the streams that must have labels.
    """

    image_shape: Sequence[int] | None = None
    num_classes: int = 0
    reads_labels: tuple[str, ...] = ()
    needs_labels: tuple[str, ...] = ()

    def classes_of(self, name: str) -> int:
        """Returns K if the labels of a stream are read, else 0."""
        return self.num_classes if name in self.reads_labels else 0

    def without_unread(self, name: str, stream: Mapping[str, Any]) -> Mapping[str, Any]:
        """Returns a stream without the labels that the model must not read."""
        unread = () if name in self.reads_labels else ("labels",)
        return {key: value for key, value in stream.items() if key not in unread}


class DataError(ValueError):
    """Data that the model cannot be trained on."""


def as_streams(data: Any, names: tuple[str, ...]) -> Mapping[str, Any]:
    """Returns the data of a step by stream: a dict as it is, plain images as the first stream.

    Raises:
        DataError: data of another structure, or a stream that is missing.
    """
    if not isinstance(data, Mapping):
        parts = [part for part in data if part is not None] if isinstance(data, tuple) else [data]
        if len(parts) > 2 or any(isinstance(part, Mapping) for part in parts):
            raise DataError(
                "`fit` takes images, images and labels, or one dict of streams; it takes no sample "
                "weights, and no labels beside a dict."
            )
        images, labels = (*parts, None)[:2]
        stream = {"images": images} if labels is None else {"images": images, "labels": labels}
        data = {names[0]: stream}
    example = ", ".join(f"{name!r}: {{'images': ...}}" for name in names)
    for name in names:
        stream = data.get(name)
        if not isinstance(stream, Mapping) or "images" not in stream:
            raise DataError(
                f"The data have no stream {name!r} with 'images'; received {_described(data)}. "
                f"Expected {{{example}}}, with 'labels' beside the images of known class."
            )
    return data


def _described(data: Mapping[str, Any]) -> str:
    """Lists the names of the streams, and the names of their parts."""
    parts = {name: value if isinstance(value, Mapping) else () for name, value in data.items()}
    return ", ".join(f"{name!r}: {{{', '.join(map(repr, part))}}}" for name, part in parts.items())


def check_stream(name: str, stream: Mapping[str, tf.Tensor], wanted: Wanted) -> None:
    """Checks kinds and shapes of one stream.

    Raises:
        DataError: images or labels of another kind or shape, or labels that are missing.
    """
    images = stream["images"]
    if wanted.image_shape is not None and images.shape.rank is not None:
        _check_shape(tuple(images.shape[1:]), tuple(wanted.image_shape))
    if images.shape.rank in (None, 4) and not (
        images.dtype == tf.uint8 or images.dtype.is_floating
    ):
        raise DataError(f"Images of {images.dtype.name} have no known range. {RANGE_HINT}")
    labels = stream.get("labels")
    if labels is None:
        if name in wanted.needs_labels:
            raise DataError(
                f"The model is conditional and needs the class of each image of {name!r}: give "
                "`fit(images, labels)`, or 'labels' beside 'images'."
            )
        return
    is_column = labels.shape.rank in (None, 1) and labels.dtype.is_integer
    if wanted.classes_of(name) and not is_column:
        raise DataError(
            f"`labels` must be one integer per image, received {labels.dtype.name} of shape "
            f"{tuple(labels.shape)}. Use `labels.ravel()` for a column, and `labels.argmax(-1)` "
            "for one-hot labels."
        )


def _check_shape(shape: tuple[int | None, ...], expected: tuple[int, ...]) -> None:
    if _fits(shape, expected):
        return
    channels_first = len(shape) == 3 and _fits((*shape[1:], shape[0]), expected)
    hint = " Move the channels to the end: `np.moveaxis(images, 1, -1)`." if channels_first else ""
    raise DataError(f"The networks take images of shape {expected}, received {shape}.{hint}")


def _fits(shape: tuple[int | None, ...], expected: tuple[int, ...]) -> bool:
    pairs = zip(shape, expected, strict=False)
    return len(shape) == len(expected) and all(a is None or a == b for a, b in pairs)


def in_range(images: tf.Tensor) -> tf.Tensor:
    """Returns float32 images: uint8 is scaled to [-1, 1], and float beyond 1.5 becomes NaN."""
    scaled = tf.cast(images, tf.float32)
    if images.dtype == tf.uint8:
        return scaled / 127.5 - 1.0
    if images.shape.rank != 4:
        return scaled
    return tf.where(tf.abs(scaled) > LARGEST_PIXEL, float("nan"), scaled)


def with_labels(
    images: tf.Tensor, labels: tf.Tensor | None, num_classes: int
) -> tuple[tf.Tensor, tf.Tensor | None]:
    """Returns images and labels; an image whose label is not in 0..K-1 becomes NaN, of class 0."""
    if labels is None or not num_classes:
        return images, labels
    bad = (labels < 0) | (labels >= tf.cast(num_classes, labels.dtype))
    rows = tf.reshape(bad, [-1] + [1] * (images.shape.rank - 1))
    return tf.where(rows, float("nan"), images), tf.where(bad, tf.zeros_like(labels), labels)


def extremes(data: Any, names: tuple[str, ...], wanted: Wanted) -> tf.Tensor:
    """Returns float32 `[streams, 5]`: least and largest pixel, least and largest label, and rows.

    A pixel that is not a number counts as infinite.
    A pair (0, 0) stands for uint8 images and points, whose values are all allowed, and for labels
    that the model does not read. It also stands for a replica without images.
    """
    streams = as_streams(data, names)
    return tf.stack([_extremes(streams[name], wanted.classes_of(name)) for name in names])


def _extremes(stream: Mapping[str, tf.Tensor], num_classes: int) -> tf.Tensor:
    images, labels = stream["images"], stream.get("labels")
    parts = [tf.zeros([0]), tf.zeros([0])]
    if images.shape.rank == 4 and images.dtype.is_floating:
        pixels = tf.reshape(tf.cast(images, tf.float32), [-1])
        # XLA's minimum and maximum ignore NaN.
        parts[0] = tf.where(tf.math.is_nan(pixels), float("inf"), pixels)
    if labels is not None and num_classes:
        parts[1] = tf.reshape(tf.cast(labels, tf.float32), [-1])
    found = [reduce(part) for part in parts for reduce in (tf.reduce_min, tf.reduce_max)]
    empty = [tf.equal(tf.size(part), 0) for part in parts for _ in range(2)]
    values = [tf.where(no, 0.0, one) for no, one in zip(empty, found, strict=True)]
    return tf.stack([*values, tf.cast(tf.shape(images)[0], tf.float32)])


def check_extremes(found: np.ndarray, num_classes: int) -> None:
    """Raises an error about the values of a batch.

    Args:
        found: float array `[..., 5]` of `extremes`, one row per replica and stream.
        num_classes: int, K.

    Raises:
        DataError: pixels beyond 1.5 or not finite, or labels outside of 0..K-1.
    """
    low, high, first, last, _ = found.reshape(-1, 5).T
    if not np.isfinite([low.min(), high.max()]).all():
        raise DataError(f"Float images must be in [-1, 1], received values like NaN. {RANGE_HINT}")
    if max(-low.min(), high.max()) > LARGEST_PIXEL:
        raise DataError(
            f"Float images must be in [-1, 1], received values from {low.min():g} to "
            f"{high.max():g}. {RANGE_HINT}"
        )
    if num_classes and not (first.min() >= 0 and last.max() < num_classes):
        raise DataError(
            f"`labels` must be in 0..{num_classes - 1}, received {int(first.min())} to "
            f"{int(last.max())}."
        )


def warn_of_half_range(found: np.ndarray) -> None:
    """Warns if all pixels of the first batch are in [0, 1]; `found` is that of `check_extremes`."""
    low, high, *_ = found.reshape(-1, 5).T
    if 0.0 < high.max() <= 1.0 and low.min() >= 0.0:
        warnings.warn(
            "All values of the first batch of images are in [0, 1], and the model's images are in "
            "[-1, 1]. If black is 0 in these images, give `2 * images - 1`, or uint8 images.",
            stacklevel=2,
        )


class RecentBatches:
    """The extremes of the last 1,000 calls of an epoch, to name the causes of skipped steps.

    They are read at the end of an epoch with skipped steps only, because reading waits for the
    device. A call of several steps has the extremes of its last batch.
    """

    def __init__(self) -> None:
        self._found: collections.deque[Sequence[tf.Tensor]] = collections.deque(maxlen=1_000)
        self._calls = 0
        self._skipped = 0

    def add(self, found: Sequence[tf.Tensor]) -> None:
        """Adds the `extremes` of a batch, one tensor per replica."""
        self._found.append(found)
        self._calls += 1

    def end_epoch(self, skipped: int, num_classes: int) -> None:
        """Warns about each batch that caused a skipped step, and forgets the batches.

        Args:
            skipped: int, number of all steps that were skipped so far.
            num_classes: int, K.
        """
        if skipped > self._skipped:
            self._warn(num_classes)
        self._found.clear()
        self._calls, self._skipped = 0, skipped

    def _warn(self, num_classes: int) -> None:
        first = self._calls - len(self._found) + 1
        for number, found in enumerate(self._found, start=first):
            try:
                check_extremes(np.stack([part.numpy() for part in found]), num_classes)
            except DataError as error:
                warnings.warn(
                    f"The training step of batch {number} was skipped, because the batch is "
                    f"wrong: {error}",
                    stacklevel=2,
                )
