"""The result of every loader: images and labels of a train, a validation and a test split."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Split:
    """The images of one split and their labels.

    Args:
        images: `uint8` array of shape `[N, H, W, C]`, possibly a `np.memmap`. Toy data have
            `float32` points of shape `[N, D]`, which networks receive unscaled.
        labels: `int64` array of shape `[N]`, or `None` for an unlabelled split.

    Raises:
        ValueError: if an array has the wrong shape or dtype.
    """

    images: np.ndarray
    labels: np.ndarray | None = None

    def __post_init__(self) -> None:
        if (self.images.ndim, self.images.dtype) not in ((4, np.uint8), (2, np.float32)):
            raise ValueError(
                "images must be a uint8 array of shape [N, H, W, C], or float32 points [N, D]; "
                f"got {self.images.dtype} of shape {list(self.images.shape)}."
            )
        if self.labels is None:
            return
        if self.labels.dtype != np.int64 or self.labels.shape != self.images.shape[:1]:
            raise ValueError(
                f"labels must be an int64 array of shape [{len(self.images)}], one per image; "
                f"got {self.labels.dtype} of shape {list(self.labels.shape)}."
            )

    def __len__(self) -> int:
        return len(self.images)

    def inputs(self, count: int) -> np.ndarray:
        """Returns the first `count` rows as network inputs: float32, images in [-1, 1]."""
        images = np.asarray(self.images[:count])
        if images.dtype != np.uint8:
            return images
        return images.astype(np.float32) / np.float32(127.5) - np.float32(1.0)


@dataclasses.dataclass(frozen=True)
class Skipped:
    """The files of a folder that are not used for one reason.

    Args:
        reason: the reason in words, e.g. `"unreadable"`.
        files: the paths of the files inside the folder.
    """

    reason: str
    files: tuple[str, ...]

    @property
    def count(self) -> int:
        """The number of files."""
        return len(self.files)


@dataclasses.dataclass(frozen=True)
class ImageData:
    """A data set: three splits of images of one shape.

    Args:
        name: the name that is recorded in runs, label maps and scores, e.g. `"lsun/bedroom"`.
        train: the split for training.
        validation: the split for model selection.
        test: the split that is read once, at the end.
        class_names: the name of each class in the order of the labels; empty if unlabelled.
        unlabelled: training images without a label, next to those of `train`; or `None`.
        skipped: the files of a folder that are not used, one entry per reason.
        warnings: sentences about the data that the user should read.

    Raises:
        ValueError: if the splits differ in image shape, a split is empty, the labels do not
            match `class_names`, or `unlabelled` has labels or is given without classes.
    """

    name: str
    train: Split
    validation: Split
    test: Split
    class_names: tuple[str, ...] = ()
    unlabelled: Split | None = None
    skipped: tuple[Skipped, ...] = ()
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for split_name, split in self.splits.items():
            if split.images.shape[1:] != self.train.images.shape[1:]:
                raise ValueError(
                    f"All splits must have images of one shape; {split_name} has "
                    f"{split.images.shape[1:]}, train has {self.train.images.shape[1:]}."
                )
            if not len(split):
                raise ValueError(f"The {split_name} split of {self.name} is empty.")
            labels = split.labels
            if labels is not None and (labels.min() < 0 or labels.max() >= self.num_classes):
                raise ValueError(
                    f"The labels of the {split_name} split must be in [0, {self.num_classes}), "
                    f"one for each class name; got {labels.min()} to {labels.max()}."
                )
        if (self.train.labels is None) != (not self.class_names):
            raise ValueError("class_names must be given if and only if the train split has labels.")
        if self.unlabelled is not None and (
            self.unlabelled.labels is not None or not self.class_names
        ):
            raise ValueError("unlabelled images have no labels, and need labelled ones in train.")

    @property
    def splits(self) -> dict[str, Split]:
        """The splits by name; `unlabelled` is among them if there are such images."""
        splits = {"train": self.train, "validation": self.validation, "test": self.test}
        return splits if self.unlabelled is None else splits | {"unlabelled": self.unlabelled}

    @property
    def num_classes(self) -> int:
        """The number of classes; 0 for an unlabelled data set."""
        return len(self.class_names)

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Height, width and channels of every image, or the dimension of every point."""
        return self.train.images.shape[1:]
