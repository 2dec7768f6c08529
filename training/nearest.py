"""The nearest images: of a training set to generated images, and of a generator to given images."""

import pathlib
from typing import TYPE_CHECKING

from zoo.errors import UserError

if TYPE_CHECKING:
    import numpy as np

    from zoo.tasks import ImageGenerator


def interleaved(left: "np.ndarray", right: "np.ndarray") -> "np.ndarray":
    """Returns images in the order `left[0], right[0], left[1], right[1], ...`."""
    import numpy as np

    return np.stack([left, right], axis=1).reshape(-1, *left.shape[1:])


def nearest_images(images: "np.ndarray", data: str) -> "np.ndarray":
    """Returns the training image nearest to each image, by the L2 distance of pixels.

    Args:
        images: uint8 `[n, size, size, c]`.
        data: a data set, whose images are resized to the generator's size.

    Returns:
        uint8 `[n, size, size, c]`, training images.

    Raises:
        UserError: if the data set does not exist or has another number of channels.
    """
    import numpy as np

    from training import data as data_sets

    train = data_sets.load(data, image_size=images.shape[1]).train.images
    if train.shape[1:] != images.shape[1:]:
        raise UserError(
            f"--nearest {data}: its images have the shape {train.shape[1:]}, those of the "
            f"generator {images.shape[1:]}. Give a data set with the same number of channels."
        )
    flat = images.reshape(len(images), -1).astype("float32")
    best = np.full(len(images), np.inf)
    places = np.zeros(len(images), int)
    for start in range(0, len(train), 1000):
        part = np.asarray(train[start : start + 1000]).reshape(-1, flat.shape[1]).astype("float32")
        # |a - b|^2 without the constant |a|^2.
        distances = (part**2).sum(axis=1) - 2.0 * flat @ part.T
        found = distances.argmin(axis=1)
        least = distances[np.arange(len(flat)), found]
        closer = least < best
        best[closer], places[closer] = least[closer], start + found[closer]
    return np.stack([np.asarray(train[i]) for i in places])


def inverted(generator: "ImageGenerator", path: str, label: int | None) -> "np.ndarray":
    """Inverts the images of a file or folder; prints the reconstruction error.

    Args:
        generator: an `ImageGenerator`.
        path: file or folder.
        label: class of all images; None to try all classes of a conditional generator.

    Returns:
        uint8 `[2n, h, w, c]`: each image, followed by its nearest generated image.

    Raises:
        UserError: if a file is not an image, or the images differ in size.
    """
    import tensorflow as tf

    from zoo.images import prepare, to_uint8

    images = read_images(path)
    searched = generator.num_classes and label is None
    found = generator.invert(images, labels="searched" if searched else label)
    print(f"mean absolute error {found.errors.mean():.4f} (pixels in [-1, 1])")
    if searched:
        print("best classes:", " ".join(map(str, found.labels)))
    given = to_uint8(prepare(tf.constant(images), generator.image_shape)).numpy()
    return interleaved(given, to_uint8(found.images).numpy())


def read_images(path: str) -> "np.ndarray":
    """Reads an image file, or all files of a folder, as training reads them.

    Hidden files are not read.

    Raises:
        UserError: if a file is not an image, or the images differ in size.
    """
    import numpy as np

    from training.data.decoding import UnsupportedDepth, decode

    source = pathlib.Path(path)
    files = [source]
    if source.is_dir():
        files = sorted(p for p in source.iterdir() if p.is_file() and p.name[0] != ".")
    images = []
    for file in files:
        try:
            images.append(decode(file).pixels)
        except UnsupportedDepth as error:
            raise UserError(f"--invert {path}: {file.name} has {error}; convert it.") from None
        except Exception as error:  # Pillow raises many types for damaged files.
            raise UserError(f"--invert {path}: {file.name} is not an image: {error}") from None
    if not images:
        raise UserError(f"--invert {path}: the folder has no files. Give a folder of images.")
    shapes = {image.shape for image in images}
    if len(shapes) != 1:
        raise UserError(
            f"--invert {path}: expected images of one size, found {len(shapes)} sizes. Resize them."
        )
    return np.stack(images)
