"""The TensorFlow Datasets builder of `digits`, which is loaded like any other set."""

import csv
import gzip
import importlib.resources
from collections.abc import Iterator

import numpy as np
import tensorflow_datasets as tfds

from training.data.splitting import hash_order

SIDE = 8
NUM_CLASSES = 10
MAX_VALUE = 16
TEST_PER_CLASS = 40
VALIDATION_PER_CLASS = 20


def read_digits() -> tuple[np.ndarray, np.ndarray]:
    """Reads the file in the package, in its order.

    Returns:
        `uint8` images `[1797, 8, 8, 1]` and their `int64` labels `[1797]`. A value `v` of 0..16
        in the file becomes `round(v * 255 / 16)`.
    """
    file = importlib.resources.files("training.data.digits") / "optical_digits.csv.gz"
    with file.open("rb") as raw, gzip.open(raw, "rt", encoding="ascii", newline="") as text:
        table = np.array(list(csv.reader(text)), np.float64)
    images = np.round(table[:, :-1] * 255 / MAX_VALUE).astype(np.uint8)
    return images.reshape(-1, SIDE, SIDE, 1), table[:, -1].astype(np.int64)


def split_rows(labels: np.ndarray) -> dict[str, np.ndarray]:
    """Returns the rows of the file that belong to each split, the same rows every time.

    Within each class, rows are sorted by the SHA-256 of their number in the file. The first 40
    rows are the test split, the next 20 the validation split, the others the train split.
    """
    order = hash_order(map(str, range(len(labels))))
    rows: dict[str, list[int]] = {"train": [], "validation": [], "test": []}
    for label in range(NUM_CLASSES):
        members = order[labels[order] == label].tolist()
        rows["test"] += members[:TEST_PER_CLASS]
        rows["validation"] += members[TEST_PER_CLASS : TEST_PER_CLASS + VALIDATION_PER_CLASS]
        rows["train"] += members[TEST_PER_CLASS + VALIDATION_PER_CLASS :]
    return {name: np.sort(np.array(members, np.int64)) for name, members in rows.items()}


class Digits(tfds.core.GeneratorBasedBuilder):
    """Optical Recognition of Handwritten Digits, the 1,797 images of 13 writers.

    Source: E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, 1998; CC BY 4.0.
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First release."}

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            description="Handwritten digits of 8x8 pixels, from 13 writers.",
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(SIDE, SIDE, 1)),
                    "label": tfds.features.ClassLabel(num_classes=NUM_CLASSES),
                }
            ),
            supervised_keys=("image", "label"),
            homepage="https://doi.org/10.24432/C50P49",
            license="CC BY 4.0",
        )

    def _split_generators(
        self, dl_manager: tfds.download.DownloadManager
    ) -> dict[str, Iterator[tuple[int, dict[str, object]]]]:
        del dl_manager  # Nothing is downloaded.
        images, labels = read_digits()
        return {
            name: self._generate_examples(images, labels, rows)
            for name, rows in split_rows(labels).items()
        }

    def _generate_examples(
        self, images: np.ndarray, labels: np.ndarray, rows: np.ndarray
    ) -> Iterator[tuple[int, dict[str, object]]]:
        for row in rows.tolist():
            yield row, {"image": images[row], "label": int(labels[row])}
