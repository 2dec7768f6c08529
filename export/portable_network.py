"""A task with the inputs and outputs that ONNX and LiteRT files have."""

from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf

from zoo.images import prepare
from zoo.networks.network import Inputs, Network
from zoo.tasks import ImageClassifier, ImageGenerator


class PortableNetwork(Network):
    """A task with named inputs and outputs, in inference mode and float32.

    A classifier maps `images` (uint8) to `probabilities`. A generator maps `latent` (and `label`)
    to `images` (float32 in [-1, 1]). A critic maps `images` to `score`. Only SavedModels take
    seeds, image files and tf.Examples, because these formats have neither TensorFlow's random
    numbers nor its decoders.

    Args:
        task: an `ImageClassifier`, an `ImageGenerator`, or a critic's network, in float32.
    """

    def __init__(self, task: Network):
        super().__init__(name=task.name, dtype="float32")
        self.task = task
        self.build_from_symbolic_inputs()

    def symbolic_inputs(self) -> Inputs:
        if isinstance(self.task, ImageGenerator):
            return self.task.symbolic_inputs()
        return keras.Input(self.task.image_shape, dtype="uint8", name="images")

    def call(self, inputs: Inputs) -> dict[str, tf.Tensor]:
        if isinstance(self.task, ImageClassifier):
            return {"probabilities": self.task.probabilities(inputs)}
        if isinstance(self.task, ImageGenerator):
            return {"images": keras.ops.cast(self.task(inputs, training=False), "float32")}
        scores = self.task(prepare(inputs, self.task.image_shape), training=False)
        return {"score": keras.ops.reshape(keras.ops.cast(scores, "float32"), [-1])}

    def outputs(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Computes arrays by output name from arrays by input name, on the CPU."""
        with tf.device("CPU:0"):
            tensors = {name: tf.constant(value) for name, value in inputs.items()}
            results = self(tensors if len(tensors) > 1 else next(iter(tensors.values())))
        return {name: value.numpy() for name, value in results.items()}

    def specs(self) -> list:
        """Returns the input specs in the form that TensorFlow's exporters expect."""
        return [tf.nest.map_structure(_spec, self.symbolic_inputs())]


def _spec(tensor: keras.KerasTensor) -> tf.TensorSpec:
    return tf.TensorSpec(tensor.shape, tensor.dtype, name=tensor.name)
