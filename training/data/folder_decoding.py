"""Decoding of the image files of a folder, in threads."""

import concurrent.futures
import dataclasses
import pathlib

import numpy as np

from training.data.decoding import Decoded, UnsupportedDepth, decode
from training.data.resizing import resize_array
from training.data.text import listed, number_of, printable
from zoo.errors import UserError

_LEAST_BITS = 15
"""16-bit images whose largest value has fewer bits are refused: they would be almost black."""


@dataclasses.dataclass(frozen=True)
class DecodedFolder:
    """The readable images of a folder by key: `[H, W, C]` arrays, digests and peaks."""

    images: dict[str, np.ndarray]
    digests: dict[str, bytes]
    peaks: dict[str, int]
    pages: list[str]
    unsupported: dict[str, str]


def decode_all(files: dict[str, pathlib.Path], image_size: int | None) -> DecodedFolder:
    """Decodes files in threads, and resizes them.

    Files that cannot be read are left out.

    Raises:
        UserError: if a file has a depth that cannot be read as 8 or 16 bits.
    """

    def attempt(path: pathlib.Path) -> Decoded | str | None:
        try:
            decoded = decode(path)
        except UnsupportedDepth as error:
            return str(error)
        except Exception:  # Pillow raises many types for damaged files.
            return None
        if image_size is None:
            return decoded
        pixels = resize_array(decoded.pixels[np.newaxis], image_size)[0]
        return dataclasses.replace(decoded, pixels=pixels)

    result = DecodedFolder({}, {}, {}, [], {})
    with concurrent.futures.ThreadPoolExecutor() as executor:
        for key, one in zip(files, executor.map(attempt, files.values()), strict=True):
            if isinstance(one, str):
                result.unsupported[key] = one
            elif one is not None:
                result.images[key] = one.pixels
                result.digests[key] = one.digest
                if one.peak is not None:
                    result.peaks[key] = one.peak
                if one.pages:
                    result.pages.append(key)
    if result.unsupported:
        key, what = next(iter(result.unsupported.items()))
        raise UserError(
            f"{number_of(len(result.unsupported), 'image file')} cannot be read as 8-bit or "
            f"16-bit images, e.g. {printable(key)} with {what}. Scale the values to 0..255 and "
            "save 8-bit images."
        )
    return result


def check_depth(shown: str, decoded: DecodedFolder) -> None:
    """Refuses 16-bit files with values of fewer bits, which would be almost black images."""
    if not decoded.peaks:
        return
    brightest = max(decoded.peaks, key=decoded.peaks.__getitem__)
    bits = decoded.peaks[brightest].bit_length()
    if bits < _LEAST_BITS:
        raise UserError(
            f"{shown} has {number_of(len(decoded.peaks), '16-bit image file')}, but their values "
            f"have only {bits} bits (the largest is {decoded.peaks[brightest]} of 65535, in "
            f"{printable(brightest)}). As 16-bit images they would be almost black. Save them as "
            f"8-bit images, e.g. (numpy.asarray(image) * (255 / {max(2**bits - 1, 1)}))"
            '.astype("uint8").'
        )


def pages(decoded: DecodedFolder) -> list[str]:
    """Returns a warning about files with several pages, if there are any."""
    if not decoded.pages:
        return []
    return [
        f"{number_of(len(decoded.pages), 'file')} with several pages or frames: only the first "
        f"one of each file is used ({listed(decoded.pages)})."
    ]
