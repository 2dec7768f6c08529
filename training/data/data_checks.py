"""Warnings about a data set: copies of images, classes that a split lacks, almost black images."""

import collections
import dataclasses
import hashlib
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from training.data.image_data import Split
from training.data.text import listed, printable

_DARK = 32
_ROWS_FOR_BRIGHTNESS = 2_000


@dataclasses.dataclass(frozen=True)
class Origin:
    """The place of an image in its data set.

    Args:
        digest: a hash of the image's content.
        name: the name of the image in messages.
        split: the name of its split.
        label: the index of its class, or `None`.
    """

    digest: bytes
    name: str
    split: str
    label: int | None


def copies(origins: Iterable[Origin]) -> list[str]:
    """Returns warnings about identical images in two splits or in two classes."""
    groups: dict[bytes, list[Origin]] = {}
    for origin in origins:
        groups.setdefault(origin.digest, []).append(origin)
    repeated = [group for group in groups.values() if len(group) > 1]
    across_splits = [group for group in repeated if len({one.split for one in group}) > 1]
    labelled = [[one for one in group if one.label is not None] for group in repeated]
    across_classes = [group for group in labelled if len({one.label for one in group}) > 1]
    warnings = []
    if across_splits:
        warnings.append(
            _copies(across_splits, "split", [origin.split for origin in across_splits[0]])
            + " The scores of a split are too good if its images were trained on: remove copies."
        )
    if across_classes:
        warnings.append(
            _copies(across_classes, "class", [origin.label for origin in across_classes[0]])
            + " An image has one class: remove the wrong copies."
        )
    return warnings


def copies_in_arrays(splits: Mapping[str, Split]) -> list[str]:
    """Returns the warnings of `copies` for arrays in memory, and none for memory maps.

    The 60,000 images of CIFAR-10 take 0.3 s. Memory maps would be read as a whole.
    """
    if any(isinstance(split.images, np.memmap) for split in splits.values()):
        return []
    digests = {name: [_digest(image) for image in split.images] for name, split in splits.items()}
    counts = collections.Counter(digest for found in digests.values() for digest in found)
    return copies(
        Origin(digest, f"{name} image {row}", name, _label(splits[name], row))
        for name, found in digests.items()
        for row, digest in enumerate(found)
        if counts[digest] > 1
    )


def _digest(image: np.ndarray) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=16).digest()


def _label(split: Split, row: int) -> int | None:
    return None if split.labels is None else int(split.labels[row])


def _copies(groups: Sequence[Sequence[Origin]], place: str, places: Sequence[object]) -> str:
    first = groups[0][0]
    other = next(one for one, where in zip(groups[0], places, strict=True) if where != places[0])
    count = sum(map(len, groups))
    return (
        f"{count:,} images are identical to an image in another {place} ({len(groups):,} different "
        f"contents), e.g. {printable(first.name)} and {printable(other.name)}."
    )


def lacking_classes(splits: Mapping[str, Split], class_names: Sequence[str]) -> list[str]:
    """Returns a warning for each split that has no images of some class."""
    warnings = []
    for split_name, split in splits.items():
        if split.labels is None:
            continue
        counts = np.bincount(split.labels, minlength=len(class_names))
        lacking = [class_names[label] for label in np.flatnonzero(counts == 0).tolist()]
        if lacking:
            warnings.append(
                f"The {split_name} split has no images of these classes: {listed(lacking)}."
            )
    return warnings


def similar_classes(class_names: Sequence[str]) -> list[str]:
    """Returns a warning if names of classes differ in case, spaces or punctuation alone."""
    groups: dict[str, list[str]] = {}
    for name in class_names:
        letters = "".join(filter(str.isalpha, name.casefold()))
        if letters and len(letters) == len([c for c in name if c.isalnum()]):
            groups.setdefault(letters, []).append(name)
    similar = [" and ".join(group) for group in groups.values() if len(group) > 1]
    if not similar:
        return []
    return [f"These classes have almost the same name, and may be one class: {listed(similar)}."]


def brightness(train: Split) -> list[str]:
    """Returns a warning if the training images are almost black."""
    if train.images.dtype != np.uint8:
        return []
    step = max(1, len(train) // _ROWS_FOR_BRIGHTNESS)
    brightest = int(train.images[::step].max())
    if brightest >= _DARK:
        return []
    return [
        f"The training images are almost black: their brightest value is {brightest} of 255. If "
        "the values are meant to reach a smaller maximum, scale them to 0..255 first."
    ]
