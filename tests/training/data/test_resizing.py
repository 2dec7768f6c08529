import numpy as np
import tensorflow as tf

from training.data.resizing import resize_array, resize_image


def test_own_size_is_left_bit_for_bit():
    image = np.random.default_rng(0).integers(0, 256, (7, 7, 3), np.uint8)
    unknown = tf.function(
        resize_image,
        input_signature=[tf.TensorSpec([None, None, 3], tf.uint8), tf.TensorSpec([], tf.int32)],
    )
    assert np.array_equal(unknown(image, 7), image)
    assert np.array_equal(resize_array(image[None], 7)[0], image)


def test_crops_the_centre_of_the_longer_side():
    wide = np.zeros((2, 7, 1), np.uint8)
    wide[:, 2:4] = 200  # (7 - 2) // 2 = 2 columns are cut at the left, 3 at the right.
    assert np.array_equal(resize_image(wide, 2), np.full((2, 2, 1), 200, np.uint8))
    assert np.array_equal(resize_image(wide.transpose(1, 0, 2), 2), np.full((2, 2, 1), 200))


def test_antialiasing_averages_thin_stripes():
    stripes = np.zeros((1, 64, 64, 1), np.uint8)
    stripes[:, :, ::8] = 255
    small = resize_array(stripes, 8)
    assert small.dtype == np.uint8 and small.shape == (1, 8, 8, 1)
    # The mean is 32. Nearest-neighbour sampling would give 0.
    assert small.min() > 10 and small.max() < 60


def test_rounds_to_the_nearest():
    image = np.array([[0, 3], [0, 0]], np.uint8)[..., None]  # The mean is 0.75.
    assert resize_image(image, 1).numpy().item() == 1


def test_many_images_equal_one_at_a_time():
    images = np.random.default_rng(1).integers(0, 256, (300, 5, 6, 1), np.uint8)
    together = resize_array(images, 3)
    assert np.array_equal(together[299], resize_image(images[299], 3))
