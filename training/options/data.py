"""Options of the training images and of their augmentation."""

import dataclasses

from zoo.options import Count, NotNegative, NotNegativeCount, Options


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataOptions(Options):
    """Training images, and their weak augmentation."""

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
