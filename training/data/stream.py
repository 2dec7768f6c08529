"""The sources of training images, as the input pipeline reads them."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from training.data.augmentation import Augmentation
from training.data.device_images import DeviceImages
from training.data.image_data import Split
from training.data.views import StrongView
from zoo.errors import UserError


@dataclasses.dataclass(frozen=True, eq=False)
class Stream:
    """An endless source of images that is shuffled again in every epoch.

    Args:
        split: the source of the images.
        indices: `int64` rows of the split to use, `[n]`; `None` for all.
        with_labels: add labels to the batches. Labels of a stream without them are never read,
            so that hidden labels stay hidden.
        with_plain: add the images before augmentation to the batches.
        multiple: images for each sample of a batch, at least 1.
        strong_share: share of the images that are shown in the strong view, drawn for each image
            and step; the others are shown in the weak one.
        device_images: the images of the split on the devices. The pipeline then gives plans (see
            `plans`) in place of images, and the step turns them into images. `None` for images
            from the pipeline.
    """

    split: Split
    indices: np.ndarray | None = None
    with_labels: bool = False
    with_plain: bool = False
    multiple: int = 1
    strong_share: float = 0.0
    device_images: DeviceImages | None = None

    def __len__(self) -> int:
        return len(self.split.images) if self.indices is None else len(self.indices)


def check_streams(
    streams: Mapping[str, Stream], augmentation: Augmentation, strong: StrongView
) -> None:
    """Checks streams and the views of their images.

    Raises:
        UserError: a stream is empty, labels are missing, or the images cannot be augmented.
    """
    if not streams or "index" in streams:
        raise UserError(
            "At least one stream is needed, and none may be named 'index'; "
            f"got {', '.join(streams) or 'none'}."
        )
    for name, stream in streams.items():
        augmentation.check(stream.split.images.shape)
        strong.check(stream.split.images.shape)
        check_range(f"number of images per sample of {name!r}", stream.multiple, 1)
        if not len(stream):
            raise UserError(f"The stream {name!r} has no images. Give it at least one.")
        if stream.with_labels and stream.split.labels is None:
            raise UserError(f"The stream {name!r} needs labels, but its data set has none.")
        rows, count = stream.indices, len(stream.split.images)
        if rows is None:
            continue
        if rows.dtype != np.int64 or rows.min() < 0 or rows.max() >= count:
            raise UserError(
                f"The rows of the stream {name!r} must be int64 values from 0 to {count - 1}; "
                f"got {rows.dtype} from {rows.min()} to {rows.max()}."
            )


def check_range(what: str, value: int, least: int, why: str = "") -> None:
    """Raises `UserError` if a value is too small."""
    if value < least:
        raise UserError(f"The {what} must be at least {least}{why}; got {value}.")
