"""Models: subclassed `keras.Model`s with a `train_step` of their own, one file a model."""

from zoo.models.adversarial import AdversarialModel
from zoo.models.conditional import ConditionalLossSensitiveGAN
from zoo.models.least_squares import LeastSquaresGAN
from zoo.models.supervised import SupervisedClassifier

__all__ = [
    "AdversarialModel",
    "ConditionalLossSensitiveGAN",
    "LeastSquaresGAN",
    "SupervisedClassifier",
]
