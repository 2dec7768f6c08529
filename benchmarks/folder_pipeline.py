"""Images per second of a folder of JPEG files: the load into memory, then the batches of training.

`python -m benchmarks.folder_pipeline [--images 3000] [--file-side 256] [--batch-size 64]`
"""

import dataclasses
import pathlib
import resource
import tempfile
import time
from typing import Any

import numpy as np
import tensorflow as tf
import tyro
from PIL import Image

from training import data
from training.data.pipeline import Stream, training_dataset

SIDES = (64, 128)
VIEWS: dict[str, dict[str, Any]] = {"plain": {}, "--shift 4 --flip": {"shift": 4, "flip": True}}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """The files, and the length of the measurement."""

    images: int = 3000
    """Number of files."""
    file_side: int = 256
    """Height and width of the pictures in the files."""
    batch_size: int = 64
    """Images of a batch."""
    steps: int = 200
    """Batches of a measurement."""


def picture(rng: np.random.Generator, side: int) -> Image.Image:
    """Returns noise whose spectrum falls with the frequency, as that of photographs does."""
    total = np.zeros((side, side, 3))
    cells = 4
    while cells <= side:
        noise = rng.integers(0, 256, (cells, cells, 3), np.uint8)
        part = Image.fromarray(noise).resize((side, side), Image.Resampling.BICUBIC)
        total += (np.asarray(part, float) - 128.0) / cells
        cells *= 2
    scaled = 128.0 + 60.0 * total / total.std()
    return Image.fromarray(scaled.clip(0, 255).astype("uint8"))


def write_files(folder: pathlib.Path, options: Options) -> int:
    """Writes the files; returns their bytes."""
    rng = np.random.default_rng(0)
    for number in range(options.images):
        picture(rng, options.file_side).save(folder / f"{number:06}.jpg", quality=90)
    return sum(file.stat().st_size for file in folder.iterdir())


def measure(folder: pathlib.Path, side: int, options: Options) -> None:
    """Prints the rates for one size of the images."""
    start, before = time.perf_counter(), _processor_seconds()
    split = data.load(str(folder), image_size=side).train
    passed, spent = time.perf_counter() - start, _processor_seconds() - before
    print(
        f"{side} pixels, load: {options.images / passed:,.0f} images/s, "
        f"{options.images / spent:,.0f} of one core; largest memory so far {_peak_mb():,.0f} MB"
    )
    streams = {"real": Stream(split, np.arange(len(split)))}
    for name, views in VIEWS.items():
        batches = iter(
            training_dataset(
                streams,
                batch_size=options.batch_size,
                seed=0,
                strategy=tf.distribute.get_strategy(),
                **views,
            )
        )
        for _ in range(10):
            next(batches)
        start, before = time.perf_counter(), _processor_seconds()
        for _ in range(options.steps):
            next(batches)
        passed, spent = time.perf_counter() - start, _processor_seconds() - before
        count = options.steps * options.batch_size
        print(f"  {name}: {count / passed:,.0f} images/s, {count / spent:,.0f} of one core")


def _processor_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Writes the files, and measures each size."""
    options = tyro.cli(Options, description=__doc__)
    with tempfile.TemporaryDirectory() as name:
        size = write_files(pathlib.Path(name), options)
        print(f"{options.images:,} files of {size / options.images / 1000:,.1f} kB on average")
        for side in SIDES:
            measure(pathlib.Path(name), side, options)


if __name__ == "__main__":
    main()
