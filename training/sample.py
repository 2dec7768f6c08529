"""`python -m training.sample PRESET_OR_RUN`: a sheet of generated images as PNG.

An image belongs to its seed (and class): `--seeds 0-63` shows what `generate(64, seed=0)` and a
served model give.
"""

import argparse
import dataclasses
import os
import pathlib
import re
import sys
from typing import TYPE_CHECKING

from training.nearest import beside, inverted, nearest_images
from zoo.environment import prepare_tensorflow
from zoo.errors import UserError

if TYPE_CHECKING:
    import numpy as np

    from zoo.tasks import ImageGenerator

COLUMNS = 8
_MAX_SEEDS = 10_000
_FRAME_MILLISECONDS = 80


@dataclasses.dataclass(frozen=True, kw_only=True)
class Request:
    """What is to be drawn; a field is None where its option was not given.

    Args:
        seeds: the seeds of the images.
        grid: rows and columns.
        label: class of all images; None for one class a row.
        interpolate: two seeds, for the way between them instead.
        truncation: multiplies the latents.
        nearest: data set whose nearest training image is shown beside each image.
        invert: images that are shown beside the generator's nearest, instead.
        gif: where the way between two seeds is written as a film.
    """

    seeds: list[int] | None = None
    grid: tuple[int, int] | None = None
    label: int | None = None
    interpolate: tuple[int, int] | None = None
    truncation: float | None = None
    nearest: str | None = None
    invert: str | None = None
    gif: pathlib.Path | None = None

    def check(self) -> None:
        """Raises UserError for options that have no effect together."""
        given = {
            "--seeds": self.seeds,
            "--interpolate": self.interpolate,
            "--invert": self.invert,
        }
        kinds = [name for name, value in given.items() if value is not None]
        if len(kinds) > 1:
            raise UserError(f"Give one of {' and '.join(kinds)}: each says which images to draw.")
        if self.gif is not None and self.interpolate is None:
            raise UserError("--gif shows the way between two seeds: give --interpolate A,B too.")
        if self.invert is not None:
            for name in ("nearest", "truncation", "grid"):
                if getattr(self, name) is not None:
                    raise UserError(f"--{name} has no effect with --invert.")
        rows, columns = self.shape()
        if self.seeds is not None and self.grid is not None and rows * columns != len(self.seeds):
            raise UserError(
                f"--grid {rows}x{columns} has {rows * columns} places for the {len(self.seeds)} "
                "images of --seeds; leave one of them out."
            )

    def shape(self) -> tuple[int, int]:
        """Returns the rows and columns of the sheet."""
        if self.grid is not None:
            return self.grid
        if self.seeds is None:
            return (1 if self.interpolate is not None else COLUMNS), COLUMNS
        return -(-len(self.seeds) // COLUMNS), min(COLUMNS, len(self.seeds))


def parse_grid(text: str) -> tuple[int, int]:
    """Reads `8x10` as (8 rows, 10 columns)."""
    match = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", text)
    if not match:
        raise UserError(f"--grid must be ROWSxCOLUMNS, such as 8x8; given {text!r}.")
    return int(match[1]), int(match[2])


def parse_seeds(text: str) -> list[int]:
    """Reads `0-63` or `3,7,9` as seeds."""
    match = re.fullmatch(r"(\d+)-(\d+)", text)
    if match and 0 <= int(match[2]) - int(match[1]) < _MAX_SEEDS:
        return list(range(int(match[1]), int(match[2]) + 1))
    if re.fullmatch(r"\d+(,\d+)*", text):
        return [int(seed) for seed in text.split(",")]
    raise UserError(
        f"--seeds must be FIRST-LAST (at most {_MAX_SEEDS:,}), or seeds with commas between, such "
        f"as 0-63 or 3,7,9; given {text!r}."
    )


def parse_pair(text: str) -> tuple[int, int]:
    """Reads `3,7` as two seeds."""
    match = re.fullmatch(r"(\d+),(\d+)", text)
    if not match:
        raise UserError(f"--interpolate must be two seeds, such as 3,7; given {text!r}.")
    return int(match[1]), int(match[2])


def draw(generator: "ImageGenerator", request: Request) -> "tuple[np.ndarray, int]":
    """Generates what is asked for; returns uint8 images and how many stand in a row."""
    rows, columns = request.shape()
    if request.invert is not None:
        return inverted(generator, request.invert, request.label), COLUMNS
    if request.interpolate is not None:
        images = generator.interpolate(
            *request.interpolate,
            rows * columns,
            label=request.label,
            truncation=request.truncation,
        )
    else:
        images = _generated(generator, request, rows=rows, columns=columns)
    if request.nearest is None:
        return images, columns
    return beside(images, nearest_images(images, request.nearest)), 2 * columns


def _generated(
    generator: "ImageGenerator", request: Request, *, rows: int, columns: int
) -> "np.ndarray":
    import numpy as np

    seeds = list(range(rows * columns)) if request.seeds is None else request.seeds
    labels = request.label
    classes = None
    if generator.num_classes:
        by_row = np.arange(len(seeds)) // columns % generator.num_classes
        classes = by_row if labels is None else np.full(len(seeds), labels)
    elif labels is not None:
        raise UserError(f"--class {labels}: this generator is unconditional, it has no classes.")
    # One call for each run of seeds that follow each other.
    starts = [i for i, s in enumerate(seeds) if i == 0 or s != seeds[i - 1] + 1]
    return np.concatenate(
        [
            generator.generate(
                stop - start,
                labels=None if classes is None else classes[start:stop],
                seed=seeds[start],
                truncation=request.truncation,
            )
            for start, stop in zip(starts, [*starts[1:], len(seeds)], strict=True)
        ]
    )


def _sheet(images: "np.ndarray", columns: int) -> "np.ndarray":
    """Lays images out; the places left over in the last row are white."""
    import numpy as np

    from training.callbacks.samples import tile

    empty = -len(images) % columns
    white = np.full((empty, *images.shape[1:]), 255, "uint8")
    return tile(np.concatenate([images, white]), columns=columns)


def _save_gif(path: pathlib.Path, images: "np.ndarray") -> None:
    """Writes the images there and back as an endless film, small ones enlarged."""
    from PIL import Image

    frames = [Image.fromarray(i[..., 0] if i.shape[-1] == 1 else i) for i in images]
    factor = max(1, 256 // max(frames[0].size))
    frames = [
        f.resize((f.width * factor, f.height * factor), Image.Resampling.NEAREST) for f in frames
    ]
    frames += frames[-2:0:-1]
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.stem}.part.gif")
    frames[0].save(
        part, save_all=True, append_images=frames[1:], duration=_FRAME_MILLISECONDS, loop=0
    )
    os.replace(part, path)


def sample(source: str | pathlib.Path, out: pathlib.Path, request: Request) -> list[pathlib.Path]:
    """Writes a sheet of images, and a film where one is asked for.

    Args:
        source: a preset's handle or the folder of a finished run.
        out: the PNG file.
        request: what to draw.

    Returns:
        The files.

    Raises:
        UserError: a request or a source that cannot be.
    """
    request.check()
    from training.callbacks.samples import save_png
    from training.init_from import preset_of
    from zoo.tasks import ImageGenerator

    generator = ImageGenerator.from_preset(preset_of(source))
    images, columns = draw(generator, request)
    part = out.with_name(f".{out.stem}.part.png")
    save_png(part, _sheet(images, columns))
    os.replace(part, out)
    if request.gif is None:
        return [out]
    _save_gif(request.gif, images if request.nearest is None else images[::2])
    return [out, request.gif]


def main(arguments: list[str]) -> int:
    """Runs the command; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m training.sample", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("source", metavar="PRESET_OR_RUN")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("samples.png"))
    parser.add_argument("--grid", help="rows x columns (default: 8x8)")
    parser.add_argument("--seeds", help="FIRST-LAST, or seeds with commas (default: from 0 on)")
    parser.add_argument("--seed", type=int, help="first seed, the others following")
    parser.add_argument("--class", dest="label", type=int, help="one class instead of one a row")
    parser.add_argument("--interpolate", metavar="A,B", help="the way between two seeds")
    parser.add_argument("--truncation", type=float, help="in (0, 1]: less varied, more usual")
    parser.add_argument("--nearest", metavar="DATASET", help="nearest training images beside")
    parser.add_argument("--invert", metavar="IMAGES", help="file or folder; nearest image made")
    parser.add_argument("--gif", type=pathlib.Path, help="film of --interpolate")
    options = parser.parse_args(arguments)
    prepare_tensorflow()
    try:
        for path in sample(options.source, options.out, _request(options)):
            print(path)
    except (UserError, ValueError, OSError, ImportError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _request(options: argparse.Namespace) -> Request:
    grid = None if options.grid is None else parse_grid(options.grid)
    seeds = None if options.seeds is None else parse_seeds(options.seeds)
    if options.seed is not None:
        if seeds is not None:
            raise UserError("Give --seed or --seeds, not both.")
        rows, columns = grid or (COLUMNS, COLUMNS)
        seeds = list(range(options.seed, options.seed + rows * columns))
    pair = None if options.interpolate is None else parse_pair(options.interpolate)
    return Request(
        seeds=seeds,
        grid=grid,
        label=options.label,
        interpolate=pair,
        truncation=options.truncation,
        nearest=options.nearest,
        invert=options.invert,
        gif=options.gif,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
