"""Image data sets: TensorFlow Datasets, folders of images, `.npz` files and toy mixtures."""

import dataclasses
import pathlib
import sys

from training.data.array_checks import CHANNELS
from training.data.data_checks import brightness
from training.data.image_data import ImageData, Split
from training.data.paths import user_path
from zoo.errors import UserError

__all__ = ["ImageData", "Split", "load"]


def load(
    spec: str,
    *,
    image_size: int | None = None,
    data_dir: str | None = None,
    manual_dir: str | None = None,
    refuse_unreadable: bool = False,
) -> ImageData:
    """Loads a data set as three splits of `uint8` images of one shape.

    With `image_size`, each image is cropped to its centre square. The square is resized
    bilinearly with antialiasing and rounded. Without `image_size` the images are not changed and
    must all have the same size. If a data set has no validation or test split, the split is
    taken from its train split. The same rows are taken every time.

    Args:
        spec: a folder of images, an `.npz` file, or the name of a TensorFlow Datasets image set
            with an optional config: `"mnist"`, `"lsun/bedroom"`, `"imagenet_resized/32x32"`. An
            existing path and anything that ends in `.npz` is read as a path. `"digits"` and the
            toy mixtures `"ring"` and `"grid"` (points, not images) come with this package.
        image_size: side of the resulting images in pixels, or `None` to keep their size.
        data_dir: folder of prepared TensorFlow Datasets sets. A missing set is prepared in it.
            By default `$TFDS_DATA_DIR` or `~/tensorflow_datasets`.
        manual_dir: folder with the original files of a TensorFlow Datasets set. The set is
            prepared from them instead of from a download.
        refuse_unreadable: raise an error for unreadable image files of a folder. By default they
            are skipped with a warning.

    Warnings about the data, such as files that are not used and images in two splits, are printed
    on standard error and stored in the result.

    Returns:
        The data set. Large TensorFlow Datasets sets are memory-mapped, others are in memory.

    Raises:
        UserError: if the data cannot be found, downloaded or read, or an option does not apply.

    Example:
    ```python
    data = load("digits")
    data.train.images.shape  # (1197, 8, 8, 1)
    ```
    """
    if refuse_unreadable and not user_path(spec).is_dir():
        raise UserError(
            f"--refuse-unreadable applies to folders of images, and {spec!r} is not a folder. "
            "Leave the option out."
        )
    if image_size is not None and image_size < 1:
        raise UserError(f"--image-size must be at least 1 pixel; got {image_size}.")
    data = _load(
        spec,
        image_size=image_size,
        data_dir=data_dir,
        manual_dir=manual_dir,
        refuse_unreadable=refuse_unreadable,
    )
    _check_channels(data)
    data = dataclasses.replace(data, warnings=(*data.warnings, *brightness(data.train)))
    for warning in data.warnings:
        print(f"Warning: {warning}", file=sys.stderr)
    return data


def _load(
    spec: str,
    *,
    image_size: int | None,
    data_dir: str | None,
    manual_dir: str | None,
    refuse_unreadable: bool,
) -> ImageData:
    path = user_path(spec)
    if spec and (path.exists() or path.suffix.lower() == ".npz"):
        _refuse_folders(spec, "is a path", data_dir=data_dir, manual_dir=manual_dir)
        return _load_path(path, image_size=image_size, refuse_unreadable=refuse_unreadable)
    from training.data import toys

    if spec in toys.MIXTURES:
        _refuse_folders(spec, "is generated", data_dir=data_dir, manual_dir=manual_dir)
        return toys.load_toy(spec, image_size=image_size)
    # Importing TensorFlow Datasets is slow and not always needed.
    from training.data import tfds_images

    return tfds_images.load_tfds(
        spec, image_size=image_size, data_dir=data_dir, manual_dir=manual_dir
    )


def _load_path(path: pathlib.Path, *, image_size: int | None, refuse_unreadable: bool) -> ImageData:
    if path.suffix.lower() == ".npz":
        from training.data import arrays

        return arrays.load_arrays(path, image_size=image_size)
    if path.is_dir():
        from training.data import folder

        return folder.load_folder(path, image_size=image_size, refuse_unreadable=refuse_unreadable)
    raise UserError(f"{str(path)!r} is a file; expected a folder of images or an .npz file.")


def _check_channels(data: ImageData) -> None:
    shape = data.image_shape
    if len(shape) == 3 and shape[2] not in CHANNELS:
        raise UserError(
            f"The images of {data.name} have {shape[2]} channels. Expected 1 (grey) or 3 (colour) "
            "channels; 2 and 4 (with transparency) are possible too."
        )


def _refuse_folders(spec: str, why: str, *, data_dir: str | None, manual_dir: str | None) -> None:
    if data_dir is not None or manual_dir is not None:
        option = "--data-dir" if data_dir is not None else "--manual-dir"
        raise UserError(
            f"{option} applies to TensorFlow Datasets sets, but {spec!r} {why}. Leave {option} "
            "out, or give the name of a TensorFlow Datasets set."
        )
