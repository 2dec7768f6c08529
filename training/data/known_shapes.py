"""The image shape of a data set, found without reading or preparing any data."""

from training.data.paths import user_path
from zoo.errors import UserError


def known_shape(
    spec: str, *, image_size: int | None = None, data_dir: str | None = None
) -> tuple[int, ...] | None:
    """Returns the image shape that `training.data.load` would give, if it is known beforehand.

    Args:
        spec: as for `load`.
        image_size: as for `load`.
        data_dir: as for `load`.

    Returns:
        `(height, width, channels)`, or `(2,)` for points. None if the shape is only known after
        reading: for a folder, an `.npz` file, a set whose images differ in size, or a name that
        does not exist.
    """
    from training.data import toys

    path = user_path(spec)
    if not spec or path.exists() or path.suffix.lower() == ".npz":
        return None
    if spec in toys.MIXTURES:
        return toys.MIXTURES[spec].centres.shape[1:]
    # Importing TensorFlow Datasets is slow and not always needed.
    from training.data.tfds_builders import described_builder
    from training.data.tfds_features import image_key

    try:
        builder = described_builder(spec, data_dir=data_dir)
        shape = builder.info.features[image_key(builder)].shape
    except UserError:
        return None  # `load` raises the same error later, with advice.
    if image_size is not None:
        shape = (image_size, image_size, shape[-1])
    return None if None in shape else tuple(shape)
