"""Terms on unlabelled images, shared by CLS-GAN and by its control without generator.

To add a term: a function in `semi_supervised_losses.py`, a weight in `UnlabelledTerms` and in its
`names`, and one line in `TERMS`.
"""

import dataclasses
from collections.abc import Callable, Mapping

import keras
import tensorflow as tf

from zoo.batch_statistics import unchanged_statistics
from zoo.computed_once import computed_once
from zoo.models.class_losses import class_losses, labelled_loss
from zoo.models.examples import Examples, Losses
from zoo.models.semi_supervised_losses import (
    aligned,
    class_imbalance,
    consistency_distance,
    divergence,
    entropy,
    probability_distance,
    virtual_adversarial_direction,
)
from zoo.models.semi_supervised_options import UnlabelledTerms
from zoo.randomness import Noise
from zoo.rematerialisation import rematerialising

LABELLED, UNLABELLED = "labelled", "unlabelled"

_PRECISION = {"float16": 2.0**-10, "bfloat16": 2.0**-7}
_FLOAT32_PRECISION = 2.0**-23


def ramp(step: tf.Tensor, *, start: int, length: int) -> tf.Tensor:
    """Computes a weight that is 0 up to step `start` and rises to 1 over `length` steps.

    Args:
        step: int64 scalar, the number of steps taken so far.
        start: int, the step at which the weight starts to rise.
        length: int, number of steps; 0 for a weight that jumps to 1 at `start`.

    Returns:
        float32 scalar in [0, 1].
    """
    passed = tf.cast(step - start, tf.float32)
    if not length:
        return tf.cast(passed >= 0.0, tf.float32)
    return tf.clip_by_value(passed / length, 0.0, 1.0)


def scored(
    network: keras.Model,
    examples: Examples,
    noise: Noise,
    *,
    with_features: bool = False,
    training: bool = True,
) -> Examples:
    """Runs a classifier on one group of images.

    Args:
        network: from images to logits `[n, K]`; with the methods `features` and `score_of` of
            `zoo.ImageClassifier` if features are wanted.
        examples: the images.
        noise: noise of their rows, for dropout.
        with_features: bool, whether to return the features too.
        training: bool, whether the classifier runs in training mode.

    Returns:
        The examples with their `scores`, and their `features` if wanted.
    """
    with noise.scope():
        if not with_features:
            scores = network(examples.images, training=training)
            return examples._replace(scores=tf.cast(scores, tf.float32))
        features = network.features(examples.images, training=training)
        scores = network.score_of(features, training=training)
    return examples._replace(
        scores=tf.cast(scores, tf.float32), features=tf.cast(features, tf.float32)
    )


