"""Names of a preset's files and of what they hold; never renamed, since they are a file format."""

import hashlib
import pathlib

FORMAT = 1

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.weights.h5"
TASK_FILE = "task.json"
TASK_WEIGHTS_FILE = "task.weights.h5"
METADATA_FILE = "metadata.json"
CARD_FILE = "README.md"
FILES = (CONFIG_FILE, WEIGHTS_FILE, TASK_FILE, TASK_WEIGHTS_FILE, METADATA_FILE, CARD_FILE)

BACKBONE = "NetworkBackbone"
# The class in task.json (an adapter for keras-hub) -> the class of `zoo.tasks`.
TASKS = {"NetworkImageClassifier": "ImageClassifier", "NetworkImageGenerator": "ImageGenerator"}
# Where a preset of another task holds this one.
PART_FOLDERS = {"ImageGenerator": "generator"}


def fingerprint(path: pathlib.Path) -> dict[str, int | str]:
    """Returns a file's size in bytes and its SHA-256."""
    with path.open("rb") as file:
        return {
            "size": path.stat().st_size,
            "sha256": hashlib.file_digest(file, "sha256").hexdigest(),
        }
