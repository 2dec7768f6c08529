"""Toy data: mixtures of Gaussians in the plane, which show the modes that a generator covers."""

import dataclasses

import numpy as np

from training.data.image_data import ImageData, Split
from zoo.errors import UserError

TRAIN, HELD_OUT = 20_000, 2_000


@dataclasses.dataclass(frozen=True)
class Mixture:
    """A mixture of isotropic Gaussians with equal weights and equal variances.

    Args:
        centres: float array `[m, 2]`.
        deviation: the standard deviation along each axis, more than 0.
    """

    centres: np.ndarray
    deviation: float

    def sample(self, count: int, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Draws points. The numbers of points per mode differ by at most one.

        Returns:
            float32 points `[count, 2]` and the int64 indices of their modes `[count]`.
        """
        modes = np.arange(count, dtype=np.int64) % len(self.centres)
        # RandomState gives the same numbers in every version of NumPy.
        noise = np.random.RandomState(seed).normal(size=(count, 2))
        return (self.centres[modes] + self.deviation * noise).astype(np.float32), modes


def _ring(modes: int) -> np.ndarray:
    # The released script includes the end point, which gives one mode twice the weight.
    angles = np.linspace(0.0, 2 * np.pi, modes, endpoint=False)
    return np.stack([np.sin(angles), np.cos(angles)], axis=1)


def _grid(side: int) -> np.ndarray:
    ticks = np.linspace(-1.0, 1.0, side)
    return np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)


MIXTURES = {"ring": Mixture(_ring(8), 0.01), "grid": Mixture(_grid(5), 0.02)}
"""`ring`: 8 modes on the unit circle with deviation 0.01, as in ls.py of xudonmao/LSGAN. `grid`:
25 modes on a 5 x 5 lattice over [-1, 1]^2 with deviation 0.02, chosen by this project."""


def load_toy(name: str, *, image_size: int | None = None) -> ImageData:
    """Generates a toy data set: the same 20,000 training and 2,000 held-out points every time.

    Args:
        name: a name in `MIXTURES`.
        image_size: must be `None`, because points have no pixels.

    Returns:
        Data whose "images" are float32 points of shape `[2]`. The label of a point is its mode.
    """
    if image_size is not None:
        raise UserError(
            f"--image-size {image_size} has no effect on {name}: its data are points. Leave "
            "--image-size out."
        )
    mixture = MIXTURES[name]
    train, validation, test = (
        Split(*mixture.sample(count, seed=seed))
        for seed, count in enumerate((TRAIN, HELD_OUT, HELD_OUT))
    )
    names = tuple(map(str, range(len(mixture.centres))))
    return ImageData(name, train, validation, test, names)
