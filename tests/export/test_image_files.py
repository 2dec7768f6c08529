"""Image files in requests: the pixels are those of the folder loader, or the file is refused."""

import contextlib
import io
import struct
import warnings
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from export.client.image_file import read_image
from export.image_files import decode_image_file
from export.signatures import signatures
from tests.support.small_tasks import make_classifier
from training.data.folder import load_folder
from zoo.errors import UserError

HEIGHT, WIDTH = 11, 14
MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16")
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF")
REFUSED = {("TIFF", mode) for mode in MODES} | {("BMP", "P"), ("BMP", "1")}

decode = tf.function(decode_image_file, autograph=False).get_concrete_function(
    tf.TensorSpec([], tf.string)
)


def picture(mode="RGB", seed=0):
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    rgb = np.stack([x * 18, y * 22, x * y * 3 % 256], -1).astype("uint8")
    grey = Image.fromarray(rgb[..., 0])
    alpha = Image.fromarray(random.integers(0, 256, (HEIGHT, WIDTH), dtype="uint8"))
    if mode == "I;16":
        return Image.fromarray(random.integers(0, 65536, (HEIGHT, WIDTH), dtype="uint16"))
    if mode == "LA":
        return Image.merge("LA", [grey, alpha])
    if mode == "RGBA":
        return Image.merge("RGBA", [*Image.fromarray(rgb).split(), alpha])
    if mode == "P":
        return Image.fromarray(rgb).quantize(30)
    return (grey if mode in ("1", "L") else Image.fromarray(rgb)).convert(mode)


def save(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def loaded(folder, content, kind):
    """Returns the colour image that the folder loader reads, None if it skips the file."""
    for split in ("train", "validation", "test"):
        (folder / split).mkdir(parents=True, exist_ok=True)
    for earlier in (folder / "train").iterdir():
        earlier.unlink()
    (folder / "train" / f"a.{kind.lower()}").write_bytes(content)
    with Image.open(io.BytesIO(content)) as opened:
        sizes = {opened.size, opened.size[::-1]}
    for width, height in sizes:
        for split in ("validation", "test"):
            Image.new("RGB", (width, height)).save(folder / split / "b.png")
        try:
            return load_folder(folder).train.images[0]
        except UserError:
            continue
    return None


def compare(folder, content, kind):
    """Checks a file; returns the reason if the graph refuses it, None if the pixels agree."""
    try:
        answer = decode(tf.constant(content)).numpy()
    except tf.errors.InvalidArgumentError as error:
        return error.message
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = loaded(folder, content, kind)
    assert expected is not None, "The loader skips the file and the server answers."
    np.testing.assert_array_equal(answer, expected)
    return None


def chunk(name, content):
    crc = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", crc)


def png(colour, bits, extra=b""):
    """Returns a PNG file of random pixels of any colour type and depth."""
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[colour]
    random = np.random.default_rng(colour * 100 + bits)
    rows = random.bytes(HEIGHT * (1 + (WIDTH * bits * channels + 7) // 8))
    length = len(rows) // HEIGHT
    rows = b"".join(b"\0" + rows[i * length + 1 : (i + 1) * length] for i in range(HEIGHT))
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, bits, colour, 0, 0, 0)
    body = chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


def exif(orientation, *, order="<", kind=3, count=1, before=0):
    """Returns EXIF data with an orientation, in either byte order, after some other tags."""
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    tags = [struct.pack(order + "HHII", 0x0100 + i, 4, 1, 7) for i in range(before)]
    value = struct.pack(order + ("HH" if kind == 3 else "I"), *([orientation, 0][: 5 - kind]))
    tags.append(struct.pack(order + "HHI", 0x0112, kind, count) + value)
    return head + struct.pack(order + "H", len(tags)) + b"".join(tags) + b"\0\0\0\0"


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("mode", MODES)
def test_modes_and_formats(tmp_path, mode, kind):
    try:
        content = save(picture(mode), kind)
    except (OSError, ValueError):
        pytest.skip(f"{kind} has no mode {mode}")
    reason = compare(tmp_path, content, kind)
    assert (reason is not None) == ((kind, mode) in REFUSED), reason
    assert reason is None or "Convert it to PNG" in reason


@pytest.mark.parametrize("orientation", range(10))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("order", "<>")
def test_orientations(tmp_path, kind, order, orientation):
    for mode in ("RGB", "L"):
        data = exif(orientation, order=order, kind=3 + orientation % 2, before=orientation % 4)
        prefix = b"Exif\0\0" if kind == "JPEG" else b""
        content = save(picture(mode), kind, exif=prefix + data)
        assert compare(tmp_path, content, kind) is None


def test_bit_depths(tmp_path):
    files = [png(0, bits) for bits in (1, 2, 4, 8, 16)]
    files += [png(colour, bits) for colour in (2, 4, 6) for bits in (8, 16)]
    files += [png(0, 8, chunk(b"tRNS", b"\0\5")), png(2, 16, chunk(b"tRNS", b"\0\5" * 3))]
    files += [save(picture().quantize(2**bits), "PNG", bits=bits) for bits in (1, 2, 4)]
    files += [save(picture("P"), "PNG", transparency=t) for t in (3, bytes(range(0, 240, 8)))]
    for content in files:
        assert compare(tmp_path, content, "PNG") is None


def test_flags_of_encoders(tmp_path):
    for quality in (30, 95):
        for options in ({"subsampling": 0}, {"subsampling": 2}, {"progressive": True}):
            content = save(picture(), "JPEG", quality=quality, **options)
            assert compare(tmp_path, content, "JPEG") is None
    for options in ({"keep_rgb": True}, {"icc_profile": bytes(200_000)}, {"comment": b"tiff"}):
        assert compare(tmp_path, save(picture(), "JPEG", **options), "JPEG") is None
    for options in ({"lossless": True}, {"lossless": True, "exact": True}, {"quality": 10}):
        for mode in ("RGB", "RGBA"):
            assert compare(tmp_path, save(picture(mode), "WEBP", **options), "WEBP") is None
    for options in ({"interlace": 1}, {"interlace": 0}, {"transparency": 3}, {"comment": b"a"}):
        assert compare(tmp_path, save(picture("P"), "GIF", **options), "GIF") is None


def test_the_first_frame_of_animations(tmp_path):
    for mode in ("RGB", "RGBA", "P"):
        frames = {"save_all": True, "append_images": [picture(mode).rotate(180)]}
        assert compare(tmp_path, save(picture(mode), "GIF", **frames), "GIF") is None
        for default_image in (False, True):
            content = save(picture(mode), "PNG", default_image=default_image, **frames)
            assert compare(tmp_path, content, "PNG") is None
        assert "animation" in compare(tmp_path, save(picture(mode), "WEBP", **frames), "WEBP")


def test_what_decoders_read_differently_is_refused(tmp_path):
    jpeg = save(picture("CMYK"), "JPEG")
    assert b"Adobe" in jpeg
    xmp = b'http://ns.adobe.com/xap/1.0/\0<x tiff:Orientation="%d"/>'
    small = save(picture("P"), "GIF").replace(b"\x2c\0\0\0\0", b"\x2c\1\0\0\0")
    damaged = b"Exif\0\0II*\0\x99\0\0\0"
    text = chunk(b"tEXt", b"Raw profile type exif\0\nexif\n")
    cases = {
        "neither grey nor colour": jpeg.replace(b"Adobe", b"Mdobe"),
        "XMP": save(picture(), "JPEG", xmp=xmp[29:] % 6),
        "text chunk": png(2, 8, text),
        "does not fill": small,
        "not a JPEG": b"no image",
        "EXIF data of the image is damaged": save(picture(), "JPEG", exif=damaged),
        "JPEG file is damaged": save(picture(), "JPEG")[:30],
    }
    for reason, content in cases.items():
        assert reason in compare(tmp_path, content, "x")
    assert compare(tmp_path, save(picture(), "JPEG", xmp=xmp[29:] % 1), "JPEG") is None
    for twice in (exif(6, count=2), exif(6).replace(b"\1\0\x12\1", b"\2\0\x12\1")):
        content = save(picture(), "JPEG", exif=b"Exif\0\0" + twice)
        assert "damaged" in compare(tmp_path, content, "JPEG")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "WEBP"])
