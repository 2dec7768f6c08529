"""Tests of bit depths and modes of image files."""

import pathlib

import numpy as np
import pytest
from PIL import Image

from training.data import load
from training.data.decoding import decode
from zoo.errors import UserError

RAMP = np.linspace(0, 1, 64).reshape(8, 8)


def save_all(root: pathlib.Path, pixels: np.ndarray, suffix: str, count: int = 4) -> str:
    for i in range(count):
        Image.fromarray(np.roll(pixels, i)).save(root / f"{i}{suffix}")
    return str(root)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("bits", [1, 8, 10, 12, 14])
def test_few_bits_in_16_bit_files_are_refused(tmp_path, bits, suffix):
    pixels = (RAMP * (2**bits - 1)).astype(np.uint16)
    with pytest.raises(UserError, match=f"have only {bits} bits.*255 / {2**bits - 1}"):
        load(save_all(tmp_path, pixels, suffix))


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bits_are_scaled(tmp_path, suffix):
    pixels = (RAMP * 65535).astype(np.uint16)
    data = load(save_all(tmp_path, pixels, suffix))
    expected = (np.roll(pixels, 0) >> 8).astype(np.uint8)
    images = np.concatenate([data.train.images, data.validation.images, data.test.images])
    assert any(np.array_equal(image[..., 0], expected) for image in images)


def test_a_dark_image_among_bright_16_bit_images_keeps_its_brightness(tmp_path):
    save_all(tmp_path, (RAMP * 65535).astype(np.uint16), ".png")
    dark = (RAMP * 4095).astype(np.uint16)
    Image.fromarray(dark).save(tmp_path / "dark.png")
    load(str(tmp_path))
    assert np.array_equal(decode(tmp_path / "dark.png").pixels[..., 0], dark >> 8)


def test_colour_files_of_16_bits(tmp_path):
    """Pillow cannot write these files, so the test writes the bytes."""
    for name, maximum in (("full", 65535), ("twelve", 4095)):
        folder = tmp_path / name
        folder.mkdir()
        for i in range(4):
            values = (np.roll(RAMP, i)[..., None] * [1, 0.5, 0.2] * maximum).astype(np.uint16)
            write_png16(folder / f"{i}.png", values)
    image = decode(tmp_path / "full" / "0.png")
    assert image.peak == 65535 and image.pixels[7, 7].tolist() == [255, 127, 51]
    load(str(tmp_path / "full"))
    with pytest.raises(UserError, match="have only 12 bits"):
        load(str(tmp_path / "twelve"))


def write_png16(path: pathlib.Path, values: np.ndarray) -> None:
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    height, width, _ = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    head = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    "pixels",
    [RAMP.astype(np.float32), (RAMP * 1e6).astype(np.int32), (RAMP * 255 - 9).astype(np.int32)],
)
def test_values_that_are_not_pixels_are_refused(tmp_path, pixels):
    with pytest.raises(UserError, match="4 image files cannot be read as 8-bit or 16-bit"):
        load(save_all(tmp_path, pixels, ".tif"))


def test_almost_black_images_are_reported(tmp_path, capsys):
    load(save_all(tmp_path, (RAMP * 9).astype(np.uint8), ".png"))
    assert "almost black: their brightest value is 9 of 255" in capsys.readouterr().err


def test_further_pages_are_reported(tmp_path):
    for i in range(4):
        first, second = (
            Image.fromarray(np.random.default_rng(10 * i + j).integers(0, 256, (4, 4), np.uint8))
            for j in range(2)
        )
        first.save(tmp_path / f"{i}.tif", save_all=True, append_images=[second])
    data = load(str(tmp_path))
    assert data.warnings[0].startswith("4 files with several pages or frames: only the first")
