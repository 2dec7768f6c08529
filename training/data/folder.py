"""Loading of a folder of image files. Its sub-folders, if any, are the classes or splits."""

import collections
import os
import pathlib
from collections.abc import Iterable, Mapping

import numpy as np

from training.data.data_checks import Origin, copies, lacking_classes, similar_classes
from training.data.decoding import image_extensions, looks_like_image
from training.data.file_listing import Listing, list_files
from training.data.folder_decoding import DecodedFolder, check_depth, decode_all, pages
from training.data.folder_layout import Layout, Placed, doubts, find_layout
from training.data.image_data import ImageData, Skipped, Split
from training.data.split_names import SPLITS
from training.data.text import listed, number_of, printable
from zoo.errors import UserError

UNREADABLE = "unreadable"
UNKNOWN_TYPE = "of a type that is not an image"
REPEATED = "linked again, and used already"
IRREGULAR = "that are pipes, sockets or devices"


def load_folder(
    path: pathlib.Path, *, image_size: int | None = None, refuse_unreadable: bool = False
) -> ImageData:
    """Loads a folder of image files of all types that Pillow reads.

    Each sub-folder is a class and contains all images below it. Classes are in alphabetical
    order, or in the order of their values if all names are numbers. Sub-folders whose names mean
    a split in any spelling (see `training.data.split_names`) are splits instead; each of them has
    the class folders. A sub-folder whose name means "unlabelled", next to the class folders or to
    train/, has training images without a label. A missing split is taken from the train split:
    within each class, files are sorted by the SHA-256 of their path inside the folder. The first
    tenth is the test split and the next tenth the validation split, each with at least one file if
    the class has three.

    Images are rotated according to their EXIF data. Transparency is dropped. If all images are
    grey they get one channel, otherwise three. The 16-bit value `v` becomes `v >> 8`. Names that
    begin with a dot, and droppings such as `Thumbs.db`, are ignored. Links are followed; each
    file is used once. All other files that are not used are counted in `ImageData.skipped`.

    Args:
        path: the folder.
        image_size: side of the resulting images in pixels, or `None` to keep their size.
        refuse_unreadable: raise an error for files that cannot be read.

    Raises:
        UserError: if there is no readable image, a split or class would be empty, the folder
            mixes the layouts above, the values of 16-bit images are too small, or the images
            differ in size and `image_size` is `None`.
    """
    shown = printable(str(path))
    listing = list_files(path)
    images, skipped = _sorted_out(shown, listing)
    layout = find_layout(shown, images, listing.folders)
    decoded = decode_all({key: listing.files[key] for key in images}, image_size)
    skipped[UNREADABLE] = _unreadable(shown, images, decoded, refuse=refuse_unreadable)
    files = {
        split: [file for file in layout.splits[split] if file.key in decoded.images]
        for split in SPLITS
    }
    unlabelled = [file for file in layout.unlabelled if file.key in decoded.images]
    _check_used(shown, layout, files, skipped)
    check_depth(shown, decoded)
    shape = _common_shape(shown, decoded.images.values())
    splits = {split: _stack(files[split], decoded.images, shape) for split in SPLITS}
    return ImageData(
        name=printable(path.resolve().name),
        train=splits["train"],
        validation=splits["validation"],
        test=splits["test"],
        class_names=layout.class_names,
        unlabelled=_stack(unlabelled, decoded.images, shape) if unlabelled else None,
        skipped=tuple(Skipped(reason, tuple(keys)) for reason, keys in skipped.items() if keys),
        warnings=(
            *_not_used(shown, skipped),
            *pages(decoded),
            *doubts(shown, layout, images),
            *lacking_classes(splits, layout.class_names),
            *similar_classes(layout.class_names),
            # Images without a label are trained on, too.
            *_copies(files | {"train": [*files["train"], *unlabelled]}, decoded),
        ),
    )


def _sorted_out(shown: str, listing: Listing) -> tuple[list[str], dict[str, list[str]]]:
    """Returns the keys of the image files, and those of the other files by reason.

    Raises:
        UserError: the folder has no image file.
    """
    extensions = image_extensions()
    images = [key for key, file in listing.files.items() if looks_like_image(file, extensions)]
    known = set(images)
    skipped = {
        UNREADABLE: [],
        UNKNOWN_TYPE: [key for key in listing.files if key not in known],
        REPEATED: list(listing.repeated),
        IRREGULAR: list(listing.irregular),
    }
    if not images:
        raise UserError(
            f"There are no images in {shown}; {_reasons(skipped) or 'it has no files'}. Expected "
            f"image files such as .png, .jpg, .tif or .webp."
        )
    return images, skipped


