import numpy as np
import pytest
import tensorflow as tf

from training.data.shuffling import shuffled

KEY = np.array([11, 22, 33])


def epoch(number: int, length: int, key: np.ndarray = KEY) -> list[int]:
    positions = tf.range(length, dtype=tf.int64) + number * length
    return shuffled(positions, length, key).numpy().tolist()


# Lengths below and above the one at which the method changes.
@pytest.mark.parametrize("length", [1, 2, 3, 100, 2_047, 2_048, 5_000])
def test_every_epoch_is_another_permutation(length):
    first, second = epoch(0, length), epoch(1, length)
    assert sorted(first) == sorted(second) == list(range(length))
    if length > 3:
        assert first != second != list(range(length))
        assert first != epoch(0, length, KEY + 1)


@pytest.mark.parametrize("length", [7, 3_000])
def test_any_positions_at_once(length):
    in_order = [row for number in range(3) for row in epoch(number, length)]
    positions = np.array([2 * length, length - 1, length, 0, 3 * length - 1])
    rows = shuffled(tf.constant(positions), length, KEY).numpy()
    assert rows.tolist() == [in_order[position] for position in positions]


def test_never_changes():
    assert epoch(5, 8) == [2, 4, 6, 7, 1, 3, 0, 5]
    assert shuffled(tf.range(4, dtype=tf.int64), 50_000, KEY).numpy().tolist() == [
        41092,
        26598,
        5857,
        20561,
    ]


@pytest.mark.parametrize("length", [1_000, 40_000])
def test_looks_random(length):
    order = np.array(epoch(3, length))
    for lag in (1, 2, 4):
        correlation = np.corrcoef(order[:-lag], order[lag:])[0, 1]
        assert abs(correlation) < 4.5 / length**0.5
    # The first row of 3,000 epochs is spread evenly: chi-squared with 9 degrees of freedom.
    starts = tf.range(3_000, dtype=tf.int64) * length
    if length < 2_048:
        first = np.concatenate([shuffled(part, length, KEY) for part in tf.split(starts, 100)])
    else:
        first = shuffled(starts, length, KEY).numpy()
    observed = np.histogram(first, bins=10, range=(0, length))[0]
    assert ((observed - 300) ** 2 / 300).sum() < 40
