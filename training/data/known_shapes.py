"""The shape of a data set's images, as far as it is known without reading or preparing any."""

import pathlib

from zoo.errors import UserError


def known_shape(
    spec: str, *, image_size: int | None = None, data_dir: str | None = None
) -> tuple[int, ...] | None:
    """Returns the shape that `training.data.load` would bring a set's images to.

    Args:
        spec: as for `load`.
        image_size: as for `load`.
        data_dir: as for `load`.

    Returns:
        `(height, width, channels)`, `(2,)` for points, and None where only the data can say: a
        folder, an `.npz` file, a set whose images differ in size, a set that is not known.
    """
    from training.data import toys

    path = pathlib.Path(spec).expanduser()
    if not spec or path.exists() or path.suffix == ".npz":
        return None
    if spec in toys.MIXTURES:
        return toys.MIXTURES[spec].centres.shape[1:]
    # These modules import TensorFlow Datasets, which is slow and not always needed.
    from training.data.tfds_builders import described_builder
    from training.data.tfds_features import image_key

    try:
        builder = described_builder(spec, data_dir=data_dir)
        shape = builder.info.features[image_key(builder)].shape
    except UserError:
        return None  # `load` says what is wrong, and what to do about it.
    if image_size is not None:
        shape = (image_size, image_size, shape[-1])
    return None if None in shape else tuple(shape)
