"""Image data sets: TensorFlow Datasets, a folder of images, an `.npz` file; and toys."""

import pathlib

from training.data.image_data import ImageData, Split
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

    With `image_size`, an image that is not square is first cropped to its centre square, whose
    side is the shorter one, and the square is resized bilinearly with antialiasing and rounded.
    Without it images stay as they are and must all have one size. A data set without a
    validation or test split of its own gets one out of its train split, always the same one.

    Args:
        spec: an existing path, or anything that ends in `.npz`, is a path: a folder of images or
            an `.npz` file. Anything else is the name of a TensorFlow Datasets image set with its
            config, if any: `"mnist"`, `"lsun/bedroom"`, `"imagenet_resized/32x32"`. `"digits"`
            comes with this package, and so do the toys `"ring"` and `"grid"`: points, not images.
        image_size: side of the resulting images in pixels, or `None` to keep their size.
        data_dir: folder of prepared TensorFlow Datasets sets; theirs by default
            (`$TFDS_DATA_DIR` or `~/tensorflow_datasets`). A set that is not there is prepared
            there.
        manual_dir: folder of the original files of a TensorFlow Datasets set, to prepare it
            from instead of downloading them.
        refuse_unreadable: stop at files of a folder that cannot be read instead of skipping them
            with a warning.

    Returns:
        The data set. Large TensorFlow Datasets sets are memory-mapped, others are in memory.

    Raises:
        UserError: if the data cannot be found, got or read, or an option does not apply.

    Example:
    ```python
    data = load("digits")
    data.train.images.shape  # (1197, 8, 8, 1)
    ```
    """
    if refuse_unreadable and not pathlib.Path(spec).expanduser().is_dir():
        raise UserError(f"--refuse-unreadable is for folders of images, and {spec!r} is none.")
    if image_size is not None and image_size < 1:
        raise UserError(f"--image-size must be at least 1 pixel; got {image_size}.")
    path = pathlib.Path(spec).expanduser()
    if not spec or not (path.exists() or path.suffix == ".npz"):
        from training.data import toys

        if spec in toys.MIXTURES:
            _refuse_folders(spec, "is made here", data_dir=data_dir, manual_dir=manual_dir)
            return toys.load_toy(spec, image_size=image_size)
        # This module imports TensorFlow Datasets, which is slow and not always needed.
        from training.data import tfds_images

        return tfds_images.load_tfds(
            spec, image_size=image_size, data_dir=data_dir, manual_dir=manual_dir
        )
    _refuse_folders(spec, "is a path", data_dir=data_dir, manual_dir=manual_dir)
    if path.suffix == ".npz":
        from training.data import arrays

        return arrays.load_arrays(path, image_size=image_size)
    if path.is_dir():
        from training.data import folder

        return folder.load_folder(path, image_size=image_size, refuse_unreadable=refuse_unreadable)
    raise UserError(f"{spec!r} is a file; expected a folder of images or an .npz file.")


def _refuse_folders(spec: str, why: str, *, data_dir: str | None, manual_dir: str | None) -> None:
    if data_dir is not None or manual_dir is not None:
        option = "--data-dir" if data_dir is not None else "--manual-dir"
        raise UserError(
            f"{option} is for TensorFlow Datasets sets, but {spec!r} {why}. Leave {option} "
            "out, or give the name of a set."
        )
