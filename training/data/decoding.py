"""Decoding of one image file to 8-bit pixels."""

import dataclasses
import hashlib
import pathlib

import numpy as np
from PIL import Image, ImageOps

# Modes of grey images with more than 8 bits, which Pillow would clip instead of scale.
_DEEP_MODES = ("I", "I;16", "I;16L", "I;16B", "I;16N")
_GREY_MODES = ("1", "L", "LA", *_DEEP_MODES)
_SIGNATURES = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "AVIF", "JPEG2000")
"""Formats that are recognised in files without an extension, by their first bytes."""

_NAMED_ONLY = frozenset(("BUFR", "GRIB", "HDF5", "MPEG", "WMF"))
"""Formats that Pillow recognises and cannot decode on Linux."""


class UnsupportedDepth(Exception):
    """The values of an image do not fit into 16 bits, or are not whole numbers."""


@dataclasses.dataclass(frozen=True)
class Decoded:
    """A decoded image.

    Args:
        pixels: `uint8` array of shape `[H, W, 1]` or `[H, W, 3]`.
        digest: a hash of the pixels in their original size. A grey image has the same digest
            with one channel and with three equal channels.
        peak: the largest value of a 16-bit image in 0..65535; `None` for an 8-bit image.
        pages: whether the file contains further pictures, such as the pages of a TIFF file.
    """

    pixels: np.ndarray
    digest: bytes
    peak: int | None
    pages: bool


def image_extensions() -> frozenset[str]:
    """Returns the extensions of all files that Pillow can read, in lower case."""
    known = Image.registered_extensions()
    kinds = Image.OPEN.keys() - _NAMED_ONLY
    return frozenset(extension for extension, kind in known.items() if kind in kinds)


def looks_like_image(path: pathlib.Path, extensions: frozenset[str]) -> bool:
    """Returns whether a file has an image's extension or, without extension, its first bytes."""
    suffix = path.suffix.lower()
    if suffix:
        return suffix in extensions
    try:
        with Image.open(path, formats=_SIGNATURES):
            return True
    except Exception:  # Pillow raises many types for files that are not images.
        return False


def decode(path: pathlib.Path) -> Decoded:
    """Decodes an image file.

    The image is turned according to its EXIF data. Transparency is dropped. The 16-bit value `v`
    becomes `v >> 8`. Of several pictures in a file, the first is decoded.

    Raises:
        UnsupportedDepth: if the image has floating-point values, or values outside of 0..65535.
        Exception: of many types, if the file is damaged.
    """
    with Image.open(path) as opened:
        # Pillow reduces colour images of 16 bits to their high bytes.
        high_bytes = any(";16" in str(tile[3]) for tile in opened.tile)
        image = ImageOps.exif_transpose(opened)
        # Several pictures of a phone's JPEG file are versions of one picture.
        pages = opened.format != "MPO" and getattr(opened, "is_animated", False)
    if image.mode == "F":
        raise UnsupportedDepth("floating-point values")
    peak = None
    if image.mode in _DEEP_MODES:
        values = np.asarray(image, np.int64)
        if values.min() < 0 or values.max() > 65535:
            raise UnsupportedDepth(f"values from {values.min()} to {values.max()}")
        peak = int(values.max())
        pixels = (values >> 8).astype(np.uint8)[..., np.newaxis]
    elif image.mode in _GREY_MODES:
        pixels = np.asarray(image.convert("L"))[..., np.newaxis]
    else:
        pixels = np.asarray(image.convert("RGB"))
    if peak is None and high_bytes:
        peak = int(pixels.max()) << 8 | 255
    return Decoded(pixels, digest_of(pixels), peak, pages)


def digest_of(pixels: np.ndarray) -> bytes:
    """Returns a hash of an image `[H, W, C]` that is equal for images of equal content."""
    if pixels.shape[-1] == 3 and np.all(pixels == pixels[..., :1]):
        pixels = pixels[..., :1]
    head = "x".join(map(str, pixels.shape)).encode()
    return hashlib.blake2b(head + pixels.tobytes(), digest_size=16).digest()
