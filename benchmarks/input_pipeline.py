"""Speed of the input pipeline alone, in images per second of one core.

`python -m benchmarks.input_pipeline [--unlabelled-batches 5] [--batch-size 64] [--side 32]`
"""

import dataclasses
import resource
import time
from typing import Any

import numpy as np
import tensorflow as tf
import tyro

from training.data.image_data import Split
from training.data.pipeline import Stream, training_dataset
from training.data.views import StrongView

VIEWS: dict[str, dict[str, Any]] = {
    "plain": {},
    "weak": {"shift": 4, "flip": True},
    "weak and strong": {
        "shift": 4,
        "flip": True,
        "strong": StrongView(strength=1.0, cutout=0.5),
    },
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """Shape of the streams, and length of the measurement."""

    batch_size: int = 64
    """Labelled images of a batch."""
    unlabelled_batches: int = 5
    """Unlabelled images for each labelled image."""
    side: int = 32
    """Height and width of the images in pixels."""
    channels: int = 3
    """Channels of the images."""
    steps: int = 100
    """Batches of a measurement."""


def images_per_second(options: Options, **views: Any) -> float:
    """Returns images per second of processor time; the first ten batches are not counted."""
    shape = (50_000, options.side, options.side, options.channels)
    images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    split = Split(images, np.zeros(len(images), np.int64))
    streams = {
        "labelled": Stream(split, np.arange(4_000), with_labels=True),
        "unlabelled": Stream(
            split,
            np.arange(4_000, 50_000),
            with_plain=True,
            multiple=options.unlabelled_batches,
            strong_share=float("strong" in views),
        ),
    }
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
    before, start = _processor_seconds(), time.perf_counter()
    for _ in range(options.steps):
        next(batches)
    spent, passed = _processor_seconds() - before, time.perf_counter() - start
    count = options.steps * options.batch_size * (1 + options.unlabelled_batches)
    print(f"  {count / passed:,.0f} images per second, {count / spent:,.0f} of one core")
    return count / spent


def _processor_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Measures each setting of the views."""
    options = tyro.cli(Options, description=__doc__)
    for name, views in VIEWS.items():
        print(name)
        images_per_second(options, **views)


if __name__ == "__main__":
    main()
