"""`python -m training.sample PRESET_OR_RUN`: a sheet of generated images as PNG."""

import argparse
import os
import pathlib
import re
import sys

from training.errors import UserError
from training.quiet import quiet_tensorflow


def parse_grid(text: str) -> tuple[int, int]:
    """Reads `8x10` as (8 rows, 10 columns)."""
    match = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", text)
    if not match:
        raise UserError(f"--grid must be ROWSxCOLUMNS, such as 8x8; given {text!r}.")
    return int(match[1]), int(match[2])


def sample(
    source: pathlib.Path, out: pathlib.Path, *, grid: str, seed: int, label: int | None
) -> pathlib.Path:
    """Generates a sheet: image i is that of seed `seed + i`, the same as everywhere else.

    Args:
        source: a preset's folder or that of a finished run.
        out: the PNG file.
        grid: rows and columns, as `8x8`.
        seed: seed of the first image.
        label: class of all images; None for one class a row.

    Raises:
        UserError: a grid, label or source that cannot be.
    """
    rows, columns = parse_grid(grid)
    import numpy as np

    from training.callbacks.samples import save_png, tile
    from zoo.tasks import ImageGenerator

    preset = source / "preset" if (source / "preset").exists() else source
    generator = ImageGenerator.from_preset(preset)
    if label is None and generator.network.num_classes:
        by_row = np.repeat(np.arange(rows) % generator.network.num_classes, columns)
        images = generator.generate(rows * columns, labels=by_row, seed=seed)
    else:
        images = generator.generate(rows * columns, labels=label, seed=seed)
    part = out.with_name(f".{out.stem}.part.png")
    save_png(part, tile(images, columns=columns))
    os.replace(part, out)
    return out


def main(arguments: list[str]) -> int:
    """Runs the command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m training.sample", description=__doc__)
    parser.add_argument("source", type=pathlib.Path, metavar="PRESET_OR_RUN")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("samples.png"))
    parser.add_argument("--grid", default="8x8", help="rows x columns (default: 8x8)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first image (default: 0)")
    parser.add_argument("--class", dest="label", type=int, help="one class instead of one a row")
    options = parser.parse_args(arguments)
    quiet_tensorflow()
    try:
        path = sample(
            options.source, options.out, grid=options.grid, seed=options.seed, label=options.label
        )
    except (UserError, ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
