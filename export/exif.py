"""The EXIF orientation of an image file, in a TensorFlow graph."""

import tensorflow as tf

from export.file_bytes import FileBytes, Part, require, select

_ORIENTATION = 0x0112
_SHORT, _LONG = 3, 4
_DAMAGED = "The EXIF data of the image is damaged. Remove it, or convert the image to PNG."


def find_orientation(data: FileBytes, part: Part) -> tf.Tensor:
    """Returns the orientation in EXIF data, or 0 without EXIF data or orientation.

    Args:
        data: the file.
        part: start and end of the EXIF data, with or without the prefix `Exif`.

    Returns:
        int64 scalar.

    Raises:
        tf.errors.InvalidArgumentError: when the graph runs, for damaged data.
    """
    start, end = part
    for _ in range(2):  # Some programs write the prefix twice.
        start = select((start >= 0) & data.contains(start, b"Exif\0\0"), start + 6, start)
    present = (start >= 0) & (start < end)
    return tf.cond(present, lambda: _read(data, start, end), lambda: tf.constant(0, tf.int64))


def _read(data: FileBytes, start: tf.Tensor, end: tf.Tensor) -> tf.Tensor:
    little = data.contains(start, b"II*\0")
    header = require(
        (little | data.contains(start, b"MM\0*")) & (start + 8 <= end) & (end <= data.size),
        _DAMAGED,
    )
    with tf.control_dependencies([header]):
        directory = start + data.number(start + 4, 4, little=little)
    count = data.number(directory, 2, little=little)
    fits = require((directory > start) & (directory + 2 + 12 * count <= end), _DAMAGED)
    with tf.control_dependencies([fits]):
        entries = tf.reshape(data.read(directory + 2, 12 * count), [-1, 12])
    high_first = tf.where(little, tf.reverse(entries[:, :2], [1]), entries[:, :2])
    places = tf.where(high_first[:, 0] * 256 + high_first[:, 1] == _ORIENTATION)[:, 0]
    return tf.cond(
        tf.size(places) > 0,
        lambda: _read_entry(data, directory + 2 + 12 * places[0], tf.size(places), little),
        lambda: tf.constant(0, tf.int64),
    )


def _read_entry(
    data: FileBytes, position: tf.Tensor, entries: tf.Tensor, little: tf.Tensor
) -> tf.Tensor:
    kind = data.number(position + 2, 2, little=little)
    single = data.number(position + 4, 4, little=little) == 1
    readable = require(single & ((kind == _SHORT) | (kind == _LONG)) & (entries == 1), _DAMAGED)
    with tf.control_dependencies([readable]):
        short = data.number(position + 8, 2, little=little)
    value = select(kind == _SHORT, short, data.number(position + 8, 4, little=little))
    # A value outside 1..8 turns nothing, but it hides an orientation in XMP data.
    return select(value == 0, 1, value)


def turn(image: tf.Tensor, orientation: tf.Tensor) -> tf.Tensor:
    """Turns an image upright.

    Args:
        image: tensor `[height, width, channels]`.
        orientation: int64 scalar, the EXIF orientation; values outside 2..8 change nothing.
    """
    transposed = (orientation >= 5) & (orientation <= 8)
    mirrored = tf.reduce_any(orientation == [2, 3, 6, 7])
    flipped = tf.reduce_any(orientation == [3, 4, 7, 8])
    upright = tf.cond(transposed, lambda: tf.transpose(image, (1, 0, 2)), lambda: image)
    columns = tf.cond(mirrored, lambda: tf.reverse(upright, [1]), lambda: upright)
    return tf.cond(flipped, lambda: tf.reverse(columns, [0]), lambda: columns)
