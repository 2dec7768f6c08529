"""Reading of image files as the folder loader reads them, with Pillow."""

import os

import numpy as np
import PIL
import PIL.Image
import PIL.ImageOps

from zoo.errors import UserError

_DEEP_MODES = ("I", "I;16", "I;16L", "I;16B", "I;16N")
_GREY_MODES = ("1", "L", "LA")


def read_image(path: str | os.PathLike) -> np.ndarray:
    """Reads an image file of any type that Pillow reads.

    The pixels are those that a folder of such files trains on: the image is turned according to its
    EXIF data, transparency is dropped, and the 16-bit value `v` becomes `v >> 8`.

    Args:
        path: the file.

    Returns:
        uint8 array `[height, width, 1 or 3]`.

    Raises:
        UserError: a file that is not an image, is damaged, or has values that do not fit into 16
            bits.
        OSError: the file cannot be opened.
    """
    try:
        with PIL.Image.open(path) as opened:
            image = PIL.ImageOps.exif_transpose(opened)
    except (FileNotFoundError, PermissionError, IsADirectoryError):
        raise
    except PIL.UnidentifiedImageError:
        raise UserError(f"{path} is not an image file. Give a PNG or JPEG file.") from None
    except Exception as error:  # Pillow raises many types for damaged files.
        raise UserError(f"{path} is damaged: {error}. Give another file.") from None
    if image.mode in _DEEP_MODES:
        values = np.asarray(image, np.int64)
        if values.min() < 0 or values.max() > 65535:
            raise UserError(
                f"{path} has values from {values.min()} to {values.max()}, expected 8 or 16 bits. "
                "Convert it to 8 bits."
            )
        return (values >> 8).astype(np.uint8)[..., np.newaxis]
    if image.mode == "F":
        raise UserError(f"{path} has floating-point values. Convert it to 8 bits.")
    if image.mode in _GREY_MODES:
        return np.asarray(image.convert("L"))[..., np.newaxis]
    return np.asarray(image.convert("RGB"))
