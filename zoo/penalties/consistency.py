"""Consistency regularisation: penalties on the change of scores when images are augmented."""

import keras
import tensorflow as tf

from zoo.augmentation import augment, changes_of
from zoo.options import NotNegative, checked
from zoo.penalties.penalty import Penalised, Penalty, Score
from zoo.randomness import Noise


class ConsistencyPenalty(Penalty):
    """CR: `weight * E[(c(x) - c(T(x)))^2]` at real images x, with a random augmentation T.

    The penalty takes no gradient with respect to images, so it allows batch normalisation. It runs
    the critic on x and on T(x) in addition to the passes of the loss.

    Args:
        weight: float >= 0; lambda in the paper.
        augmentation: str, names of changes in `zoo.augmentation`, separated by commas. The changes
            must keep the meaning of an image: leave out `flip` for digits and letters.

    Raises:
        ValueError: an argument outside its range, or unknown changes.

    Source: Zhang et al., arXiv 1910.12027, equation 3, with the score before any sigmoid. T mirrors
    and moves images by up to 4 of 32 pixels, as in the paper. What a shift uncovers is grey.
    """

    differentiates = False
    logged = ("penalty",)

    @checked
    def __init__(
        self,
        weight: NotNegative = 10.0,
        *,
        augmentation: str = "flip,translation",
        name: str | None = None,
    ):
        super().__init__(weight, name=name)
        if not changes_of(augmentation):
            raise ValueError(
                "`augmentation` none compares an image with itself: name at least one change, such "
                "as translation."
            )
        self.augmentation = augmentation

    def prepare(self, critic: keras.Model) -> None:
        """Refuses a critic of points; see `Penalty.prepare`."""
        super().prepare(critic)
        if len(critic.image_shape) != 3:
            raise ValueError(
                f"{type(self).__name__} changes images, and this critic takes points of shape "
                f"{critic.image_shape}: use another penalty."
            )

    def change(self, score: Score, images: tf.Tensor, noise: Noise) -> tf.Tensor:
        """Computes `(c(v) - c(T(v)))^2` for images v: `[b]`."""
        changed = augment(images, self.augmentation, noise)
        return tf.math.squared_difference(score(images), score(changed))

    def terms(
        self, score: Score, real: tf.Tensor, fake: tf.Tensor, noise: Noise, global_batch: tf.Tensor
    ) -> Penalised:
        """Computes the penalty; see `Penalty.terms`."""
        values = self.change(score, real, noise.child("real"))
        return Penalised({"penalty": self.weight * values}, {}, {})


class BalancedConsistencyPenalty(ConsistencyPenalty):
    """bCR: `weight * (E[(c(x) - c(T(x)))^2] + E[(c(g) - c(T(g)))^2])` at real and fake images.

    Args:
        weight: float >= 0; both weights of the paper, which are equal there.
        augmentation: str, see `ConsistencyPenalty`.

    Source: Zhao et al., arXiv 2002.04724, section 2.
    """

    def terms(
        self, score: Score, real: tf.Tensor, fake: tf.Tensor, noise: Noise, global_batch: tf.Tensor
    ) -> Penalised:
        """Computes the penalty; see `Penalty.terms`."""
        values = self.change(score, real, noise.child("real"))
        values += self.change(score, fake, noise.child("fake"))
        return Penalised({"penalty": self.weight * values}, {}, {})
