"""The record of a run's data, `data.json`, and its comparison with the data that are there now."""

import hashlib
import json
import pathlib
from typing import Any

import numpy as np

from training.data.image_data import ImageData, Split
from training.run_folder import write_text
from zoo.errors import UserError

DATA_FILE = "data.json"
MAX_BYTES = 2**30
"""Maximal number of bytes of images that the digest of one split reads."""

_BLOCK = 2**24
_NAMES_SHOWN = 5
_NO_IMAGES = {"images": 0, "digest": None}


def data_record(data: ImageData) -> dict[str, Any]:
    """Describes data by their counts, class names and digests.

    Args:
        data: the images.

    Returns:
        The content of `data.json`: the name, the image shape, the class names, and for each split
        the number of images, the number of images per class, and a digest of all pixels and labels
        in order.
    """
    return {
        "name": data.name,
        "image_shape": list(data.image_shape),
        "class_names": list(data.class_names),
        "splits": {
            name: _split_record(split, data.num_classes) for name, split in data.splits.items()
        },
    }


def _split_record(split: Split, num_classes: int) -> dict[str, Any]:
    record: dict[str, Any] = {"images": len(split), "digest": split_digest(split)}
    if split.labels is not None:
        counts = np.bincount(np.asarray(split.labels), minlength=num_classes)
        record["images_per_class"] = counts.tolist()
    return record


def split_digest(split: Split) -> str:
    """Returns a digest of the pixels and labels of a split, in order.

    Images of more than 1 GiB are memory-mapped and would take minutes to read. Their digest reads
    1 GiB of images, evenly spaced from the first to the last, and all labels.
    """
    images, count = split.images, len(split)
    digest = hashlib.blake2b(digest_size=16)
    digest.update(f"{images.dtype} {images.shape}".encode())
    bytes_per_image = max(images.nbytes // max(count, 1), 1)
    rows_per_block = max(_BLOCK // bytes_per_image, 1)
    if images.nbytes <= MAX_BYTES:
        for start in range(0, count, rows_per_block):
            digest.update(np.ascontiguousarray(images[start : start + rows_per_block]).data)
    else:
        for row in np.linspace(0, count - 1, max(MAX_BYTES // bytes_per_image, 2), dtype=np.int64):
            digest.update(np.ascontiguousarray(images[row]).data)
    if split.labels is not None:
        digest.update(np.ascontiguousarray(split.labels).data)
    return digest.hexdigest()


def write_data_record(folder: pathlib.Path, data: ImageData) -> None:
    """Writes `data.json` into the folder of a run, unless it exists."""
    if not (folder / DATA_FILE).exists():
        write_text(folder / DATA_FILE, json.dumps(data_record(data), indent=2) + "\n")


def read_data_record(folder: pathlib.Path) -> dict[str, Any] | None:
    """Reads `data.json` of a run; None if the run has none.

    Raises:
        UserError: the file cannot be read, or is damaged.
    """
    path = folder / DATA_FILE
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror}.") from None
    except ValueError:
        raise _damaged(path) from None
    if not isinstance(stored, dict) or not isinstance(stored.get("class_names"), list):
        raise _damaged(path)
    return stored


def check_same_data(folder: pathlib.Path, data: ImageData) -> None:
    """Checks that data are those that a run was trained on; a run without `data.json` passes.

    Args:
        folder: the folder of the run.
        data: the images that are there now.

    Raises:
        UserError: the data differ; the message lists in what.
    """
    stored = read_data_record(folder)
    if stored is None:
        return
    try:
        changes = data_changes(stored, data_record(data))
    except (KeyError, TypeError, AttributeError):
        raise _damaged(folder / DATA_FILE) from None
    if changes:
        raise UserError(
            f"The data have changed since the run {folder} began:\n  "
            + "\n  ".join(changes)
            + "\nRestore the data of the run, or start a new run with another --run-dir."
        )


def data_changes(stored: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Lists the differences between two records of data; empty if the data are the same.

    Args:
        stored: the content of a `data.json`.
        now: the record of the present data.
    """
    changes = class_changes(stored["class_names"], now["class_names"])
    names = [] if changes else now["class_names"]
    if stored["image_shape"] != now["image_shape"]:
        shapes = ["x".join(map(str, one["image_shape"])) for one in (stored, now)]
        changes.append(f"image shape: {shapes[0]} in the run, {shapes[1]} now")
    for name in dict.fromkeys([*stored["splits"], *now["splits"]]):
        old, new = (one["splits"].get(name, _NO_IMAGES) for one in (stored, now))
        if old["images"] != new["images"]:
            line = f"{name} split: {old['images']:,} images in the run, {new['images']:,} now"
            changes.append(line + _moved(old, new, names))
        elif old["digest"] != new["digest"]:
            changes.append(
                f"{name} split: {new['images']:,} images as in the run, but other pixels, labels "
                "or order" + _moved(old, new, names)
            )
    return changes


def class_changes(stored: list[str], now: list[str], *, where: str = "the run") -> list[str]:
    """Lists the differences between two lists of class names.

    Args:
        stored: the earlier names.
        now: the present names.
        where: where the earlier names are from, for the messages.
    """
    if stored == now:
        return []
    changes = [f"class {name!r}: in {where}, not now" for name in stored if name not in now]
    changes += [f"class {name!r}: not in {where}" for name in now if name not in stored]
    if changes and len(changes) <= 2 * _NAMES_SHOWN:
        return changes
    subject = "classes" if changes else "order of the classes"
    return [f"{subject}: {_names(stored)} in {where}, {_names(now)} now"]


def _moved(old: dict[str, Any], new: dict[str, Any], names: list[str]) -> str:
    """Returns the classes whose number of images differs, in parentheses."""
    before, after = old.get("images_per_class", []), new.get("images_per_class", [])
    if not len(before) == len(after) == len(names):
        return ""
    differing = [
        f"{name!r} {one:,}, now {two:,}"
        for name, one, two in zip(names, before, after, strict=True)
        if one != two
    ]
    shown = differing[:_NAMES_SHOWN] + ["..."] * (len(differing) > _NAMES_SHOWN)
    return f" (class {'; '.join(shown)})" if differing else ""


def _names(names: list[str]) -> str:
    shown = ", ".join(map(str, names[:_NAMES_SHOWN])) + ", ..." * (len(names) > _NAMES_SHOWN)
    return f"{len(names)} ({shown})" if names else "none"


def _damaged(path: pathlib.Path) -> UserError:
    return UserError(
        f"{path} is damaged. Delete it if you are sure that the data have not changed since the "
        "run began."
    )
