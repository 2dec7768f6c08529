"""`python -m training.data NAME --split test --out FILE.npz`: writes a split to an `.npz` file.

The file contains `images` (uint8). If the split has labels, it also contains `labels` (int64) and
`class_names`. Commands that
take raw arrays, such as `python -m export --data FILE.npz`, read it.
"""

import contextlib
import dataclasses
import os
import pathlib
import sys
from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
import tyro

from training.data import Split, load
from zoo.command_line import parse_options
from zoo.environment import prepare_tensorflow
from zoo.errors import UserError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `python -m training.data`."""

    name: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="NAME")]
    """A TensorFlow Datasets image set, a folder of images or an `.npz` file."""
    split: Literal["train", "validation", "test"]
    """The split to write."""
    out: pathlib.Path
    """The `.npz` file."""
    image_size: int | None = None
    """Side in pixels to resize the images to. By default they keep their size."""
    data_dir: str | None = None
    """Folder of data sets that TensorFlow Datasets has prepared."""


def write_split(split: Split, path: pathlib.Path, *, class_names: Sequence[str] = ()) -> None:
    """Writes images and labels to an `.npz` file, whole or not at all.

    Args:
        split: the images and labels.
        path: the file.
        class_names: the name of each class; they are written if there are any.

    Raises:
        UserError: if the data are points instead of images, or the file cannot be written.
    """
    if split.images.dtype != np.uint8:
        raise UserError("Only images can be written, and these data are points. Name an image set.")
    arrays = {"images": split.images}
    if split.labels is not None:
        arrays["labels"] = split.labels
        if class_names:
            arrays["class_names"] = np.array(class_names)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
        os.replace(part, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise UserError(f"Cannot write {path}: {error.strerror}.") from None


def main(arguments: Sequence[str]) -> int:
    """Runs the command; returns the exit code."""
    options = parse_options(
        Options, arguments, command="python -m training.data", description=__doc__
    )
    try:
        prepare_tensorflow()
        if options.out.suffix != ".npz":
            raise UserError(f"--out must end in .npz, given {options.out}.")
        data = load(options.name, image_size=options.image_size, data_dir=options.data_dir)
        split: Split = getattr(data, options.split)
        write_split(split, options.out, class_names=data.class_names)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{options.out}: {len(split):,} images of {data.name}, {options.split}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
