"""Hostile `.npz` files."""

import pathlib
import random
import zipfile
from typing import Any

import numpy as np

from benchmarks.hostile.judging import Case

SHAPES = [(8, 8), (8, 8, 1), (8, 8, 3), (8, 8, 3), (4, 6, 3), (3, 8, 8), (1, 8, 8), (8, 8, 5), (8,)]
SHAPES += [(), (0, 0, 3), (1, 1, 1), (8, 8, 4), (8, 8, 2), (2, 8, 8, 3)]
DTYPES = ["uint8"] * 5 + ["float32", "float64", "int64", "uint16", "bool", "float16", "complex64"]
DTYPES += ["int8", "U3", "S2", "O", "datetime64[s]", ">u2"]
COUNTS = [0, 1, 2, 3, 9, 10, 30, 60, 60, 60]


def _images(rng: random.Random, shape: tuple[int, ...]) -> np.ndarray:
    numbers = np.random.default_rng(rng.randrange(2**32))
    dtype = rng.choice(DTYPES) if rng.random() < 0.4 else "uint8"
    high = rng.choice([256, 256, 256, 2, 1, 4096, 65536])
    values: np.ndarray = numbers.integers(0, high, shape).astype("float64")
    if dtype.startswith("float"):
        values = values * rng.choice([1.0, 1 / 255, -1.0, 1e30])
        if values.size and rng.random() < 0.3:
            values.flat[0] = rng.choice([np.nan, np.inf, -np.inf])
    with np.errstate(all="ignore"):
        return values.astype("int64").astype(dtype) if dtype[0] not in "f" else values.astype(dtype)


def _labels(rng: random.Random, count: int) -> np.ndarray:
    classes = rng.choice([1, 2, 3, 10])
    plain = np.arange(count) % classes
    ways: list[Any] = [
        plain,
        plain.astype(rng.choice(["uint8", "int32", "float32", "uint64", "bool", "O"])),
        plain + 1,
        plain - 1,
        plain * 10**9,
        plain + 0.5,
        np.where(plain == 0, np.nan, plain.astype(float)),
        np.eye(classes)[plain],
        plain[:, np.newaxis],
        plain[:-1],
        np.array(["cat", "dog", "ant"])[plain % 3],
        np.array(0),
        np.full(count, 2**63, "uint64"),
        np.full(count, 2**31),
        plain * 7,
    ]
    return np.asarray(rng.choice([*[plain] * 8, *ways]))


def _arrays(rng: random.Random) -> dict[str, np.ndarray]:
    shape = rng.choice(SHAPES) if rng.random() < 0.4 else (8, 8, 3)
    count = rng.choice(COUNTS)
    if rng.random() < 0.6:
        arrays = {
            rng.choice(["images"] * 8 + ["x", "data", "arr_0"]): _images(rng, (count, *shape))
        }
        if rng.random() < 0.6:
            arrays["labels"] = _labels(rng, count)
        return arrays
    test = count if rng.random() < 0.7 else rng.choice(COUNTS)
    other = shape if rng.random() < 0.9 else rng.choice(SHAPES)
    arrays = {"x_train": _images(rng, (count, *shape)), "x_test": _images(rng, (test, *other))}
    arrays |= {"y_train": _labels(rng, count), "y_test": _labels(rng, test)}
    for name in rng.sample(sorted(arrays), rng.choice([0, 0, 0, 1, 2])):
        del arrays[name]
    return arrays


def arrays_case(rng: random.Random, folder: pathlib.Path) -> Case:
    """Returns the loading of a hostile `.npz` file."""
    from training import data

    path = folder / rng.choice(["data.npz"] * 8 + ["data.NPZ", "data.npy", "data", "ä b.npz"])
    arrays = _arrays(rng)
    with path.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
    way = rng.randrange(30)
    content = path.read_bytes()
    if way == 0:
        path.write_bytes(content[: rng.randint(0, len(content))])
    elif way == 1:
        path.write_bytes(rng.randbytes(rng.randint(0, 300)))
    elif way == 2:
        place = rng.randrange(len(content))
        path.write_bytes(content[:place] + rng.randbytes(8) + content[place + 8 :])
    elif way == 3:
        path.unlink()
        path.mkdir()
    elif way == 4:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("images.npy", rng.randbytes(100))
    elif way == 5:
        path.unlink()
    size = rng.choice([*[None] * 8, 8, 8, 8, 4, 0, -3, 2**40])
    shapes = {name: f"{array.dtype}{list(array.shape)}" for name, array in arrays.items()}

    def load() -> None:
        loaded = data.load(str(path), image_size=size)
        if loaded.train.images.dtype != np.uint8:
            raise AssertionError(f"images of {loaded.train.images.dtype}")
        labels = loaded.train.labels
        if labels is not None and len(np.unique(labels)) < loaded.num_classes / 2:
            raise AssertionError(
                f"{loaded.num_classes} classes, of which {len(np.unique(labels))} have images"
            )

    return Case(f"{path.name} {shapes}, image_size={size}, damage {way}", load)