def _unreadable(
    shown: str, images: list[str], decoded: DecodedFolder, *, refuse: bool
) -> list[str]:
    """Returns the keys of unreadable files, or refuses them."""
    unreadable = [key for key in images if key not in decoded.images]
    if unreadable and refuse:
        raise UserError(
            f"{shown} has {number_of(len(unreadable), 'unreadable image file')}: "
            f"{listed(unreadable)}. Repair or remove these files, or leave --refuse-unreadable "
            "out to skip them."
        )
    if not decoded.images:
        raise UserError(
            f"None of the {len(images)} images in {shown} can be read: {listed(unreadable)}."
        )
    return unreadable


def _not_used(shown: str, skipped: Mapping[str, list[str]]) -> list[str]:
    reasons = _reasons(skipped)
    return [f"Files of {shown} that are not used: {reasons}."] if reasons else []


def _copies(files: Mapping[str, list[Placed]], decoded: DecodedFolder) -> list[str]:
    return copies(
        Origin(decoded.digests[file.key], file.key, split, file.label)
        for split, placed in files.items()
        for file in placed
    )


def _reasons(skipped: Mapping[str, list[str]]) -> str:
    """Returns the number of files for each reason, with their types or first names."""
    parts = []
    for reason, keys in skipped.items():
        if not keys:
            continue
        names = listed(keys)
        if reason == UNKNOWN_TYPE:
            types = collections.Counter(
                os.path.splitext(key)[1].lower() or "without extension" for key in keys
            )
            names = listed([f"{kind} {count:,}" for kind, count in types.most_common()])
        what = "unreadable image file(s)" if reason == UNREADABLE else f"file(s) {reason}"
        parts.append(f"{len(keys):,} {what}: {names}")
    return "; ".join(parts)


def _check_used(
    shown: str,
    layout: Layout,
    files: Mapping[str, list[Placed]],
    skipped: Mapping[str, list[str]],
) -> None:
    """Raises `UserError` if a split or a class has no usable image."""
    for split in SPLITS:
        if not files[split]:
            where = layout.given.get(split)
            raise UserError(
                f"The {split} split of {shown} would be empty: {len(layout.splits[split])} image "
                f"files, none readable{_why(skipped, where)}. A folder needs at least three "
                "readable images. If it has train/, validation/ or test/, each of them needs at "
                "least one."
            )
    trained = {file.label for file in files["train"]}
    for label, folder in enumerate(layout.class_folders):
        if label not in trained:
            raise UserError(
                f"The class {layout.class_names[label]} of {shown} has no usable image for "
                f"training{_why(skipped, folder)}. Add images to {printable(folder)}/, or remove "
                "the folder if it is not a class."
            )
    used = {file.key.rpartition("/")[0] for split in SPLITS for file in files[split]}
    used |= {"/".join(folder.split("/")[:2]) for folder in used}
    for split in layout.given.keys() - {"train"}:
        lost = {"/".join(key.split("/")[:2]) for keys in skipped.values() for key in keys}
        for folder in sorted(lost - used):
            if layout.class_folders and folder.startswith(f"{layout.given[split]}/"):
                raise UserError(
                    f"The class folder {printable(folder)} of {shown} has no usable image"
                    f"{_why(skipped, folder)}. Add images to it, or remove it."
                )


def _why(skipped: Mapping[str, list[str]], folder: str | None) -> str:
    """Returns the reasons why files of a folder are not used, in brackets."""
    if folder is None:
        return ""
    inside = {
        reason: [key for key in keys if key == folder or key.startswith(f"{folder}/")]
        for reason, keys in skipped.items()
    }
    return f" ({_reasons(inside)})" if any(inside.values()) else ""


def _common_shape(shown: str, images: Iterable[np.ndarray]) -> tuple[int, int, int]:
    shapes = {image.shape for image in images}
    sides = sorted({shape[:2] for shape in shapes})
    if len(sides) > 1:
        smallest, largest = sides[0], sides[-1]
        raise UserError(
            f"The images in {shown} differ in size ({smallest[0]}x{smallest[1]} to "
            f"{largest[0]}x{largest[1]}). Give --image-size to resize them to one size."
        )
    return *sides[0], max(shape[2] for shape in shapes)


def _stack(
    files: list[Placed], images: dict[str, np.ndarray], shape: tuple[int, int, int]
) -> Split:
    """Moves the images of a split into one array, so that each is in memory once."""
    stacked = np.empty((len(files), *shape), np.uint8)
    for row, file in enumerate(files):
        stacked[row] = images.pop(file.key)  # A grey image fills three channels by broadcasting.
    labels = [file.label for file in files if file.label is not None]
    return Split(stacked, np.array(labels, np.int64) if labels else None)
