"""Checks of the arguments of image generation: labels, seeds and truncation."""

from collections.abc import Sequence

import numpy as np

Labels = int | Sequence[int] | np.ndarray

_SEED_LIMIT = 2**63


def check_labels(n: int, labels: Labels | None, *, num_classes: int) -> np.ndarray | None:
    """Checks the labels of n images.

    Args:
        n: int, number of images.
        labels: one class or n classes; None for class `i % num_classes` of image i.
        num_classes: int, K; 0 for an unconditional generator.

    Returns:
        int64 array `[n]`, or None for an unconditional generator.

    Raises:
        ValueError: labels of a wrong type, number or range, or for an unconditional generator.
    """
    if not num_classes:
        if labels is not None:
            raise ValueError("This generator is unconditional and takes no `labels`.")
        return None
    if labels is None:
        return np.arange(n, dtype="int64") % num_classes
    classes = np.asarray(labels)
    if classes.dtype.kind not in "iu" or classes.shape not in ((), (n,)):
        raise ValueError(
            f"`labels` must be one integer or {n} of them, received dtype {classes.dtype} and "
            f"shape {classes.shape}."
        )
    if classes.min() < 0 or classes.max() >= num_classes:
        raise ValueError(
            f"`labels` must be in 0..{num_classes - 1}, received {classes.min()}..{classes.max()}."
        )
    return np.broadcast_to(classes, (n,)).astype("int64")


def check_truncation(truncation: float | None) -> None:
    """Raises ValueError unless the truncation is None or in (0, 1]."""
    if truncation is not None and not 0.0 < truncation <= 1.0:
        raise ValueError(f"`truncation` must be in (0, 1], received {truncation}.")


def check_seed(seed: int, n: int) -> None:
    """Raises ValueError unless `seed` to `seed + n - 1` are in [0, 2^63)."""
    if not 0 <= seed <= _SEED_LIMIT - n:
        raise ValueError(f"`seed` must be in [0, 2**63 - {n}], received seed={seed}.")
