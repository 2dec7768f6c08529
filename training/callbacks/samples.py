"""Sample grids of fixed latents, written as PNG and to TensorBoard."""

import io
import pathlib

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from training.callbacks.counting import CountingCallback
from training.callbacks.tolerating import tolerating
from zoo.images import to_uint8
from zoo.latents import latents_from_seeds

COLUMNS = 8
MAX_ROWS = 10


def tile(images: np.ndarray, *, columns: int, border: int = 1) -> np.ndarray:
    """Arranges images in one picture, row by row, with thin white lines between them.

    Args:
        images: uint8 `[n, h, w, c]`; n is a multiple of `columns`.
        columns: int, number of images per row.
        border: int, width of the lines in pixels.

    Returns:
        uint8 `[rows * (h + border) - border, columns * (w + border) - border, c]`.
    """
    count, _, _, channels = images.shape
    framed = np.pad(images, ((0, 0), (0, border), (0, border), (0, 0)), constant_values=255)
    height, width = framed.shape[1:3]
    grid = framed.reshape(count // columns, columns, height, width, channels)
    grid = grid.transpose(0, 2, 1, 3, 4).reshape(-1, columns * width, channels)
    return grid[: grid.shape[0] - border, : grid.shape[1] - border]


def save_png(path: pathlib.Path, picture: np.ndarray, *, least_pixels: int = 640) -> None:
    """Writes a picture completely or not at all.

    Args:
        path: the file.
        picture: uint8 `[h, w, c]`.
        least_pixels: int; smaller pictures are enlarged by an integer factor to about this size.

    Raises:
        OSError: the file cannot be written.
    """
    image = Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture)
    factor = max(1, least_pixels // max(image.size))
    image = image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = io.BytesIO()
    image.save(content, format="png")
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(content.getvalue())
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


class PictureCallback(CountingCallback):
    """The base class of callbacks that write a picture at each report, as `STEP.png`.

    Args:
        directory: folder of the PNG files.
        writer: TensorBoard's summary writer; None if its files cannot be written.
        first_step: int, number of steps before this start of the run.
    """

    def __init__(
        self,
        directory: pathlib.Path,
        writer: tf.summary.SummaryWriter | None,
        *,
        first_step: int = 0,
    ):
        super().__init__(first_step=first_step)
        self.directory = directory
        self.writer = writer

    def write(self, picture: np.ndarray) -> None:
        """Writes a picture of the current step to the folder and to TensorBoard."""
        path = self.directory / f"{self.run_step:06d}.png"
        tolerating(lambda: save_png(path, picture), what="sample sheets")
        tolerating(lambda: self._log(picture), what="TensorBoard's logs")

    def _log(self, picture: np.ndarray) -> None:
        if self.writer is not None:
            with self.writer.as_default(step=self.run_step):
                tf.summary.image("samples", picture[None])


class Samples(PictureCallback):
    """Writes a grid of samples from fixed latents, one row per class for conditional generators."""

    def grid(self, generator: keras.Model) -> np.ndarray:
        """Returns the picture of a generator's images."""
        rows = min(generator.num_classes, MAX_ROWS) or COLUMNS
        # All rows have the same latents, so that they differ by their class alone.
        seeds = np.arange(rows * COLUMNS, dtype="int64")
        if generator.num_classes:
            seeds = np.tile(seeds[:COLUMNS], rows)
        inputs = latents_from_seeds(seeds, generator.latent_dim, generator.latent)
        if generator.num_classes:
            labels = np.repeat(np.arange(rows, dtype="int64"), COLUMNS)
            inputs = {"latent": inputs, "label": tf.constant(labels)}
        images = to_uint8(generator(inputs, training=False)).numpy()
        return tile(images, columns=COLUMNS)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self.write(self.grid(self.model.sampler))
