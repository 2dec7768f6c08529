"""Tests of the mode count in the logs and of the picture of the points."""

import numpy as np
import tensorflow as tf
from PIL import Image

from training.callbacks.modes import POINTS, ModeCount, draw_points
from training.data.toys import MIXTURES
from zoo.networks import MLPGenerator


class Model:
    """A model whose sampler returns one point for every latent."""

    def __init__(self, point, num_classes=0):
        self.sampler = MLPGenerator((2,), latent_dim=3, units=4, num_classes=num_classes)
        self.sampler.output_layer.kernel.assign(tf.zeros((4, 2)))
        self.sampler.output_layer.bias.assign(point)


def test_count_is_logged_and_the_points_are_drawn(tmp_path):
    mixture = MIXTURES["ring"]
    writer = tf.summary.create_file_writer(str(tmp_path / "logs"))
    for classes in (0, 8):
        callback = ModeCount(mixture, tmp_path, writer, first_step=40)
        callback.set_model(Model(mixture.centres[2], classes))
        logs = {"gap": 1.0}
        callback.on_epoch_end(0, logs)
        assert logs == {"gap": 1.0, "modes": 1.0, "near_modes": 1.0}
        assert callback.points(callback.model.sampler).shape == (POINTS, 2)
    with Image.open(tmp_path / "000040.png") as picture:
        assert picture.size == (640, 640)


def test_picture_has_points_where_they_are():
    """x points right, y points up; [-1.5, 1.5] covers 320 pixels; points outside are not drawn."""
    picture = draw_points(np.array([[0.75, 0.75], [9.0, 0.0]]), np.array([[-0.75, 0.0]]))
    black, red = (np.all(picture == colour, axis=-1) for colour in ((0, 0, 0), (220, 0, 0)))
    np.testing.assert_array_equal(np.argwhere(black), [[79, 240]])
    np.testing.assert_array_equal(np.argwhere(red).mean(axis=0), [159, 80])
