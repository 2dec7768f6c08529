"""Loading of images and optional labels from the arrays of an `.npz` file."""

import pathlib

import numpy as np

from training.data.image_data import ImageData, Split
from training.data.resizing import resize_array
from training.data.splitting import hold_out
from zoo.errors import UserError

_LAYOUTS = "`images` with or without `labels`, or `x_train`, `y_train`, `x_test` and `y_test`"


def load_arrays(path: pathlib.Path, *, image_size: int | None = None) -> ImageData:
    """Loads an `.npz` file.

    The file has one of two layouts:

    - `images` and optionally `labels`. A test and a validation split are held out.
    - `x_train`, `y_train`, `x_test` and `y_test`, as in the data sets of Keras. A validation
      split is held out.

    The same rows are held out every time (see `training.data.splitting.hold_out`).

    Args:
        path: the file. Images are `uint8` arrays `[N, H, W]` or `[N, H, W, C]`. Labels are
            integers from 0, `[N]` or `[N, 1]`.
        image_size: side of the resulting images in pixels, or `None` to keep their size.

    Raises:
        UserError: if the file is missing or damaged, or an array is missing or unsuitable.
    """
    contents = _read(path)
    names = contents.keys()
    if names <= {"images", "labels"} and "images" in names:
        images, labels = _images(contents, "images"), _labels(contents, "labels", "images")
        test_rows, validation_rows, train_rows = hold_out(len(images), labels, parts=2)
        test = _take(images, labels, test_rows, image_size)
    elif names == {"x_train", "y_train", "x_test", "y_test"}:
        images, labels = _images(contents, "x_train"), _labels(contents, "y_train", "x_train")
        validation_rows, train_rows = hold_out(len(images), labels, parts=1)
        test_images, test_labels = (
            _images(contents, "x_test"),
            _labels(contents, "y_test", "x_test"),
        )
        if images.shape[1:] != test_images.shape[1:]:
            raise UserError(
                f"{path}: x_train and x_test must have images of one shape; "
                f"got {images.shape[1:]} and {test_images.shape[1:]}."
            )
        test = _take(test_images, test_labels, np.arange(len(test_images)), image_size)
    else:
        raise UserError(
            f"{path} must contain {_LAYOUTS}; it contains: "
            f"{', '.join(sorted(names)) or 'no arrays'}."
        )
    return _image_data(
        path,
        train=_take(images, labels, train_rows, image_size),
        validation=_take(images, labels, validation_rows, image_size),
        test=test,
    )


def _image_data(path: pathlib.Path, *, train: Split, validation: Split, test: Split) -> ImageData:
    splits = (train, validation, test)
    largest = [int(split.labels.max()) for split in splits if split.labels is not None]
    names = tuple(map(str, range(max(largest) + 1))) if largest else ()
    return ImageData(path.stem, train, validation, test, names)


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


def _images(contents: dict[str, np.ndarray], name: str) -> np.ndarray:
    images = contents[name]
    if images.dtype != np.uint8 or images.ndim not in (3, 4) or not images.size:
        span = f", values {images.min()} to {images.max()}" if images.size else ""
        raise UserError(
            f"`{name}` must be a uint8 array of shape [N, H, W] or [N, H, W, C] with values "
            f"0..255; got {images.dtype} of shape {list(images.shape)}{span}."
        )
    return images if images.ndim == 4 else images[..., np.newaxis]


def _labels(contents: dict[str, np.ndarray], name: str, images_name: str) -> np.ndarray | None:
    if name not in contents:
        return None
    labels, count = contents[name], len(contents[images_name])
    whole = np.issubdtype(labels.dtype, np.integer)
    if not whole or labels.shape not in ((count,), (count, 1)) or labels.min() < 0:
        raise UserError(
            f"`{name}` must be integers from 0, one for each of the {count} rows of "
            f"`{images_name}`; got {labels.dtype} of shape {list(labels.shape)}"
            + (f" from {labels.min()}." if whole and labels.size else ".")
        )
    return labels.reshape(count).astype(np.int64)


def _take(
    images: np.ndarray, labels: np.ndarray | None, rows: np.ndarray, image_size: int | None
) -> Split:
    chosen = images[rows]
    if image_size is not None:
        chosen = resize_array(chosen, image_size)
    return Split(chosen, None if labels is None else labels[rows])
