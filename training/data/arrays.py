"""Loading of images and optional labels from the arrays of an `.npz` file."""

import pathlib

import numpy as np

from training.data.array_checks import check_class_names, check_images, check_labels
from training.data.data_checks import Origin, copies, lacking_classes
from training.data.decoding import digest_of
from training.data.image_data import ImageData, Split
from training.data.resizing import resize_array
from training.data.splitting import hold_out
from training.data.text import printable
from zoo.errors import UserError

_LAYOUTS = "`images` with or without `labels`, or `x_train`, `y_train`, `x_test` and `y_test`"
_UNLABELLED = "x_unlabelled"


def load_arrays(path: pathlib.Path, *, image_size: int | None = None) -> ImageData:
    """Loads an `.npz` file.

    The file has one of two layouts:

    - `images` and optionally `labels`. A test and a validation split are held out.
    - `x_train`, `y_train`, `x_test` and `y_test`, as in the data sets of Keras. A validation
      split is held out.

    The same rows are held out every time (see `training.data.splitting.hold_out`). Both layouts
    may have `class_names`, one string per class, and `x_unlabelled`, training images without a
    label.

    Args:
        path: the file. Images are `uint8` arrays `[N, H, W]` or `[N, H, W, C]`. Labels are
            integers `[N]` or `[N, 1]` from 0. Without `class_names`, every number from 0 to the
            largest label must occur among the training labels.
        image_size: side of the resulting images in pixels, or `None` to keep their size.

    Raises:
        UserError: if the file is missing or damaged, or an array is missing or unsuitable.
    """
    contents = _read(path)
    given_names = contents.pop("class_names", None)
    unlabelled = contents.pop(_UNLABELLED, None)
    names = contents.keys()
    if names <= {"images", "labels"} and "images" in names:
        images_name, labels_name = "images", "labels"
    elif names == {"x_train", "y_train", "x_test", "y_test"}:
        images_name, labels_name = "x_train", "y_train"
    else:
        raise UserError(
            f"{path} must contain {_LAYOUTS}; it contains: "
            f"{', '.join(map(printable, sorted(names))) or 'no arrays'}."
        )
    images = check_images(contents[images_name], images_name)
    count = len(images)
    labels = None
    if labels_name in names:
        labels = check_labels(contents[labels_name], labels_name, images_name, count)
    class_names = check_class_names(given_names, labels, labels_name)
    held_out = ("test", "validation") if images_name == "images" else ("validation",)
    rows = dict(
        zip((*held_out, "train"), hold_out(count, labels, parts=len(held_out)), strict=True)
    )
    splits = {split: _take(images, labels, chosen, image_size) for split, chosen in rows.items()}
    origins = [
        origin
        for split, chosen in rows.items()
        for origin in _origins(images, labels, chosen, split, images_name)
    ]
    extra = None
    if unlabelled is not None:
        given = _unlabelled_images(path, unlabelled, images, labels)
        every = np.arange(len(given))
        origins += _origins(given, None, every, "train", _UNLABELLED)
        extra = _take(given, None, every, image_size)
    if "x_test" in names:
        test_images, test_labels = _test_arrays(path, contents, images, class_names)
        every = np.arange(len(test_images))
        splits["test"] = _take(test_images, test_labels, every, image_size)
        origins += _origins(test_images, test_labels, every, "test", "x_test")
    return ImageData(
        printable(path.stem),
        train=splits["train"],
        validation=splits["validation"],
        test=splits["test"],
        class_names=class_names,
        unlabelled=extra,
        warnings=(*lacking_classes(splits, class_names), *copies(origins)),
    )


def _unlabelled_images(
    path: pathlib.Path, given: np.ndarray, images: np.ndarray, labels: np.ndarray | None
) -> np.ndarray:
    """Returns `x_unlabelled`, which must fit the training images and needs labelled ones."""
    unlabelled = check_images(given, _UNLABELLED)
    if labels is None:
        raise UserError(
            f"{path} has `{_UNLABELLED}`, but no labelled images. Save all images as `images`, or "
            "labelled ones as `images` and `labels`."
        )
    if images.shape[1:] != unlabelled.shape[1:]:
        raise UserError(
            f"{path}: `{_UNLABELLED}` must have images of the shape of the labelled ones, "
            f"{images.shape[1:]}; got {unlabelled.shape[1:]}."
        )
    return unlabelled


def _test_arrays(
    path: pathlib.Path,
    contents: dict[str, np.ndarray],
    images: np.ndarray,
    class_names: tuple[str, ...],
) -> tuple[np.ndarray, np.ndarray]:
    """Returns `x_test` and `y_test`, which must fit the training images and their classes."""
    test_images = check_images(contents["x_test"], "x_test")
    test_labels = check_labels(contents["y_test"], "y_test", "x_test", len(test_images))
    if images.shape[1:] != test_images.shape[1:]:
        raise UserError(
            f"{path}: x_train and x_test must have images of one shape; "
            f"got {images.shape[1:]} and {test_images.shape[1:]}."
        )
    if test_labels.max() >= len(class_names):
        raise UserError(
            f"`y_test` has the label {test_labels.max()}, and the labels of `y_train` go from "
            f"0 to {len(class_names) - 1}. The training images must have all classes."
        )
    return test_images, test_labels


def _origins(
    images: np.ndarray, labels: np.ndarray | None, rows: np.ndarray, split: str, name: str
) -> list[Origin]:
    return [
        Origin(
            digest_of(images[row]),
            f"row {row} of {name}",
            split,
            None if labels is None else int(labels[row]),
        )
        for row in rows
    ]


def _read(path: pathlib.Path) -> dict[str, np.ndarray]:
    if not path.is_file():
        raise UserError(f"There is no file {path}.")
    try:
        # Pickles are refused, because loading one can run code.
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except Exception as error:  # NumPy, zipfile and zlib raise many types for damaged files.
        raise UserError(
            f"{path} cannot be read as an .npz file ({error}). It is damaged or contains Python "
            "objects. Write it with numpy.savez(file, images=..., labels=...)."
        ) from error


def _take(
    images: np.ndarray, labels: np.ndarray | None, rows: np.ndarray, image_size: int | None
) -> Split:
    chosen = images[rows]
    if image_size is not None:
        chosen = resize_array(chosen, image_size)
    return Split(chosen, None if labels is None else labels[rows])
