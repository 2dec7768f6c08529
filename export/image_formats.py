"""Decoders of image formats in a TensorFlow graph, with the pixels that Pillow decodes.

Each function takes a file and returns its first frame in colour and the place of its EXIF data. It
refuses files for which TensorFlow's pixels differ from Pillow's.
"""

import tensorflow as tf

from export.file_bytes import MAX_PARTS, FileBytes, Part, no_part, require, select

Decoded = tuple[tf.Tensor, Part]
_BYTES = [bytes([value]) for value in range(256)]


def decode_jpeg(data: FileBytes) -> Decoded:
    """Decodes a JPEG file, with the exact transform, which Pillow uses too."""

    def unfinished(position: tf.Tensor, *_: tf.Tensor) -> tf.Tensor:
        marker = data.number(position + 1, 1)
        return data.contains(position, b"\xff") & (marker != 0xDA) & (marker != 0xD9)

    def visit(
        position: tf.Tensor,
        start: tf.Tensor,
        end: tf.Tensor,
        components: tf.Tensor,
        has_adobe: tf.Tensor,
    ) -> tuple[tf.Tensor, ...]:
        marker = data.number(position + 1, 1)
        is_padding = marker == 0xFF
        is_empty = (marker <= 0x01) | ((marker >= 0xD0) & (marker <= 0xD8))
        length = select(is_empty, 0, data.number(position + 2, 2))
        following = select(is_padding, position + 1, position + 2 + length)
        is_exif = (marker == 0xE1) & data.contains(position + 4, b"Exif\0\0") & (start < 0)
        is_frame = (marker >= 0xC0) & (marker <= 0xCF)
        is_frame &= tf.reduce_all(marker != [0xC4, 0xC8, 0xCC])
        is_adobe = (marker == 0xEE) & data.contains(position + 4, b"Adobe")
        return (
            following,
            select(is_exif, position + 4, start),
            select(is_exif, following, end),
            select(is_frame, data.number(position + 9, 1), components),
            has_adobe | is_adobe,
        )

    first = (tf.constant(2, tf.int64), *no_part(), tf.constant(0, tf.int64), tf.constant(False))
    position, start, end, components, has_adobe = tf.while_loop(
        unfinished, visit, first, maximum_iterations=MAX_PARTS
    )
    complete = require(data.contains(position, b"\xff\xda"), "The JPEG file is damaged.")
    supported = require(
        (components == 1) | (components == 3) | ((components == 4) & has_adobe),
        "The JPEG file is neither grey nor colour, or it is CMYK without Adobe's marker. Convert "
        "it to PNG.",
    )
    with tf.control_dependencies([complete, supported]):
        image = tf.io.decode_jpeg(data.content, channels=3, dct_method="INTEGER_ACCURATE")
    return image, (start, end)


def decode_png(data: FileBytes) -> Decoded:
    """Decodes a PNG file; transparency is dropped, and 16 bits lose the lower 8."""

    def find_exif() -> Part:
        return data.find_part(
            8,
            lambda position: position + 12 + data.number(position, 4),
            name=b"eXIf",
            name_at=4,
            trailer=4,
        )

    start, end = tf.cond(data.matches(b"eXIf"), find_exif, no_part)
    hidden = data.matches(rb"(tEXt|zTXt|iTXt)Raw profile type exif\x00") & (start < 0)
    compressed = data.matches(rb"XML:com\.adobe\.xmp\x00\x01")
    readable = require(
        ~(hidden | compressed),
        "The PNG file has EXIF or XMP data in a text chunk, which may turn the image and which a "
        "server does not read. Remove this data.",
    )
    with tf.control_dependencies([readable]):
        return tf.io.decode_png(data.content, channels=3), (start, end)


