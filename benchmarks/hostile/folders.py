"""Hostile folders of images."""

import os
import pathlib
import random

import numpy as np
from PIL import Image

from benchmarks.hostile.judging import Case

NAMES = [
    "cat",
    "dog",
    "0",
    "1",
    "2",
    "10",
    "Train",
    "train",
    "test",
    "TEST",
    "validation",
    "val",
    "training",
    "my pictures",
    "-rf",
    "--help",
    "a'b",
    'a"b',
    "a;b",
    "$HOME",
    "*",
    "ä",
    "日本語",
    "e\u0301",
    "new\nline",
    "tab\there",
    "trailing.",
    " ",
    "x" * 200,
    "CON",
    ".hidden",
    "__MACOSX",
    "node_modules",
    "a.png",
    "..x",
    b"\xff\xfe".decode(errors="surrogateescape"),
]
MODES = ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV", "I", "F", "I;16"]
ENDINGS = [".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".PNG", ".JPG"]
ENDINGS += [".ppm", ".ico", ".txt", ".svg", ".heic", ".tfrecord", "", ".png.gz", ".jpg~"]
SIZES = [*[None] * 8, *[8] * 6, 4, 1, 0, -1, 3, 33, 2**40]


def _pixels(rng: random.Random, side: int) -> np.ndarray:
    return np.frombuffer(rng.randbytes(side * side * 3), np.uint8).reshape(side, side, 3)


def _write_image(rng: random.Random, path: pathlib.Path, side: int, height: int) -> None:
    """Writes an image of a random mode, with metadata or several frames."""
    image = Image.fromarray(_pixels(rng, side)).resize((side, height))
    mode = rng.choice(MODES) if rng.random() < 0.5 else "RGB"
    try:
        image = image.convert("L").convert(mode) if mode in ("I", "F", "I;16") else image
        image = image.convert(mode)
    except ValueError:
        pass
    more: dict[str, object] = {}
    if rng.random() < 0.2:
        exif = Image.Exif()
        exif[0x0112] = rng.choice([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 255])
        more["exif"] = exif
    if rng.random() < 0.1:
        more |= {"save_all": True, "append_images": [image] * rng.randint(1, 3)}
    known = {".jpg": "JPEG", ".jpeg": "JPEG", ".tif": "TIFF", ".tiff": "TIFF"}
    ending = path.suffix.lower()
    kind = rng.choice(["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF"])
    if rng.random() < 0.9:
        kind = known.get(ending, ending[1:].upper())
    try:
        image.save(path, kind, **more)
    except Exception:  # Not all formats take all modes; the file is then what it is.
        if not path.is_dir():
            path.write_bytes(rng.randbytes(8))


def _damage(rng: random.Random, path: pathlib.Path) -> None:
    """Damages a file, or replaces it by something that is not a regular file."""
    way = rng.randrange(9)
    if not path.is_file() or path.is_symlink():
        return
    content = path.read_bytes()
    if way == 0:
        path.write_bytes(b"")
    elif way == 1:
        path.write_bytes(content[: rng.randint(0, len(content))])
    elif way == 2:
        path.write_bytes(rng.randbytes(rng.randint(1, 200)))
    elif way == 3 and len(content) > 20:
        # The size in a PNG's header: up to 2^31 pixels a side.
        path.write_bytes(content[:16] + rng.choice([b"\x7f\xff", b"\x00\x00"]) + content[18:])
    elif way == 4:
        path.unlink()
        path.symlink_to(rng.choice([path.name, "missing", "..", "/dev/zero", "/dev/null"]))
    elif way == 5:
        path.unlink()
        os.mkfifo(path)
    elif way == 6:
        path.unlink()
        path.mkdir()
    elif way == 7:
        path.write_bytes(content + rng.randbytes(50))
    else:
        path.chmod(0)


def make_folder(rng: random.Random, folder: pathlib.Path) -> None:
    """Fills a folder with images, classes, splits, links and other files."""
    parents = [folder]
    calm = rng.random() < 0.4
    for _ in range(rng.choice([0, 2, 2, 3]) if calm else rng.choice([0, 1, 2, 3, 5])):
        above = folder if calm else rng.choice(parents[:1] * 3 + parents)
        parent = above / rng.choice(["cat", "dog", "ä b", "10", "2"] if calm else NAMES)
        parent.mkdir(parents=True, exist_ok=True)
        parents.append(parent)
    if len(parents) > 1 and (calm or rng.random() < 0.8):
        parents = parents[1:]
    ending, side = rng.choice(ENDINGS[:9]), rng.randint(1, 9)
    height = side if rng.random() < 0.7 else rng.randint(1, 9)
    sizes, damage = rng.choice([0.0, 0.0, 0.2]), rng.choice([0.0, 0.0, 0.1])
    for number in range(rng.choice([0, 1, 3, 10, 20, 20, 40, 40])):
        own = ending if rng.random() >= damage else rng.choice(ENDINGS)
        stem = str(number) if rng.random() >= damage else rng.choice(NAMES)
        path = rng.choice(parents) / f"{stem}{own}"
        if not path.is_dir():
            own_side = side if rng.random() >= sizes else rng.randint(1, 9)
            _write_image(rng, path, own_side, height)
            if rng.random() < damage:
                _damage(rng, path)
    if rng.random() < 0.15:
        link = rng.choice(parents) / rng.choice(["link", "cat", "z.png"])
        if not link.exists() and not link.is_symlink():
            targets = [folder, folder.parent, parents[-1], pathlib.Path("loop")]
            link.symlink_to(rng.choice(targets))
    for name in rng.sample([".DS_Store", "Thumbs.db", "labels.csv", "README"], rng.randint(0, 2)):
        (rng.choice(parents) / name).write_text("x")


def folder_case(rng: random.Random, folder: pathlib.Path) -> Case:
    """Returns the loading of a hostile folder."""
    from training import data

    root = folder / "data"
    root.mkdir()
    make_folder(rng, root)
    size = rng.choice(SIZES)
    refuse = rng.random() < 0.2

    def load() -> None:
        loaded = data.load(str(root), image_size=size, refuse_unreadable=refuse)
        splits = (loaded.train, loaded.validation, loaded.test)
        labels = [split.labels for split in splits if split.labels is not None]
        if loaded.num_classes:
            used = set(np.concatenate(labels).tolist())
            if used != set(range(loaded.num_classes)):
                raise AssertionError(f"classes without images: {loaded.class_names}, {used}")

    count = sum(len(files) for _, _, files in os.walk(root))
    return Case(f"folder of {count} files, image_size={size}, refuse_unreadable={refuse}", load)
