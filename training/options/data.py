"""Options of the training images and of their augmentation."""

import dataclasses
from typing import Annotated

from zoo.options import Count, NotNegative, NotNegativeCount, Options, Range, Share

Part = Annotated[float, Range("from 0 to 1", least=0, most=1)]


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataOptions(Options):
    """Training images, and their weak and strong augmentation."""

    data: str = "digits"
    """TFDS name (digits, mnist, cifar10, lsun/bedroom, ...), folder of images, or .npz file."""
    data_dir: str | None = None
    """Folder with data sets that TFDS has prepared."""
    manual_dir: str | None = None
    """Folder with the original files of the data set; TFDS checks their checksums and prepares
    them."""
    image_size: Count | None = None
    """Crop to a square and resize to this many pixels, with antialiasing; by default images keep
    their size."""
    shift: NotNegativeCount = 0
    """Augmentation: move each training image by up to this many pixels, differently in each
    step."""
    flip: bool = False
    """Augmentation: mirror each training image left to right at random."""
    rotate: NotNegative = 0.0
    """Augmentation: rotate each training image by up to this many degrees, differently in each
    step."""
    zoom: NotNegative = 0.0
    """Augmentation: scale each axis by up to this share, differently in each step."""
    strong: Part = 0.0
    """Strength of the strong view, from 0 (none) to 1: unlabelled images are also rotated, sheared,
    moved, zoomed and recoloured, each change with probability 1/2."""
    cutout: Share = 0.0
    """Side of the grey square that the strong view hides, as a share of the image's side; 0 for no
    square."""
    strong_labelled: Part = 0.0
    """Share of labelled images that are shown in the strong view too, drawn for each image and
    step."""

    def check(self) -> None:
        super().check()
        if self.strong_labelled and not (self.strong or self.cutout):
            raise ValueError(
                f"`strong_labelled` {self.strong_labelled} has no effect without a strong view: "
                "give `strong`, such as 0.5, or `cutout`."
            )