def test_truncated_files_are_refused_and_hostile_ones_end(kind):
    content = save(picture(), kind)
    random = np.random.default_rng(0)
    for length in random.integers(0, len(content), 20):
        with pytest.raises(tf.errors.InvalidArgumentError):
            decode(tf.constant(content[:length]))
    head = content[:60]
    for filler in (b"\0", b"\xff", b"\x21", b"\xff\xe0\0\2"):
        with contextlib.suppress(tf.errors.InvalidArgumentError):  # But no endless loop.
            decode(tf.constant(head + filler * 500_000))


@pytest.mark.parametrize("kind", FORMATS)
def test_the_client_reads_files_as_the_loader_does(tmp_path, kind):
    for mode in MODES:
        with contextlib.suppress(OSError, ValueError):
            content = save(picture(mode), kind, exif=b"Exif\0\0" + exif(6))
            expected = loaded(tmp_path, content, kind)
            path = next((tmp_path / "train").iterdir())
            if expected is not None:
                shown = np.broadcast_to(read_image(path), expected.shape)
                np.testing.assert_array_equal(shown, expected)
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match="damaged|not an image"):
        read_image(path)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_turned_photo_has_the_class_that_it_has_in_training(tmp_path, channels):
    classifier = make_classifier((8, 8, channels))
    content = save(picture(), "JPEG", exif=b"Exif\0\0" + exif(6))
    served = signatures(classifier)["image_bytes"].trace()(tf.constant([content, content]))
    expected = classifier.predict(loaded(tmp_path, content, "JPEG")[np.newaxis])[0]
    np.testing.assert_allclose(served["probabilities"], [expected] * 2, atol=1e-5)
    plain = classifier.predict(np.asarray(picture())[np.newaxis])[0]
    assert np.abs(plain - expected).max() > 1e-3
