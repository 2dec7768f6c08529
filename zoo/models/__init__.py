"""Models: subclassed `keras.Model`s with a `train_step` of their own, one file a model."""

from zoo.models.adversarial import AdversarialModel
from zoo.models.classic import ClassicGAN
from zoo.models.conditional import ConditionalLossSensitiveGAN
from zoo.models.hinge import HingeGAN
from zoo.models.least_squares import LeastSquaresGAN
from zoo.models.lipschitz import LipschitzGAN
from zoo.models.loss_sensitive import GeneralizedLossSensitiveGAN, LossSensitiveGAN
from zoo.models.supervised import SupervisedClassifier
from zoo.models.wasserstein import WassersteinGAN

__all__ = [
    "AdversarialModel",
    "ClassicGAN",
    "ConditionalLossSensitiveGAN",
    "GeneralizedLossSensitiveGAN",
    "HingeGAN",
    "LeastSquaresGAN",
    "LipschitzGAN",
    "LossSensitiveGAN",
    "SupervisedClassifier",
    "WassersteinGAN",
]
