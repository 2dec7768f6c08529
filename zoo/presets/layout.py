"""File and class names of the preset format. They are fixed, because saved presets use them."""

import hashlib
import pathlib

FORMAT = 1

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.weights.h5"
WEIGHTS_INDEX_FILE = "model.weights.json"
TASK_FILE = "task.json"
TASK_WEIGHTS_FILE = "task.weights.h5"
PREPROCESSOR_FILE = "preprocessor.json"
METADATA_FILE = "metadata.json"
TRAINER_FILE = "trainer.json"
CARD_FILE = "README.md"
SHEET_FILE = "sheet.png"
GOLDEN_FILE = "golden.npz"
FILES = (
    CONFIG_FILE,
    WEIGHTS_FILE,
    WEIGHTS_INDEX_FILE,
    TASK_FILE,
    TASK_WEIGHTS_FILE,
    PREPROCESSOR_FILE,
    METADATA_FILE,
    TRAINER_FILE,
    CARD_FILE,
    SHEET_FILE,
    GOLDEN_FILE,
)
SHARDS = "model_*.weights.h5"

BACKBONE = "NetworkBackbone"
PREPROCESSOR = "NetworkImagePreprocessor"
# Class in task.json (an adapter for keras-hub) -> class of `zoo.tasks`.
TASKS = {"NetworkImageClassifier": "ImageClassifier", "NetworkImageGenerator": "ImageGenerator"}
# Class of `zoo.tasks` -> sub-folder that contains it in a preset of another task.
PART_FOLDERS = {"ImageGenerator": "generator"}


def fingerprint(path: pathlib.Path) -> dict[str, int | str]:
    """Returns a file's size in bytes and its SHA-256."""
    with path.open("rb") as file:
        return {
            "size": path.stat().st_size,
            "sha256": hashlib.file_digest(file, "sha256").hexdigest(),
        }
