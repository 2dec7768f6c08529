"""`python -m training.sample PRESET_OR_RUN`: writes a sheet of generated images.

An image is determined by its seed (and class): `--seeds 0-63` shows the images that
`generate(64, seed=0)` and a served model return.
"""

import dataclasses
import os
import pathlib
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import tyro

from training.nearest import interleaved, inverted, nearest_images
from training.pictures import PICTURE_ENDINGS, check_ending, save_picture
from zoo.command_line import parse_options
from zoo.environment import prepare_tensorflow
from zoo.errors import UserError

if TYPE_CHECKING:
    import numpy as np

    from zoo.tasks import ImageGenerator

COLUMNS = 8
_MAX_SEEDS = 10_000
_FRAME_MILLISECONDS = 80


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `python -m training.sample`."""

    source: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="PRESET_OR_RUN")]
    """A preset's name, folder or address, or that of a finished run."""
    out: pathlib.Path = pathlib.Path("samples.png")
    """The file: .png, .jpg, .webp or .gif."""
    grid: str | None = None
    """Rows x columns. By default 8x8."""
    seeds: str | None = None
    """FIRST-LAST, or seeds separated by commas. By default the seeds from 0 on."""
    seed: int | None = None
    """The first seed; the other images have the seeds that follow."""
    label: Annotated[str | None, tyro.conf.arg(name="class")] = None
    """One class for all images, by number or name. By default each row has another class."""
    interpolate: Annotated[str | None, tyro.conf.arg(metavar="A,B")] = None
    """Interpolate between two seeds."""
    truncation: float | None = None
    """Factor of the latents, in (0, 1]: lower values give less varied images."""
    nearest: Annotated[str | None, tyro.conf.arg(metavar="DATASET")] = None
    """Show the nearest training image of a data set next to each image."""
    invert: Annotated[str | None, tyro.conf.arg(metavar="IMAGES")] = None
    """An image file or a folder. Show each image next to its nearest generated image."""
    gif: pathlib.Path | None = None
    """A GIF file for the animation of --interpolate."""

    def check(self) -> None:
        """Raises UserError for wrong values, and for options that have no effect together."""
        check_ending(self.out, option="--out", endings=PICTURE_ENDINGS)
        if self.gif is not None:
            check_ending(self.gif, option="--gif", endings=(".gif",))
            if self.gif.resolve() == self.out.resolve():
                raise UserError(f"--out and --gif are the same file: {self.out}. Rename one.")
        if self.seed is not None and self.seeds is not None:
            raise UserError("Give --seed or --seeds, not both.")
        choices = ("seed", "seeds", "interpolate", "invert")
        given = [f"--{name}" for name in choices if getattr(self, name) is not None]
        if len(given) > 1:
            raise UserError(f"Give one of {' and '.join(given)}: each chooses the images.")
        if self.gif is not None and self.interpolate is None:
            raise UserError("--gif shows the way between two seeds: give --interpolate A,B too.")
        if self.invert is not None:
            for name in ("nearest", "truncation", "grid"):
                if getattr(self, name) is not None:
                    raise UserError(f"--{name} has no effect with --invert.")
        rows, columns = self.shape()
        if rows * columns > _MAX_SEEDS:
            raise UserError(
                f"--grid {rows}x{columns} has {rows * columns:,} places; the most is "
                f"{_MAX_SEEDS:,}. Give a smaller grid."
            )
        seeds = self.seed_list()
        if rows * columns != len(seeds) and self.seeds is not None and self.grid is not None:
            raise UserError(
                f"--grid {rows}x{columns} has {rows * columns} places for the {len(seeds)} "
                "images of --seeds; leave one of them out."
            )
        pair = self.pair()
        if pair is not None and rows * columns < 2:
            raise UserError("--interpolate needs at least 2 places in --grid.")
        _check_seeds(seeds if pair is None else list(pair), self)

    def shape(self) -> tuple[int, int]:
        """Returns the rows and columns of the sheet."""
        if self.grid is not None:
            match = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", self.grid)
            if not match:
                raise UserError(f"--grid must be ROWSxCOLUMNS, such as 8x8; given {self.grid!r}.")
            return int(match[1]), int(match[2])
        if self.seeds is None:
            return (1 if self.interpolate is not None else COLUMNS), COLUMNS
        count = len(self.seed_list())
        return -(-count // COLUMNS), min(COLUMNS, count)

    def seed_list(self) -> list[int]:
        """Returns the seed of each image."""
        if self.seeds is None:
            rows, columns = self.shape()
            first = self.seed or 0
            return list(range(first, first + rows * columns))
        match = re.fullmatch(r"(\d+)-(\d+)", self.seeds)
        if match and 0 <= int(match[2]) - int(match[1]) < _MAX_SEEDS:
            return list(range(int(match[1]), int(match[2]) + 1))
        if re.fullmatch(r"\d+(,\d+)*", self.seeds) and self.seeds.count(",") < _MAX_SEEDS:
            return [int(seed) for seed in self.seeds.split(",")]
        raise UserError(
            "--seeds must be FIRST-LAST, or seeds separated by commas, such as 0-63 or 3,7,9, and "
            f"at most {_MAX_SEEDS:,} seeds; given {self.seeds[:100]!r}."
        )

    def pair(self) -> tuple[int, int] | None:
        """Returns the two seeds to interpolate between, if any."""
        if self.interpolate is None:
            return None
        match = re.fullmatch(r"(\d+),(\d+)", self.interpolate)
        if not match:
            raise UserError(
                f"--interpolate must be two seeds, such as 3,7; given {self.interpolate!r}."
            )
        return int(match[1]), int(match[2])


def _check_seeds(seeds: list[int], options: Options) -> None:
    from zoo.latents import as_seed

    if options.interpolate is not None:
        name = "--interpolate"
    else:
        name = "--seed" if options.seeds is None else "--seeds"
    try:
        for seed in (min(seeds), max(seeds)):
            as_seed(seed, name=name)
    except ValueError as error:
        raise UserError(str(error)) from None


def draw(
    generator: "ImageGenerator", options: Options, *, label: int | None
) -> "tuple[np.ndarray, int]":
    """Generates the requested uint8 images.

    Args:
        generator: the generator.
        options: the checked options.
        label: int, the class of all images; None if no class was given.

    Returns:
        The images, and the number of images per row.
    """
    rows, columns = options.shape()
    if options.invert is not None:
        return inverted(generator, options.invert, label), COLUMNS
    if (pair := options.pair()) is not None:
        images = generator.interpolate(
            *pair, rows * columns, label=label, truncation=options.truncation
        )
    else:
        images = _generated(generator, options, columns=columns, label=label)
    if options.nearest is None:
        return images, columns
    return interleaved(images, nearest_images(images, options.nearest)), 2 * columns


def _label(generator: "ImageGenerator", options: Options, *, preset: str) -> int | None:
    """Returns the number of the class that --class names; None without --class."""
    if options.label is None:
        return None
    if not generator.num_classes:
        raise UserError(
            f"--class {options.label} has no effect: this generator is unconditional. Leave "
            "--class out."
        )
    from training.class_names import class_names_of, class_number

    return class_number(
        options.label,
        class_names_of(preset),
        num_classes=generator.num_classes,
        option="--class",
    )


def _generated(
    generator: "ImageGenerator", options: Options, *, columns: int, label: int | None
) -> "np.ndarray":
    import numpy as np

    seeds = options.seed_list()
    classes = None
    if generator.num_classes:
        by_row = np.arange(len(seeds)) // columns % generator.num_classes
        classes = by_row if label is None else np.full(len(seeds), label)
    # One call for each sequence of consecutive seeds.
    starts = [i for i, s in enumerate(seeds) if i == 0 or s != seeds[i - 1] + 1]
    return np.concatenate(
        [
            generator.generate(
                stop - start,
                labels=None if classes is None else classes[start:stop],
                seed=seeds[start],
                truncation=options.truncation,
            )
            for start, stop in zip(starts, [*starts[1:], len(seeds)], strict=True)
        ]
    )


def _sheet(images: "np.ndarray", columns: int) -> "np.ndarray":
    """Arranges images in rows; empty places in the last row are white."""
    import numpy as np

    from training.callbacks.samples import tile

    empty = -len(images) % columns
    white = np.full((empty, *images.shape[1:]), 255, "uint8")
    return tile(np.concatenate([images, white]), columns=columns)


def _save_gif(path: pathlib.Path, images: "np.ndarray") -> None:
    """Writes the images as an endless animation, forwards and backwards; enlarges small ones."""
    from PIL import Image

    frames = [Image.fromarray(i[..., 0] if i.shape[-1] == 1 else i) for i in images]
    factor = max(1, 256 // max(frames[0].size))
    frames = [
        f.resize((f.width * factor, f.height * factor), Image.Resampling.NEAREST) for f in frames
    ]
    frames += frames[-2:0:-1]
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        frames[0].save(
            part,
            format="GIF",
            save_all=True,
            append_images=frames[1:],
            duration=_FRAME_MILLISECONDS,
            loop=0,
        )
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def sample(options: Options) -> list[pathlib.Path]:
    """Writes a sheet of images, and an animation if it is requested.

    Returns:
        The files.

    Raises:
        UserError: if the options are wrong.
        ValueError: if the source is not the preset of a generator.
    """
    options.check()
    from training.init_from import preset_of
    from zoo.tasks import ImageGenerator

    preset = preset_of(options.source)
    generator = ImageGenerator.from_preset(preset)
    label = _label(generator, options, preset=preset)
    images, columns = draw(generator, options, label=label)
    save_picture(options.out, _sheet(images, columns))
    if options.gif is None:
        return [options.out]
    _save_gif(options.gif, images if options.nearest is None else images[::2])
    return [options.out, options.gif]


def main(arguments: Sequence[str], *, prog: str = "python -m training.sample") -> int:
    """Runs the command; returns the exit code."""
    options = parse_options(Options, arguments, command=prog, description=__doc__)
    try:
        prepare_tensorflow()
        for path in sample(options):
            print(path)
    except (UserError, ValueError, OSError, ImportError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
