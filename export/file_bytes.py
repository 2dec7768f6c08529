"""Access to the bytes of a file in a TensorFlow graph."""

from collections.abc import Callable

import tensorflow as tf

MAX_PARTS = 5000
"""Largest number of parts of a file that are visited; more would keep a server busy."""
_PADDING = 64
Part = tuple[tf.Tensor, tf.Tensor]
"""Start and end of a part of a file, int64; -1 and -1 if the file does not have it."""


def require(condition: tf.Tensor, message: str) -> tf.Operation:
    """Returns an operation that fails with INVALID_ARGUMENT and the message."""
    return tf.debugging.Assert(condition, [message])


def select(condition: tf.Tensor, chosen: int | tf.Tensor, otherwise: int | tf.Tensor) -> tf.Tensor:
    """Returns one of two numbers as int64."""
    return tf.where(condition, tf.cast(chosen, tf.int64), tf.cast(otherwise, tf.int64))


def no_part() -> Part:
    """Returns the part that a file does not have."""
    return tf.constant(-1, tf.int64), tf.constant(-1, tf.int64)


class FileBytes:
    """The bytes of a file.

    Positions behind the end read as the last byte of a padding of zeros, so that no read fails.

    Args:
        content: string scalar.
    """

    def __init__(self, content: tf.Tensor):
        self.content = content
        values = tf.io.decode_raw(content, tf.uint8)
        self.size = tf.size(values, out_type=tf.int64)
        self._values = tf.pad(values, [[0, _PADDING]])

    def read(self, position: tf.Tensor, count: int | tf.Tensor) -> tf.Tensor:
        """Returns some bytes as int64 values."""
        indices = position + tf.range(tf.cast(count, tf.int64))
        values = tf.gather(self._values, tf.clip_by_value(indices, 0, self.size + _PADDING - 1))
        return tf.cast(values, tf.int64)

    def number(
        self, position: tf.Tensor, count: int, *, little: bool | tf.Tensor = False
    ) -> tf.Tensor:
        """Returns an unsigned number of `count` bytes, with the lowest byte first if `little`."""
        powers = tf.constant([256**i for i in range(count)], tf.int64)
        powers = tf.where(little, powers, powers[::-1])
        return tf.reduce_sum(self.read(position, count) * powers)

    def contains(self, position: tf.Tensor, text: bytes) -> tf.Tensor:
        """Returns a bool scalar, whether these bytes are at this position."""
        return tf.reduce_all(self.read(position, len(text)) == list(text))

    def matches(self, pattern: bytes) -> tf.Tensor:
        r"""Returns a bool scalar, whether a pattern is anywhere in the file; `\C` is any byte."""
        return tf.strings.regex_full_match(self.content, rb"\C*" + pattern + rb"\C*")

    def find_part(
        self,
        start: int,
        next_part: Callable[[tf.Tensor], tf.Tensor],
        *,
        name: bytes,
        name_at: int,
        trailer: int,
    ) -> Part:
        """Finds a part of a file by its name; the content begins 8 bytes after its start.

        Args:
            start: position of the first part.
            next_part: function of a part's position that returns the next part's.
            name: the name.
            name_at: position of the name in a part.
            trailer: number of bytes of a part behind its content and padding.
        """

        def unfinished(position: tf.Tensor) -> tf.Tensor:
            found = self.contains(position + name_at, name)
            return ~found & (position + 8 <= self.size)

        (position,) = tf.while_loop(
            unfinished,
            lambda position: (next_part(position),),
            (tf.constant(start, tf.int64),),
            maximum_iterations=MAX_PARTS,
        )
        found = self.contains(position + name_at, name)
        finished = require(
            found | (position + 8 > self.size), f"The file has more than {MAX_PARTS} parts."
        )
        with tf.control_dependencies([finished]):
            start_of_content = select(found, position + 8, -1)
        return start_of_content, select(found, next_part(position) - trailer, -1)
