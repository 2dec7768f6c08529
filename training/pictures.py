"""Picture files, whose format follows from the ending of their name."""

import os
import pathlib
from typing import TYPE_CHECKING, Any

from zoo.errors import UserError

if TYPE_CHECKING:
    import numpy as np

_SETTINGS: dict[str, dict[str, Any]] = {
    ".png": {"format": "PNG"},
    ".jpg": {"format": "JPEG", "quality": 95, "subsampling": 0},
    ".jpeg": {"format": "JPEG", "quality": 95, "subsampling": 0},
    ".webp": {"format": "WEBP", "lossless": True},
    ".gif": {"format": "GIF"},
}
PICTURE_ENDINGS = tuple(_SETTINGS)
"""The endings of picture files. PNG and WebP are exact; JPEG and colour GIF are approximate."""


def check_ending(path: pathlib.Path, *, option: str, endings: tuple[str, ...]) -> None:
    """Raises UserError unless the file's name ends in one of `endings`, in any case.

    Args:
        path: the file that an option names.
        option: the option, for the message.
        endings: the endings that it accepts.
    """
    if path.suffix.lower() not in endings:
        raise UserError(f"{option} must end in {', '.join(endings)}; given {str(path)!r}.")


def save_picture(path: pathlib.Path, picture: "np.ndarray", *, least_pixels: int = 640) -> None:
    """Writes a picture, whole or not at all, in the format of its ending.

    Small pictures are enlarged by an integer factor to about `least_pixels`.

    Args:
        path: a file with one of `PICTURE_ENDINGS`.
        picture: uint8 `[h, w, c]`, with 1 or 3 channels.
        least_pixels: int, the length of the longer side after enlargement.
    """
    from PIL import Image

    image = Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture)
    factor = max(1, least_pixels // max(image.size))
    image = image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        image.save(part, **_SETTINGS[path.suffix.lower()])
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
