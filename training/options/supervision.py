"""Options of class labels: which images have one, and the control that learns from them alone."""

import dataclasses
from typing import ClassVar, Literal

from zoo.options import Count, Options


@dataclasses.dataclass(frozen=True, kw_only=True)
class SupervisionOptions(Options):
    """No options: the model learns from real images, with all of their labels or none."""

    chooses_labels: ClassVar[bool] = False
    """Whether a part of the images is chosen to have labels."""
    control: ClassVar[bool] = False

    @property
    def semi_supervised(self) -> bool:
        """Whether some of the training images have no label."""
        return False

    @property
    def label_count(self) -> int | None:
        """How many training images have a label; None for all."""
        return None

    @property
    def unlabelled_multiple(self) -> int:
        """Number of unlabelled images for each image of a batch; 1 if none are unlabelled."""
        return 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class LabelOptions(SupervisionOptions):
    """Labelled images, and the supervised control."""

    chooses_labels: ClassVar[bool] = True

    labels: Count | Literal["all"] = "all"
    """Number of training images that have a label, balanced over classes; `all` for supervised
    training."""
    unlabelled_batches: Count = 1
    """Number of unlabelled images for each labelled image of a batch."""
    control: bool = False  # type: ignore[misc]
    """Also train the supervised control: same network, labels, steps and optimizer."""

    @property
    def semi_supervised(self) -> bool:
        return self.labels != "all"

    @property
    def label_count(self) -> int | None:
        return None if self.labels == "all" else self.labels

    @property
    def unlabelled_multiple(self) -> int:
        return self.unlabelled_batches if self.semi_supervised else 1
