"""Critics trained with the zoo's own models on fixed points, to hold against the exact optima."""

import keras
import numpy as np
import tensorflow as tf

from zoo.gradients import input_gradient
from zoo.models import AdversarialModel
from zoo.models.examples import Examples
from zoo.networks import Generator, MLPCritic
from zoo.randomness import Noise


class FixedPoints(Generator):
    """A "generator" with nothing to learn: row i of a batch is point i of an array.

    Args:
        points: float array `[n, d]`; batches are of n rows.
    """

    def __init__(self, points: np.ndarray):
        super().__init__(
            points.shape[1:], latent_dim=1, latent="normal", num_classes=0, name=None, dtype=None
        )
        self.points = tf.constant(points, tf.float32)
        self.built = True

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        # The latent decides nothing; that Keras knows the batch by it is all it is for.
        return self.points + 0.0 * inputs


def make_critic(
    dimensions: int, *, units: int = 64, depth: int = 2, activation: str = "relu"
) -> MLPCritic:
    """Makes a critic for points `[dimensions]`."""
    return MLPCritic((dimensions,), units=units, depth=depth, activation=activation)


def train_critic(
    model: AdversarialModel,
    real: np.ndarray,
    *,
    steps: int,
    learning_rate: float,
    decay: float = 0.01,
    shuffle: bool = False,
) -> dict[str, float]:
    """Takes critic steps of a model whose generator is `FixedPoints`, with Adam and cosine decay.

    Args:
        model: not compiled yet.
        real: float array `[n, d]`, as many as the fixed fake points.
        steps: int, critic steps.
        learning_rate: float, of Adam (0.9, 0.99), at the start.
        decay: float, the share of it that is left at the end.
        shuffle: bool, whether real points meet other fake ones in each step, which is what MaxGP's
            interpolates lie between.

    Returns:
        The last step's logged values, each the mean over the points.
    """
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps, alpha=decay)
    adam = keras.optimizers.Adam(schedule, beta_1=0.9, beta_2=0.99)
    model.compile(keras.optimizers.SGD(0.0), adam)
    points = tf.constant(real, tf.float32)
    index = tf.range(len(real), dtype=tf.int64)

    @tf.function(autograph=False)
    def step(number: tf.Tensor) -> dict[str, tf.Tensor]:
        noise = Noise(model.seed, number, index)
        order = tf.argsort(noise.child("order").uniform()) if shuffle else index
        batch = {"real": Examples(tf.gather(points, order))}
        return model.critic_step(batch, noise, tf.cast(len(real), tf.float32))

    for number in range(steps):
        logs = step(tf.constant(number, tf.int64))
    return {name: float(tf.reduce_mean(values)) for name, values in logs.items()}


def scores_at(model: AdversarialModel, points: np.ndarray) -> np.ndarray:
    """Computes the critic's raw outputs at points: float32 `[n]`."""
    return np.asarray(model.critic(tf.constant(points, tf.float32)))


def gradients_at(model: AdversarialModel, points: np.ndarray) -> np.ndarray:
    """Computes the gradient of the critic at points: float32 `[n, d]`."""
    return np.asarray(input_gradient(model.critic, tf.constant(points, tf.float32)))


def cosines(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Computes the cosine of the angle between the rows of two arrays `[n, d]`."""
    norms = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    return np.sum(left * right, axis=1) / np.maximum(norms, 1e-12)
