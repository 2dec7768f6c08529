"""Label maps: the training images whose labels are visible in a semi-supervised run."""

import dataclasses
import hashlib
import json
from typing import Self

import numpy as np

from training.data.splitting import hash_order
from zoo.errors import UserError


@dataclasses.dataclass(frozen=True, eq=False)
class LabelMap:
    """The rows of a train split whose labels are visible.

    Args:
        data: name of the data set.
        count: number of rows.
        seed: seed of the choice.
        indices: sorted `int64` array of `count` different rows.
        digest: hexadecimal SHA-256 of the four fields above.

    Raises:
        UserError: if the digest does not match the other fields.
    """

    data: str
    count: int
    seed: int
    indices: np.ndarray
    digest: str

    def __post_init__(self) -> None:
        if self.digest != _digest(self.data, self.count, self.seed, self.indices):
            raise UserError(
                f"The label map of {self.data} with {self.count} labels is damaged: its contents "
                "do not match its digest. Make it again from the same seed."
            )

    def to_json(self) -> str:
        """Returns the map as JSON text for `from_json`."""
        return json.dumps(dataclasses.asdict(self) | {"indices": self.indices.tolist()})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Reads the map from JSON text and verifies its digest.

        Raises:
            UserError: if the text is not a label map, or the map was changed.
        """
        try:
            fields = json.loads(text)
            indices = np.array(fields.pop("indices"), np.int64)
            return cls(indices=indices, **fields)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise UserError(f"This is not the JSON text of a label map: {error}.") from error


def make_label_map(
    labels: np.ndarray | None, *, data: str, num_classes: int, count: int | None, seed: int
) -> LabelMap:
    """Chooses `count / num_classes` rows of every class.

    Within each class, rows are taken in the order of the SHA-256 of `"data/seed/row"`. The choice
    therefore does not depend on library versions, and a larger choice contains every smaller one.

    Args:
        labels: `int64` labels of the train split, `[N]`, or `None` if it has none.
        data: name of the data set.
        num_classes: number of classes.
        count: number of labels to show, a multiple of `num_classes`; `None` shows all.
        seed: seed of the choice.

    Raises:
        UserError: if there are no labels, too few labels, too few labels of a class, or `count`
            is not a multiple of `num_classes`.
    """
    if count == 0:
        return _label_map(data, seed, np.empty([0], np.int64))
    if labels is None:
        raise UserError(
            f"{data} has no labels to show{'' if count is None else f'; got a count of {count}'}. "
            "Give --labels 0, or a data set with classes."
        )
    if count is None:
        return _label_map(data, seed, np.arange(len(labels), dtype=np.int64))
    _check_count(labels, data, num_classes, count)
    order = hash_order(f"{data}/{seed}/{row}" for row in range(len(labels)))
    chosen = []
    for label in range(num_classes):
        members = order[labels[order] == label]
        if len(members) < count // num_classes:
            raise UserError(
                f"{count} labels of {data} are {count // num_classes} per class, but class "
                f"{label} has only {len(members)} training images. Give fewer --labels, or "
                "--labels all."
            )
        chosen.append(members[: count // num_classes])
    return _label_map(data, seed, np.sort(np.concatenate(chosen)))


def _check_count(labels: np.ndarray, data: str, num_classes: int, count: int) -> None:
    if not 0 <= count <= len(labels):
        most = len(labels) // num_classes * num_classes
        raise UserError(
            f"{data} has {len(labels)} training images; got {count} labels to show. Give --labels "
            f"{most} or fewer, or --labels all."
        )
    if count % num_classes:
        below = count // num_classes * num_classes
        nearest = [str(n) for n in (below, below + num_classes) if 0 < n <= len(labels)]
        raise UserError(
            f"{data} has {num_classes} classes, and every class must have the same number of "
            f"labels: {count} is not a multiple of {num_classes}. Nearest: "
            f"{' or '.join(nearest)}. Give --labels {nearest[0] if nearest else 'all'}."
        )


def _label_map(data: str, seed: int, indices: np.ndarray) -> LabelMap:
    digest = _digest(data, len(indices), seed, indices)
    return LabelMap(data=data, count=len(indices), seed=seed, indices=indices, digest=digest)


def _digest(data: str, count: int, seed: int, indices: np.ndarray) -> str:
    head = json.dumps([data, count, seed]).encode()
    return hashlib.sha256(head + b"\n" + indices.astype("<i8").tobytes()).hexdigest()
