"""Loading of a folder of image files. Its sub-folders, if any, are the classes."""

import concurrent.futures
import dataclasses
import os
import pathlib
import sys

import numpy as np
from PIL import Image, ImageOps

from training.data.image_data import ImageData, Split
from training.data.resizing import resize_array
from training.data.splitting import HELD_OUT_DIVISOR, hash_order
from zoo.errors import UserError

EXTENSIONS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")
_SPLITS = ("train", "validation", "test")
_MAX_LISTED = 10
# Modes of 16-bit grey images, which Pillow would clip instead of scale.
_DEEP_MODES = ("I", "I;16", "I;16L", "I;16B")
_GREY_MODES = ("1", "L", "LA", *_DEEP_MODES)


@dataclasses.dataclass(frozen=True)
class _File:
    """An image file: its path, its path inside the data set, and the index of its class."""

    path: pathlib.Path
    key: str
    label: int | None


def load_folder(
    path: pathlib.Path, *, image_size: int | None = None, refuse_unreadable: bool = False
) -> ImageData:
    """Loads a folder of PNG, JPEG, BMP, GIF (first frame) or WebP files.

    Each sub-folder is a class, in alphabetical order, and contains all images below it.
    Sub-folders named `train`, `validation` and `test` are splits instead; each of them has the
    class folders. A missing split is taken from the train split: within each class, files are
    sorted by the SHA-256 of their path inside the folder. The first tenth is the test split and
    the next tenth the validation split, each with at least one file if the class has three.

    Images are rotated according to their EXIF data. Transparency is dropped. If all images are
    grey they get one channel, otherwise three. Names that begin with a dot are skipped. Files
    that cannot be read are skipped with a warning on standard error that lists them.

    Args:
        path: the folder.
        image_size: side of the resulting images in pixels, or `None` to keep their size.
        refuse_unreadable: raise an error for files that cannot be read.

    Raises:
        UserError: if there is no readable image, a split would be empty, the folder mixes the
            layouts above, or the images differ in size and `image_size` is `None`.
    """
    files, class_names = _list_splits(path)
    everything = sorted(sum(files.values(), []), key=lambda file: file.key)
    if not everything:
        raise UserError(f"There are no images ({', '.join(EXTENSIONS)}) in {path}.")
    images = _decode_all(everything, image_size)
    unreadable = [file for file in everything if file.path not in images]
    if unreadable and refuse_unreadable:
        raise UserError(
            f"{path} has {_named(unreadable)}. Repair or remove these files, or leave "
            "--refuse-unreadable out to skip them."
        )
    if unreadable:
        print(f"Warning: skipped {_named(unreadable)}", file=sys.stderr)
    if not images:
        raise UserError(f"None of the {len(everything)} images in {path} can be read.")
    shape = _common_shape(path, images)
    splits = {}
    for name in _SPLITS:
        readable = [file for file in files[name] if file.path in images]
        if not readable:
            raise UserError(
                f"The {name} split of {path} would be empty: {len(files[name])} files, none "
                "readable. A folder needs at least three readable images. If it has train/, "
                "validation/ or test/, each of them needs at least one."
            )
        splits[name] = _stack(readable, images, shape)
    return ImageData(name=path.resolve().name, class_names=class_names, **splits)


def _list_splits(root: pathlib.Path) -> tuple[dict[str, list[_File]], tuple[str, ...]]:
    """Returns the files of each split, sorted by path, and the class names."""
    given = [name for name in _SPLITS if (root / name).is_dir()]
    if not given:
        files, class_names = _list_files(root, root, None)
        return _divide(files, list(_SPLITS)), class_names
    unexpected = sorted(entry.name for entry in _visible(root) if entry.name not in given)
    unexpected = [name for name in unexpected if (root / name).is_dir() or _is_image(root / name)]
    if "train" not in given or unexpected:
        problem = f"also has {', '.join(unexpected[:_MAX_LISTED])}" if unexpected else "no train/"
        raise UserError(
            f"{root} has {'/, '.join(given)}/, but {problem}. Expected train/, optionally "
            "validation/ and test/, and no other folders or images."
        )
    files, class_names = _list_files(root / "train", root, None)
    splits = _divide(files, [name for name in _SPLITS if name == "train" or name not in given])
    for name in set(given) - {"train"}:
        splits[name], _ = _list_files(root / name, root, class_names)
    return splits, class_names


