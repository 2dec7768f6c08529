"""`python -m training.metrics.train_features --data mnist`: trains a shipped feature network.

The network is trained on the train split with Adam, one cosine decay of the learning rate, and
random shifts (and mirroring with `--flip`). The recorded accuracy is that of the stored, rounded
weights on the test split.
"""

import dataclasses
import hashlib
import json
import os
import pathlib
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from zoo.command_line import parse_options
from zoo.environment import prepare_tensorflow
from zoo.errors import UserError

if TYPE_CHECKING:
    import keras

    from training.data.image_data import ImageData

BATCH = 128
LEARNING_RATE = 4e-3


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `python -m training.metrics.train_features`."""

    data: str
    """A labelled image set."""
    data_dir: str | None = None
    """Folder of data sets that TensorFlow Datasets has prepared."""
    manual_dir: str | None = None
    """Folder with the data set's original files."""
    epochs: int = 3
    """Passes over the train split."""
    network: Literal["cnn", "residual"] = "cnn"
    """Five convolutions, or the residual network, which takes longer and knows more."""
    shift: int = 2
    """Move images by up to so many pixels, if they have at least 16."""
    flip: bool = False
    """Mirror images at random."""
    seed: int = 0
    """Seed of weights, order and augmentation."""
    out: pathlib.Path | None = None
    """Folder for the two files (default: that of the shipped networks)."""


def train_features(options: Options) -> dict[str, object]:
    """Trains a network and writes `DATA-NETWORK.npz` and a `.json` file of this name.

    Returns:
        The record: settings, accuracy, checksum.

    Raises:
        UserError: if the data cannot be loaded, or have no labels.
    """
    import keras
    import numpy as np

    from training import data as data_sets
    from training.metrics.error_rate import error_rate
    from training.metrics.shipped_features import FOLDER, NETWORKS, ShippedNetwork, weights_file

    if options.epochs < 1:
        raise UserError(f"--epochs must be at least 1, given {options.epochs}.")
    if options.shift < 0:
        raise UserError(f"--shift must be at least 0, given {options.shift}.")
    data = data_sets.load(options.data, data_dir=options.data_dir, manual_dir=options.manual_dir)
    if not data.num_classes:
        raise UserError(
            f"{options.data} has no labels to train features on. Give a labelled data set."
        )
    keras.utils.set_random_seed(options.seed)
    network = NETWORKS[options.network](data.image_shape, data.num_classes)
    images = keras.Input(data.image_shape)
    shift = options.shift if data.image_shape[0] >= 16 else 0
    started = time.monotonic()
    _fit(keras.Model(images, network(images)[1]), data, options, shift=shift)
    content = weights_file(network)
    name = f"{data.name.replace('/', '_')}-{options.network}.npz"
    path = (options.out or FOLDER) / name
    record = _settings(data, options, shift=shift) | {
        "sha256": hashlib.sha256(content).hexdigest(),
        "seconds": round(time.monotonic() - started),
        "parameters": int(np.sum([np.prod(w.shape) for w in network.weights])),
    }
    _write(path, content)
    stored = ShippedNetwork(path, record).load()
    rounded = keras.Model(images, stored(images)[1])
    record["test_accuracy"] = round(1.0 - error_rate(rounded, data.test), 4)
    _write(path.with_suffix(".json"), (json.dumps(record, indent=2) + "\n").encode())
    return record


def _settings(data: "ImageData", options: Options, *, shift: int) -> dict[str, object]:
    return {
        "data": data.name,
        "network": options.network,
        "image_shape": list(data.image_shape),
        "num_classes": data.num_classes,
        "train_images": len(data.train),
        "test_images": len(data.test),
        "epochs": options.epochs,
        "batch_size": BATCH,
        "learning_rate": LEARNING_RATE,
        "shift": shift,
        "flip": options.flip,
        "seed": options.seed,
    }


def _fit(classifier: "keras.Model", data: "ImageData", options: Options, *, shift: int) -> None:
    """Trains a classifier that returns logits on the train split."""
    import keras
    import tensorflow as tf

    from training.data.pipeline import Stream, training_dataset
    from zoo.images import to_float

    steps = max(len(data.train) // BATCH, 1)
    rate = keras.optimizers.schedules.CosineDecay(
        LEARNING_RATE / 10,
        steps * options.epochs,
        warmup_target=LEARNING_RATE,
        warmup_steps=steps // 3,
    )
    classifier.compile(
        keras.optimizers.Adam(rate), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    dataset = training_dataset(
        {"all": Stream(data.train, with_labels=True)},
        batch_size=BATCH,
        seed=options.seed,
        shift=shift,
        flip=options.flip,
        strategy=tf.distribute.get_strategy(),
    )
    classifier.fit(
        dataset.map(lambda batch: (to_float(batch["all"]["images"]), batch["all"]["labels"])),
        steps_per_epoch=steps,
        epochs=options.epochs,
        shuffle=False,  # The batches are shuffled already.
        verbose=2,
    )


def _write(path: pathlib.Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content)
    os.replace(part, path)


def main(arguments: Sequence[str]) -> int:
    """Runs the command; returns the exit code."""
    options = parse_options(
        Options,
        arguments,
        command="python -m training.metrics.train_features",
        description=__doc__,
    )
    try:
        prepare_tensorflow()
        record = train_features(options)
    except (UserError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(json.dumps(record))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