class UnlabelledImages:
    """The unlabelled images of one step, with what both networks compute for them.

    Each pass is made once, when it is first used.

    Args:
        examples: n images; labels that the data may have for them are not used.
        noise: noise of the n rows.
        network: the classifier in training, the student.
        average: the classifier with averaged weights; None if no term reads it.
        terms: weights of the terms.
        extra_class: bool, whether the losses have the extra class of logit 0.
        multiple: int, m, unlabelled images per labelled image. The images of one labelled image are
            consecutive.
        mean_prediction: float32 tensor `[K]`, the running mean of the averaged classifier's
            probabilities; None without distribution alignment.
    """

    def __init__(
        self,
        examples: Examples,
        noise: Noise,
        *,
        network: keras.Model,
        average: keras.Model | None,
        terms: UnlabelledTerms,
        extra_class: bool,
        multiple: int = 1,
        mean_prediction: tf.Tensor | None = None,
    ):
        self.examples = examples._replace(labels=None)
        self.noise = noise if multiple == 1 else noise.several(multiple)
        self.network = network
        self.average = average
        self.terms = terms
        self.extra_class = extra_class
        self.multiple = multiple
        self.mean_prediction = mean_prediction

    @computed_once
    def average_logits(self) -> tf.Tensor:
        """Outputs of the averaged classifier for the images without augmentation, `[n, K]`."""
        assert self.average is not None
        images = self.examples.images if self.examples.plain is None else self.examples.plain
        logits = tf.cast(self.average(images, training=False), tf.float32)
        return tf.stop_gradient(logits)

    @computed_once
    def average_probabilities(self) -> tf.Tensor:
        """Probabilities of the averaged classifier for the images without augmentation."""
        return tf.nn.softmax(self.average_logits)

    @computed_once
    def with_classes(self) -> Examples:
        """The images with the classes of the averaged classifier, weighted by its confidence."""
        probabilities = self.average_probabilities
        if self.mean_prediction is not None:
            probabilities = aligned(probabilities, self.mean_prediction)
        examples = self.examples._replace(labels=tf.argmax(probabilities, axis=-1))
        if not self.terms.confidence:
            return examples
        largest = tf.reduce_max(probabilities, axis=-1)
        return examples._replace(weights=tf.cast(largest >= self.terms.confidence, tf.float32))

    @property
    def classes_of_fakes(self) -> tf.Tensor:
        """Classes of the first image of each labelled image, `[b]`; its fake has the same class."""
        return tf.convert_to_tensor(self.with_classes.labels)[:: self.multiple]

    @computed_once
    def student(self) -> Examples:
        """The images scored by the student, with their classes if the average finds them."""
        examples = self.with_classes if self.terms.classes_by_average else self.examples
        with_features = self.terms.consistency > 0
        return scored(self.network, examples, self.noise.child("real"), with_features=with_features)

    @computed_once
    def second(self) -> Examples:
        """The images scored by the student again, with other dropout."""
        with unchanged_statistics(self.network):
            return scored(
                self.network, self.examples, self.noise.child("second"), with_features=True
            )

    @property
    def first_of_each(self) -> Examples:
        """The first of the m images of each labelled image, as the student scored them."""
        if self.multiple == 1:
            return self.student
        parts = [None if part is None else part[:: self.multiple] for part in self.student]
        return Examples(*parts)

    def pseudo_label_loss(self) -> tf.Tensor:
        """Computes `L(x, y)`, y from the averaged classifier if it is confident: `[n]`."""
        losses = class_losses(self.student.scores, extra_class=self.extra_class)
        loss = labelled_loss(losses, self.student.labels)
        return loss if self.student.weights is None else self.student.weights * loss

    def virtual_adversarial_loss(self) -> tf.Tensor:
        """Computes `KL(p(x) || p(x + r))`, r the worst change of the given size: `[n]`.

        Both passes have the same dropout. The images may leave [-1, 1], as in the paper. The step
        of the finite difference is the root of the precision of the network. The paper's 1e-6
        would round to nothing in float32.
        """
        images, logits = self.examples.images, tf.stop_gradient(self.student.scores)
        noise = self.noise.child("real")

        def predict(points: tf.Tensor) -> tf.Tensor:
            return scored(self.network, self.examples._replace(images=points), noise).scores

        step = _PRECISION.get(self.network.compute_dtype, _FLOAT32_PRECISION) ** 0.5
        start = self.noise.child("direction").normal(*images.shape[1:])
        with unchanged_statistics(self.network):
            with rematerialising(False):
                direction = virtual_adversarial_direction(predict, images, logits, start, step=step)
            changed = predict(images + self.terms.virtual_adversarial_radius * direction)
        return divergence(logits, changed)

    def per_labelled(self, values: tf.Tensor) -> tf.Tensor:
        """Returns the means of `[n]` values over the images of each labelled image, `[b]`."""
        if self.multiple == 1:
            return values
        return tf.reduce_mean(tf.reshape(values, [-1, self.multiple]), axis=1)

    def losses(self, weight: tf.Tensor | float) -> tuple[Losses, Losses]:
        """Computes all terms.

        Args:
            weight: float32 scalar, a factor of all terms.

        Returns:
            (terms `[b]` with their weights, values to log).
        """
        terms = {
            term.logged: weight * getattr(self.terms, name) * self.per_labelled(term.compute(self))
            for name, term in TERMS.items()
            if getattr(self.terms, name)
        }
        if not (self.terms.confidence and self.terms.classes_by_average):
            return terms, {}
        return terms, {"confident": self.per_labelled(self.with_classes.weights)}


@dataclasses.dataclass(frozen=True)
class Term:
    """A term on unlabelled images.

    Attributes:
        compute: the values `[n]` without the weight.
        logged: the name in the logs.
    """

    compute: Callable[[UnlabelledImages], tf.Tensor]
    logged: str


def _mean_teacher(images: UnlabelledImages) -> tf.Tensor:
    return probability_distance(images.student.scores, images.average_logits)


def _consistency(images: UnlabelledImages) -> tf.Tensor:
    one, two = images.student, images.second
    return consistency_distance(one.scores, one.features, two.scores, two.features)


def _entropy(images: UnlabelledImages) -> tf.Tensor:
    return entropy(images.student.scores)


def _class_balance(images: UnlabelledImages) -> tf.Tensor:
    logits = images.student.scores
    return tf.fill(tf.shape(logits)[:1], class_imbalance(logits))


TERMS: Mapping[str, Term] = {
    "unlabelled_cross_entropy": Term(UnlabelledImages.pseudo_label_loss, "unlabelled_loss"),
    "mean_teacher": Term(_mean_teacher, "mean_teacher"),
    "consistency": Term(_consistency, "consistency"),
    "virtual_adversarial": Term(UnlabelledImages.virtual_adversarial_loss, "virtual_adversarial"),
    "entropy": Term(_entropy, "entropy"),
    "class_balance": Term(_class_balance, "class_balance"),
}
"""The terms by the option that is their weight."""


def check_network(network: keras.Model, terms: UnlabelledTerms) -> None:
    """Checks that the network has what the terms read.

    Args:
        network: the classifier in training.
        terms: weights of the terms.

    Raises:
        ValueError: `consistency` without features or dropout.
    """
    if not terms.consistency:
        return
    check_features(network, "consistency")
    if not any(getattr(layer, "rate", 0.0) > 0.0 for layer in network._flatten_layers()):
        raise ValueError(
            "`consistency` compares two passes that differ by their dropout, and this network has "
            "none: give `dropout`, such as 0.2, or `consistency` 0."
        )


def check_features(network: keras.Model, option: str) -> None:
    """Raises ValueError if an option needs features that the network does not return."""
    if not callable(getattr(network, "features", None)):
        raise ValueError(
            f"`{option}` compares features, and {type(network).__name__} has no method `features`: "
            "use a zoo.ImageClassifier."
        )
