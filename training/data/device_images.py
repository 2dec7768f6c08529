"""Images in the memory of the devices that train."""

import numpy as np
import tensorflow as tf

from zoo.errors import UserError


class DeviceImages:
    """Images that each replica keeps in the memory of its device.

    `place` copies them once; each call after it gathers rows on the replica that calls.

    Args:
        images: array `[N, ...]`.

    Example:
    >>> images = DeviceImages(np.zeros((3, 8, 8, 1), np.uint8))
    >>> images.place(tf.distribute.get_strategy())
    >>> images(tf.constant([2, 0], tf.int64)).shape
    TensorShape([2, 8, 8, 1])
    """

    def __init__(self, images: np.ndarray):
        self._images = images
        self._strategy: tf.distribute.Strategy | None = None
        self._variable: tf.Variable | None = None

    def place(self, strategy: tf.distribute.Strategy) -> None:
        """Copies the images to the devices of a strategy, unless they are there.

        A variable has one copy per replica, and the graph does not contain it as a constant.

        Raises:
            UserError: they do not fit into the memory of a device.
        """
        if self._strategy is strategy:
            return
        self._variable = None
        try:
            with strategy.scope():
                self._variable = tf.Variable(self._images, trainable=False)
        except tf.errors.ResourceExhaustedError:
            raise UserError(
                f"--input device: the {len(self._images):,} training images of "
                f"{self._images.nbytes / 2**20:,.0f} MiB do not fit into the memory of the device. "
                "Give --input host."
            ) from None
        self._strategy = strategy

    def __call__(self, rows: tf.Tensor) -> tf.Tensor:
        """Returns the images of some rows, in graph code.

        Args:
            rows: `int64` tensor `[b]`.
        """
        return tf.gather(self._variable, rows)
