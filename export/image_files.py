"""Decoding of image files in a served graph, with the pixels that a folder of them trains on.

The folder loader decodes with Pillow. A file that TensorFlow's operations decode in another way is
refused with the reason.
"""

import tensorflow as tf

from export.exif import find_orientation, turn
from export.file_bytes import FileBytes, require
from export.image_formats import decode_bmp, decode_gif, decode_jpeg, decode_png, decode_webp

_XMP_TURNS = rb"tiff:Orientation(=\"|>)[2-8]"


def decode_image_file(content: tf.Tensor) -> tf.Tensor:
    """Decodes a JPEG, PNG, GIF (first frame), BMP or WebP file and turns it upright.

    The result is colour, because TensorFlow's decoders convert to grey in another way than
    `zoo.images.prepare`.

    Args:
        content: string scalar, the bytes of the file.

    Returns:
        uint8 tensor `[height, width, 3]`.

    Raises:
        tf.errors.InvalidArgumentError: when the graph runs, for any other content, and for a file
            that TensorFlow decodes in another way than Pillow. The message states the reason.
    """
    data = FileBytes(content)
    decoders = {
        decode_jpeg: data.contains(0, b"\xff\xd8\xff"),
        decode_png: data.contains(0, b"\x89PNG\r\n\x1a\n"),
        decode_gif: data.contains(0, b"GIF87a") | data.contains(0, b"GIF89a"),
        decode_bmp: data.contains(0, b"BM"),
        decode_webp: data.contains(0, b"RIFF") & data.contains(8, b"WEBP"),
    }
    kinds = tf.stack(list(decoders.values()))
    known = require(
        tf.reduce_any(kinds),
        "The content is not a JPEG, PNG, GIF, BMP or WebP image; a server decodes only these. "
        "Convert it to PNG.",
    )
    with tf.control_dependencies([known]):
        kind = tf.argmax(tf.cast(kinds, tf.int32), output_type=tf.int32)
    image, start, end = tf.switch_case(
        kind, [lambda decode=decode: _flat(decode(data)) for decode in decoders]
    )
    orientation = find_orientation(data, (start, end))
    is_turned = (orientation == 0) & data.matches(_XMP_TURNS)
    upright = require(
        ~is_turned,
        "The image has its orientation in XMP data only, which a server does not read. Turn its "
        "pixels, or convert it to PNG.",
    )
    with tf.control_dependencies([upright]):
        return turn(tf.ensure_shape(image, (None, None, 3)), orientation)


def _flat(decoded: tuple[tf.Tensor, tuple[tf.Tensor, tf.Tensor]]) -> tuple[tf.Tensor, ...]:
    image, (start, end) = decoded
    return image, start, end
