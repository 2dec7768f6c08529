import numpy as np
import pytest

from training.data.image_data import ImageData, Split


def images(count: int = 4, side: int = 3) -> np.ndarray:
    return np.zeros((count, side, side, 1), np.uint8)


def test_properties():
    split = Split(images(), np.array([0, 1, 1, 0]))
    data = ImageData("toy", split, split, split, ("a", "b"))
    assert data.num_classes == 2
    assert data.image_shape == (3, 3, 1)
    assert len(data.train) == 4
    unlabelled = ImageData("toy", Split(images()), Split(images()), Split(images()))
    assert unlabelled.num_classes == 0


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Split(np.zeros((4, 3, 3), np.uint8)),
        lambda: Split(np.zeros((4, 3, 3, 1), np.float32)),
        lambda: Split(images(), np.zeros(3, np.int64)),
        lambda: Split(images(), np.zeros(4, np.int32)),
        lambda: Split(images(), np.zeros((4, 1), np.int64)),
    ],
)
def test_split_refuses_other_shapes_and_dtypes(wrong):
    with pytest.raises(ValueError, match="must be"):
        wrong()


def test_data_set_refuses_what_does_not_fit_together():
    plain, labelled = Split(images()), Split(images(), np.array([0, 1, 2, 0]))
    with pytest.raises(ValueError, match="one shape"):
        ImageData("toy", plain, Split(images(side=4)), plain)
    with pytest.raises(ValueError, match="empty"):
        ImageData("toy", plain, plain, Split(images(0)))
    with pytest.raises(ValueError, match="class_names"):
        ImageData("toy", plain, plain, plain, ("a",))
    with pytest.raises(ValueError, match=r"in \[0, 2\)"):
        ImageData("toy", labelled, labelled, labelled, ("a", "b"))
