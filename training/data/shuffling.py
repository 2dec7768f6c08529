"""Permutations that can be asked for any place at once, in graph code."""

import numpy as np
import tensorflow as tf

# Below this many rows sorting costs less; the index shuffle works on 65,536 places at least.
_SORTED_BELOW = 2_048
# TensorFlow's own wrapper takes four rounds, after which neighbouring places of sets as large as
# CIFAR-10 are visibly correlated.
_ROUNDS = 16


def shuffled(positions: tf.Tensor, length: int, key: np.ndarray) -> tf.Tensor:
    """Rows that stand at positions of an endless stream which permutes its rows in every epoch.

    Position `p` is place `p % length` of epoch `p // length`. Every epoch is a permutation of all
    rows, another one for another epoch or key.

    Args:
        positions: `int64` tensor `[m]`, `m` at least 1, each 0 or more; near one another, as
            those of a batch are.
        length: number of rows, at least 1.
        key: three whole numbers in `0 .. 2**31 - 1`.

    Returns:
        `int64` tensor `[m]` of rows in `0 .. length - 1`.
    """
    if length < _SORTED_BELOW:
        return _shuffled_by_sorting(positions, length, key)
    epochs = tf.cast(positions // length, tf.uint32)
    # The permutations of neighbouring seeds resemble one another, so seeds are mixed first.
    seeds = _mix(_mix(epochs)[:, tf.newaxis] ^ tf.constant(key, tf.uint32))
    # tf.random.experimental.index_shuffle is this with four rounds, and for scalars only.
    rows = tf.raw_ops.RandomIndexShuffle(
        index=positions % length,
        seed=tf.bitcast(seeds, tf.int32),
        max_index=tf.constant(length - 1, tf.int64),
        rounds=_ROUNDS,
    )
    return tf.reshape(rows, tf.shape(positions))


def _shuffled_by_sorting(positions: tf.Tensor, length: int, key: np.ndarray) -> tf.Tensor:
    """Orders the rows of each epoch that occurs by a hash of epoch and row; hashes never tie."""
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
    """Mixes `uint32` numbers so that each bit depends on all (MurmurHash3's 32-bit finalizer)."""
    bits = (bits ^ tf.bitwise.right_shift(bits, tf.constant(16, tf.uint32))) * 0x85EBCA6B
    bits = (bits ^ tf.bitwise.right_shift(bits, tf.constant(13, tf.uint32))) * 0xC2B2AE35
    return bits ^ tf.bitwise.right_shift(bits, tf.constant(16, tf.uint32))
