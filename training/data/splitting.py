"""Choosing rows by hash, so that a choice never changes with a library's random numbers."""

import hashlib
from collections.abc import Iterable

import numpy as np

from zoo.errors import UserError

MAX_HELD_OUT = 5_000
HELD_OUT_DIVISOR = 10


def hash_order(keys: Iterable[str]) -> np.ndarray:
    """Positions of `keys` in the order of the SHA-256 of each key's UTF-8 text.

    Returns:
        `int64` array, a permutation of `0 .. len(keys) - 1`.
    """
    digests = [hashlib.sha256(key.encode()).digest() for key in keys]
    return np.array(sorted(range(len(digests)), key=digests.__getitem__), np.int64)


def hold_out(count: int, labels: np.ndarray | None, *, parts: int) -> list[np.ndarray]:
    """Takes one or two held-out splits from a train split, the same ones every time.

    Rows are ordered by the SHA-256 of their number written in decimal. Each held-out split takes
    the next `min(count // 10, 5000)` rows. With labels it takes the next rows of every class
    instead: the same number of each, that total divided by the number of classes and rounded
    down, but no more than a quarter of the class; where that comes to nothing (more classes than
    rows to take) the classes are not looked at.

    Args:
        count: number of rows.
        labels: `int64` array of shape `[count]`, or `None`.
        parts: how many splits to take, 0 to 2.

    Returns:
        `parts + 1` sorted `int64` arrays of rows: the held-out splits in the order taken, then
        what remains to train on.

    Raises:
        UserError: if there are fewer than ten rows to take from.
    """
    if not parts:
        return [np.arange(count, dtype=np.int64)]
    size = min(count // HELD_OUT_DIVISOR, MAX_HELD_OUT)
    if not size:
        raise UserError(
            f"The data set has only {count} training images and no validation or test split of "
            "its own; at least 10 are needed to hold some out."
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