def decode_webp(data: FileBytes) -> Decoded:
    """Decodes a WebP file that is not an animation; transparency is dropped."""
    flags = select(data.contains(12, b"VP8X"), data.number(20, 1), 0)
    is_lossless = data.contains(12, b"VP8L")
    alpha = select(is_lossless, data.number(24, 1) & 0x10, flags & 0x10)
    still = require(
        (flags & 0x02) == 0,
        "The WebP file is an animation, which a server does not decode. Convert a frame to PNG.",
    )

    def next_part(position: tf.Tensor) -> tf.Tensor:
        length = data.number(position + 4, 4, little=True)
        return position + 8 + length + length % 2

    def find_exif() -> Part:
        return data.find_part(12, next_part, name=b"EXIF", name_at=0, trailer=0)

    def decode(channels: int) -> tf.Tensor:
        image = tf.io.decode_image(data.content, channels=channels, expand_animations=False)
        return tf.ensure_shape(image, (None, None, channels))[..., :3]

    with tf.control_dependencies([still]):
        image = tf.cond(alpha != 0, lambda: decode(4), lambda: decode(3))
    return image, tf.cond((flags & 0x08) != 0, find_exif, no_part)


def decode_bmp(data: FileBytes) -> Decoded:
    """Decodes a BMP file of 24 or 32 bits without compression, or of 8 bits grey."""
    header = data.number(14, 4, little=True)
    bits = data.number(28, 2, little=True)
    colours = data.read(14 + header, 1024)
    grey = tf.repeat(tf.range(256, dtype=tf.int64), 3)
    is_grey = tf.reduce_all(tf.reshape(tf.reshape(colours, [256, 4])[:, :3], [-1]) == grey)
    is_grey &= data.number(10, 4, little=True) == 14 + header + 1024
    plain = (header >= 40) & (data.number(30, 4, little=True) == 0)
    supported = require(
        plain & ((bits == 24) | (bits == 32) | ((bits == 8) & is_grey)),
        "A server decodes only BMP files of 24 or 32 bits without compression, or of 8 bits grey. "
        "Convert it to PNG.",
    )
    with tf.control_dependencies([supported]):
        image = tf.io.decode_image(data.content, channels=3, expand_animations=False)
    return image, no_part()


def decode_gif(data: FileBytes) -> Decoded:
    """Decodes the first frame of a GIF file; transparent pixels get the colour of the palette."""

    def skip_blocks(position: tf.Tensor) -> tf.Tensor:
        (after,) = tf.while_loop(
            lambda p: (data.number(p, 1) != 0) & (p < data.size),
            lambda p: (p + 1 + data.number(p, 1),),
            (position,),
            maximum_iterations=MAX_PARTS,
        )
        return after + 1

    def visit(position: tf.Tensor, control: tf.Tensor, count: tf.Tensor) -> tuple[tf.Tensor, ...]:
        is_control = data.number(position + 1, 1) == 0xF9
        return (
            skip_blocks(position + 2),
            select(is_control, position + 3, control),
            count + tf.cast(is_control, tf.int64),
        )

    flags = data.number(10, 1)
    colours = tf.bitwise.left_shift(tf.constant(2, tf.int64), flags & 7)
    start = select((flags & 0x80) != 0, 13 + 3 * colours, 13)
    position, control, count = tf.while_loop(
        lambda position, *_: data.contains(position, b"\x21"),
        visit,
        (start, tf.constant(-1, tf.int64), tf.constant(0, tf.int64)),
        maximum_iterations=MAX_PARTS,
    )
    corner = data.read(position + 1, 4) == 0
    size = data.read(position + 5, 4) == data.read(6, 4)
    supported = require(
        data.contains(position, b"\x2c")
        & tf.reduce_all(corner)
        & tf.reduce_all(size)
        & (count <= 1),
        "The GIF file is damaged, or its first frame does not fill the image. Convert it to PNG.",
    )
    with tf.control_dependencies([supported]):
        opaque = tf.cond(
            count == 1, lambda: _without_transparency(data, control), lambda: data.content
        )
        image = tf.io.decode_image(opaque, channels=3, expand_animations=False)
    return image, no_part()


def _without_transparency(data: FileBytes, control: tf.Tensor) -> tf.Tensor:
    """Returns the GIF file without a transparent colour, whose pixels TensorFlow leaves black.

    Args:
        data: the file.
        control: position of the flags of the first frame's graphic control extension.
    """
    flags = data.number(control, 1) & 0xFE
    before = tf.strings.substr(data.content, tf.zeros_like(control), control)
    after = tf.strings.substr(data.content, control + 1, data.size)
    return tf.strings.join([before, tf.gather(tf.constant(_BYTES), flags), after])
