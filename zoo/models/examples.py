"""Images of one batch with what is known of them, and the named losses computed from them."""

from typing import NamedTuple

import tensorflow as tf

Losses = dict[str, tf.Tensor]
"""Un-reduced float32 tensors `[b]` by name."""


class Examples(NamedTuple):
    """Images of one batch.

    Attributes:
        images: float32 `[b, H, W, C]` in [-1, 1].
        labels: int64 `[b]`; None if they are unknown.
        scores: output of the critic (`[b]`, or `[b, K]` for a classifier); None before it ran.
        plain: float32 like `images`, the same images without augmentation; None if not requested.
        weights: float32 `[b]` in [0, 1], the weight of each image; None for 1.
        features: float32 `[b, d]`, input of the critic's last layer; None if they are not used.
    """

    images: tf.Tensor
    labels: tf.Tensor | None = None
    scores: tf.Tensor = None
    plain: tf.Tensor | None = None
    weights: tf.Tensor | None = None
    features: tf.Tensor | None = None

    def repeat(self, count: int) -> "Examples":
        """Returns each image `count` times in a row, with its labels, scores and weights."""
        return Examples(*(None if part is None else tf.repeat(part, count, 0) for part in self))
