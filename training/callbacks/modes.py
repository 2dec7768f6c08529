"""The number of modes that a generator of toy data covers, and a picture of its points."""

import pathlib

import keras
import numpy as np
import tensorflow as tf

from training.callbacks.samples import PictureCallback
from training.data.toys import Mixture
from training.metrics.modes import count_modes
from zoo.latents import latents_from_seeds
from zoo.networks.network import Inputs

POINTS = 2_000
SIDE = 320
REACH = 1.5


def draw_points(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Draws points in black and the centres of modes in red, on the square [-1.5, 1.5]^2.

    Args:
        points: float array `[n, 2]`; points outside of the square are not drawn.
        centres: float array `[m, 2]`.

    Returns:
        uint8 `[320, 320, 3]`.
    """
    picture = np.full((SIDE, SIDE, 3), 255, np.uint8)
    for places, colour, size in ((centres, (220, 0, 0), 3), (points, (0, 0, 0), 1)):
        places = places[np.all(np.abs(places) < REACH, axis=1)]
        pixels = ((places + REACH) / (2 * REACH) * SIDE).astype(int)
        for across in range(-size + 1, size):
            for down in range(-size + 1, size):
                columns, rows = (pixels + [across, down]).clip(0, SIDE - 1).T
                picture[SIDE - 1 - rows, columns] = colour
    return picture


class ModeCount(PictureCallback):
    """Logs `modes` and `near_modes` of 2,000 generated points, and writes `samples/STEP.png`.

    Args:
        mixture: the true mixture.
        directory: folder of the PNG files.
        writer: TensorBoard's summary writer; None if its files cannot be written.
        first_step: int, number of steps before this start of the run.
    """

    def __init__(
        self,
        mixture: Mixture,
        directory: pathlib.Path,
        writer: tf.summary.SummaryWriter | None,
        *,
        first_step: int = 0,
    ):
        super().__init__(directory, writer, first_step=first_step)
        self.mixture = mixture
        self.inputs: Inputs | None = None

    def points(self, generator: keras.Model) -> np.ndarray:
        """Generates points from fixed latents. Conditional generators get the classes in turn."""
        if self.inputs is None:
            seeds = np.arange(POINTS, dtype="int64")
            self.inputs = latents_from_seeds(seeds, generator.latent_dim, generator.latent)
            if generator.num_classes:
                labels = tf.constant(seeds % generator.num_classes)
                self.inputs = {"latent": self.inputs, "label": labels}
        return np.asarray(generator(self.inputs, training=False))

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        points = self.points(self.model.sampler)
        modes = count_modes(points, self.mixture)
        if logs is not None:
            logs |= {"modes": float(modes.covered), "near_modes": modes.near}
        self.write(draw_points(points, self.mixture.centres))
