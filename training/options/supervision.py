"""Options of class labels: which images have one, and the control that learns from them alone."""

import dataclasses
from typing import ClassVar, Literal

from zoo.options import Count, Options


@dataclasses.dataclass(frozen=True, kw_only=True)
class SupervisionOptions(Options):
    """No options: the model learns from real images, with all of their labels or none."""

    chooses_labels: ClassVar[bool] = False
    """Whether a part of the images is chosen to have labels."""
    adapt: ClassVar[bool] = False
    """Whether options follow from the images, the labels and the device."""
    control: ClassVar[bool] = False
    control_equal_seconds: ClassVar[bool] = False
    control_without_generator: ClassVar[bool] = False

    @property
    def semi_supervised(self) -> bool:
        """Whether some of the training images have no label."""
        return False

    @property
    def label_count(self) -> int | None:
        """How many training images have a label; None for all."""
        return None

    @property
    def labels_are_given(self) -> bool:
        """Whether the data have images without a label that the model learns from."""
        return False

    @property
    def unlabelled_multiple(self) -> int:
        """Number of unlabelled images for each image of a batch; 1 if none are unlabelled."""
        return 1

    @property
    def controls(self) -> tuple[str, ...]:
        """The names of the controls to train, in order."""
        return ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class LabelOptions(SupervisionOptions):
    """Labelled images, and the controls that the model is compared with."""

    chooses_labels: ClassVar[bool] = True

    labels: Count | Literal["all", "given"] = "all"
    """Number of training images that have a label, balanced over classes; `all` for supervised
    training; `given` for the labels of data that also have images without a label."""
    unlabelled_batches: Count = 1
    """Number of unlabelled images for each labelled image of a batch."""
    adapt: bool = False  # type: ignore[misc]
    """Choose width, augmentation, unlabelled images per labelled one and the alignment of classes
    by the images, the labels and the device, if they are not given."""
    control: bool = False  # type: ignore[misc]
    """Also train the supervised control: same network, labels, steps and optimizer."""
    control_equal_seconds: bool = False  # type: ignore[misc]
    """Also train the supervised control for as many seconds as the model, which are more steps."""
    control_without_generator: bool = False  # type: ignore[misc]
    """Also train the control without a generator: the same semi-supervised terms and steps, without
    generated images."""

    @property
    def semi_supervised(self) -> bool:
        return self.labels != "all"

    @property
    def label_count(self) -> int | None:
        return self.labels if isinstance(self.labels, int) else None

    @property
    def labels_are_given(self) -> bool:
        return self.labels == "given"

    @property
    def unlabelled_multiple(self) -> int:
        return self.unlabelled_batches if self.semi_supervised else 1

    @property
    def controls(self) -> tuple[str, ...]:
        # Without unlabelled images, the third control is the first one.
        wanted = {
            "control": self.control,
            "control_equal_seconds": self.control_equal_seconds,
            "control_without_generator": self.control_without_generator and self.semi_supervised,
        }
        return tuple(name for name, is_wanted in wanted.items() if is_wanted)
