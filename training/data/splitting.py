"""Row selection by hash, which does not depend on the random numbers of any library version."""

import hashlib
from collections.abc import Iterable

import numpy as np

from zoo.errors import UserError

MAX_HELD_OUT = 5_000
HELD_OUT_DIVISOR = 10


def hash_order(keys: Iterable[str]) -> np.ndarray:
    """Returns the positions of `keys`, sorted by the SHA-256 of each key's UTF-8 text.

    The bytes of a file name that are not UTF-8 are hashed as they are.

    Returns:
        `int64` array, a permutation of `0 .. len(keys) - 1`.
    """
    digests = [hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest() for key in keys]
    return np.array(sorted(range(len(digests)), key=digests.__getitem__), np.int64)


def hold_out(count: int, labels: np.ndarray | None, *, parts: int) -> list[np.ndarray]:
    """Takes held-out splits from a train split. The same rows are taken every time.

    Rows are sorted by the SHA-256 of their number, written in decimal. Each held-out split has
    `size = min(count // 10, 5000)` rows.

    - Without labels, each split takes the next `size` rows.
    - With labels, each split takes the next `size // classes` rows of every class, but at most a
      quarter of the class. If this selects no rows, the labels are ignored.

    Args:
        count: number of rows.
        labels: `int64` array of shape `[count]`, or `None`.
        parts: number of splits to take, 0 to 2.

    Returns:
        `parts + 1` sorted `int64` arrays of rows: the held-out splits in the order taken, then
        the remaining rows for training.

    Raises:
        UserError: if a split must be taken from fewer than ten rows.
    """
    if not parts:
        return [np.arange(count, dtype=np.int64)]
    size = min(count // HELD_OUT_DIVISOR, MAX_HELD_OUT)
    if not size:
        raise UserError(
            f"The data set has only {count} training images and no validation or test split. "
            "At least 10 training images are needed to hold some of them out."
        )
    order = hash_order(map(str, range(count)))
    taken: list[list[np.ndarray]] = [[] for _ in range(parts)]
    if labels is not None:
        classes = np.unique(labels)
        for label in classes:
            members = order[labels[order] == label]
            each = min(size // len(classes), len(members) // 4)
            for part, rows in enumerate(taken):
                rows.append(members[part * each : (part + 1) * each])
    if not sum(map(len, taken[0])):
        taken = [[order[part * size : (part + 1) * size]] for part in range(parts)]
    held_out = [np.sort(np.concatenate(rows)) for rows in taken]
    rest = np.setdiff1d(np.arange(count, dtype=np.int64), np.concatenate(held_out))
    return [*held_out, rest]
