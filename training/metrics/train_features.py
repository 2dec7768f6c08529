"""`python -m training.metrics.train_features --data mnist`: trains a shipped feature network.

Adam under one cosine of the learning rate, random shifts (and mirroring with `--flip`), on the
train split alone. The accuracy that is recorded is that of the stored, rounded weights on the test
split.
"""

import argparse
import hashlib
import json
import os
import pathlib
import sys
import time
from typing import TYPE_CHECKING

from training.metrics.feature_cnn import FOLDER
from zoo.environment import prepare_tensorflow
from zoo.errors import UserError

if TYPE_CHECKING:
    import keras

    from training.data.image_data import ImageData

BATCH = 128
LEARNING_RATE = 4e-3
SHIFT = 2


def train_features(
    data_name: str,
    *,
    data_dir: str | None,
    manual_dir: str | None,
    epochs: int,
    flip: bool,
    seed: int,
    folder: pathlib.Path,
) -> dict[str, object]:
    """Trains a network and writes `DATA-cnn.npz` and `DATA-cnn.json` to a folder.

    Args:
        data_name: a labelled image set, as `--data` of the other commands.
        data_dir: folder of sets that TFDS has prepared.
        manual_dir: folder of the set's original files.
        epochs: passes over the train split.
        flip: whether images are mirrored at random.
        seed: of weights, order and augmentation.
        folder: where the two files go.

    Returns:
        What is recorded: recipe, accuracy, checksum.

    Raises:
        UserError: data that cannot be had, or have no labels.
    """
    import keras
    import numpy as np

    from training import data as data_sets
    from training.metrics.error_rate import error_rate
    from training.metrics.feature_cnn import FeatureCNN, Shipped, weights_file

    data = data_sets.load(data_name, data_dir=data_dir, manual_dir=manual_dir)
    if not data.num_classes:
        raise UserError(f"{data_name} has no labels to train features on.")
    keras.utils.set_random_seed(seed)
    network = FeatureCNN(data.image_shape, data.num_classes)
    images = keras.Input(data.image_shape)
    shift = SHIFT if data.image_shape[0] >= 16 else 0
    started = time.monotonic()
    classifier = keras.Model(images, network(images)[1])
    _fit(classifier, data, epochs=epochs, shift=shift, flip=flip, seed=seed)
    content = weights_file(network)
    name = data.name.replace("/", "_")
    record: dict[str, object] = {
        "data": data.name,
        "image_shape": list(data.image_shape),
        "num_classes": data.num_classes,
        "sha256": hashlib.sha256(content).hexdigest(),
        "train_images": len(data.train),
        "test_images": len(data.test),
        "epochs": epochs,
        "batch_size": BATCH,
        "learning_rate": LEARNING_RATE,
        "shift": shift,
        "flip": flip,
        "seed": seed,
        "seconds": round(time.monotonic() - started),
    }
    _write(folder / f"{name}-cnn.npz", content)
    stored = Shipped(folder / f"{name}-cnn.npz", record).load()
    rounded = keras.Model(images, stored(images)[1])
    record["test_accuracy"] = round(1.0 - error_rate(rounded, data.test), 4)
    record["parameters"] = int(np.sum([np.prod(w.shape) for w in network.weights]))
    _write(folder / f"{name}-cnn.json", (json.dumps(record, indent=2) + "\n").encode())
    return record


def _fit(
    classifier: "keras.Model", data: "ImageData", *, epochs: int, shift: int, flip: bool, seed: int
) -> None:
    """Trains a classifier that gives logits on the train split."""
    import keras
    import tensorflow as tf

    from training.data.pipeline import Stream, training_dataset
    from zoo.images import to_float

    steps = max(len(data.train) // BATCH, 1)
    rate = keras.optimizers.schedules.CosineDecay(
        LEARNING_RATE / 10, steps * epochs, warmup_target=LEARNING_RATE, warmup_steps=steps // 3
    )
    classifier.compile(
        keras.optimizers.Adam(rate), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    dataset = training_dataset(
        {"all": Stream(data.train, with_labels=True)},
        batch_size=BATCH,
        seed=seed,
        shift=shift,
        flip=flip,
        strategy=tf.distribute.get_strategy(),
    )
    classifier.fit(
        dataset.map(lambda batch: (to_float(batch["all"]["images"]), batch["all"]["labels"])),
        steps_per_epoch=steps,
        epochs=epochs,
        verbose=2,
    )


def _write(path: pathlib.Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content)
    os.replace(part, path)


def main(arguments: list[str]) -> int:
    """Runs the command; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m training.metrics.train_features", description=__doc__
    )
    parser.add_argument("--data", required=True, help="labelled image set")
    parser.add_argument("--data-dir", help="folder with data sets that TFDS has prepared")
    parser.add_argument("--manual-dir", help="folder with the data set's original files")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--flip", action="store_true", help="mirror images at random")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=pathlib.Path, default=FOLDER, help="folder of the two files")
    options = parser.parse_args(arguments)
    prepare_tensorflow()
    try:
        if options.epochs < 1:
            raise UserError(f"--epochs must be at least 1, given {options.epochs}.")
        record = train_features(
            options.data,
            data_dir=options.data_dir,
            manual_dir=options.manual_dir,
            epochs=options.epochs,
            flip=options.flip,
            seed=options.seed,
            folder=options.out,
        )
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(json.dumps(record))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
