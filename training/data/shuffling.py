"""Random-access permutations in graph code: any position is computed without the ones before."""

import numpy as np
import tensorflow as tf

# For fewer rows sorting is cheaper: the index shuffle always works on at least 65,536 positions.
_SORTED_BELOW = 2_048
# TensorFlow's wrapper uses four rounds. Neighbouring positions of sets as large as CIFAR-10 are
# then visibly correlated.
_ROUNDS = 16


def shuffled(positions: tf.Tensor, length: int, key: np.ndarray) -> tf.Tensor:
    """Returns the rows at given positions of an endless stream that is shuffled in every epoch.

    Position `p` is item `p % length` of epoch `p // length`. Each epoch is a permutation of all
    rows. The permutation depends on the epoch and the key.

    Args:
        positions: `int64` tensor `[m]` with `m >= 1` and values of at least 0. The positions
            should be close together, like those of a batch: the cost for short streams grows
            with the number of epochs between the first and the last.
        length: number of rows, at least 1.
        key: three integers in `0 .. 2**31 - 1`.

    Returns:
        `int64` tensor `[m]` of rows in `0 .. length - 1`.
    """
    if length < _SORTED_BELOW:
        return _shuffled_by_sorting(positions, length, key)
    epochs = tf.cast(positions // length, tf.uint32)
    # Neighbouring seeds give similar permutations, so the seeds are mixed first.
    seeds = _mix(_mix(epochs)[:, tf.newaxis] ^ tf.constant(key, tf.uint32))
    # tf.random.experimental.index_shuffle is the same op with four rounds, for scalars only.
    rows = tf.raw_ops.RandomIndexShuffle(
        index=positions % length,
        seed=tf.bitcast(seeds, tf.int32),
        max_index=tf.constant(length - 1, tf.int64),
        rounds=_ROUNDS,
    )
    return tf.reshape(rows, tf.shape(positions))


def _shuffled_by_sorting(positions: tf.Tensor, length: int, key: np.ndarray) -> tf.Tensor:
    """Sorts the rows of each needed epoch by a hash of epoch and row; no two hashes are equal."""
    epochs = positions // length
    first = tf.reduce_min(epochs)
    words = tf.constant(key, tf.uint32)
    occurring = tf.range(first, tf.reduce_max(epochs) + 1)
    epoch_hashes = _mix(_mix(tf.cast(occurring, tf.uint32)) ^ words[0])
    row_hashes = _mix(tf.cast(tf.range(length), tf.uint32) ^ words[1])
    hashes = tf.bitcast(_mix(epoch_hashes[:, tf.newaxis] ^ row_hashes), tf.int32)
    permutations = tf.argsort(hashes, axis=1)
    places = tf.stack([epochs - first, positions % length], axis=1)
    return tf.cast(tf.gather_nd(permutations, places), tf.int64)


def _mix(bits: tf.Tensor) -> tf.Tensor:
    """Applies MurmurHash3's 32-bit finalizer: each output bit depends on all input bits."""
    bits = (bits ^ tf.bitwise.right_shift(bits, tf.constant(16, tf.uint32))) * 0x85EBCA6B
    bits = (bits ^ tf.bitwise.right_shift(bits, tf.constant(13, tf.uint32))) * 0xC2B2AE35
    return bits ^ tf.bitwise.right_shift(bits, tf.constant(16, tf.uint32))