def _list_files(
    folder: pathlib.Path, root: pathlib.Path, class_names: tuple[str, ...] | None
) -> tuple[list[_File], tuple[str, ...]]:
    """Returns all image files below a folder and its class names.

    If `class_names` is given, the folder must not have other classes.
    """
    found: dict[str | None, list[pathlib.Path]] = {}
    for parent, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths = [pathlib.Path(parent, name) for name in names]
        inside = pathlib.Path(parent).relative_to(folder).parts
        images = [path for path in paths if _is_image(path)]
        if images:
            found.setdefault(inside[0] if inside else None, []).extend(images)
    if None in found and len(found) > 1:
        raise UserError(
            f"{folder} contains class folders and also images outside of them, e.g. "
            f"{min(found[None]).name}. Move these images into a class folder, or remove them."
        )
    names_here = tuple(sorted(name for name in found if name is not None))
    if class_names is not None and not set(names_here) <= set(class_names):
        raise UserError(
            f"{folder} has the classes {', '.join(names_here) or 'none'}, but train/ has "
            f"{', '.join(class_names) or 'none'}; they must be the same."
        )
    if class_names and None in found:
        raise UserError(f"{folder} must have the same class folders as train/.")
    classes = class_names if class_names is not None else names_here
    files = [
        _File(
            path, path.relative_to(root).as_posix(), None if name is None else classes.index(name)
        )
        for name, paths in found.items()
        for path in paths
    ]
    return sorted(files, key=lambda file: file.key), classes


def _visible(folder: pathlib.Path) -> list[pathlib.Path]:
    return [entry for entry in folder.iterdir() if not entry.name.startswith(".")]


def _is_image(path: pathlib.Path) -> bool:
    return path.suffix.lower() in EXTENSIONS and not path.name.startswith(".")


def _divide(files: list[_File], names: list[str]) -> dict[str, list[_File]]:
    """Divides files among the named splits, class by class; `names` includes `train`."""
    held_out = [name for name in ("test", "validation") if name in names]
    chosen: dict[str, list[int]] = {name: [] for name in names}
    order = hash_order(file.key for file in files).tolist()
    for label in dict.fromkeys(file.label for file in files):
        members = [position for position in order if files[position].label == label]
        each = len(members) // HELD_OUT_DIVISOR or int(len(members) > len(held_out))
        for name in held_out:
            chosen[name] += members[:each]
            members = members[each:]
        chosen["train"] += members
    return {name: [files[position] for position in sorted(chosen[name])] for name in names}


def _decode_all(files: list[_File], image_size: int | None) -> dict[pathlib.Path, np.ndarray]:
    """Returns the readable images by path, each of shape `[H, W, 1]` or `[H, W, 3]`."""

    def decode(file: _File) -> np.ndarray | None:
        try:
            image = _decode(file.path)
        except Exception:  # Pillow raises many types for damaged files.
            return None
        return image if image_size is None else resize_array(image[np.newaxis], image_size)[0]

    with concurrent.futures.ThreadPoolExecutor() as executor:
        decoded = zip(files, executor.map(decode, files), strict=True)
        return {file.path: image for file, image in decoded if image is not None}


def _decode(path: pathlib.Path) -> np.ndarray:
    with Image.open(path) as opened:
        image = ImageOps.exif_transpose(opened)
        if image.mode in _DEEP_MODES:
            return (np.asarray(image, np.int64) >> 8).clip(0, 255).astype(np.uint8)[..., np.newaxis]
        if image.mode in _GREY_MODES:
            return np.asarray(image.convert("L"))[..., np.newaxis]
        return np.asarray(image.convert("RGB"))


def _named(files: list[_File]) -> str:
    """Returns the number of unreadable files and the first names."""
    names = ", ".join(file.key for file in files[:_MAX_LISTED])
    more = f", and {len(files) - _MAX_LISTED} more" if len(files) > _MAX_LISTED else ""
    return f"{len(files)} unreadable image file(s): {names}{more}"


def _common_shape(
    path: pathlib.Path, images: dict[pathlib.Path, np.ndarray]
) -> tuple[int, int, int]:
    sides = sorted({image.shape[:2] for image in images.values()})
    if len(sides) > 1:
        smallest, largest = sides[0], sides[-1]
        raise UserError(
            f"The images in {path} differ in size ({smallest[0]}x{smallest[1]} to "
            f"{largest[0]}x{largest[1]}). Give --image-size to resize them to one size."
        )
    return *sides[0], max(image.shape[2] for image in images.values())


def _stack(
    files: list[_File], images: dict[pathlib.Path, np.ndarray], shape: tuple[int, int, int]
) -> Split:
    stacked = np.empty((len(files), *shape), np.uint8)
    for row, file in enumerate(files):
        stacked[row] = images[file.path]  # A grey image fills three channels by broadcasting.
    labels = [file.label for file in files if file.label is not None]
    return Split(stacked, np.array(labels, np.int64) if labels else None)
