"""`python -m benchmarks.theory`: makes the figures of docs/theory.md, in about three minutes."""

import argparse
import os
import pathlib
import sys
import time

import matplotlib

matplotlib.use("Agg")


def main(arguments: list[str]) -> int:
    """Writes `OUT/NAME.png` for each figure."""
    from benchmarks.theory.plots import FIGURES

    parser = argparse.ArgumentParser(prog="python -m benchmarks.theory", description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("docs/images"))
    parser.add_argument("--only", choices=list(FIGURES), help="one figure instead of all")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    for name in [options.only] if options.only else FIGURES:
        started = time.monotonic()
        path = options.out / f"{name}.png"
        part = path.with_name(f".{name}.part.png")
        FIGURES[name]().savefig(part, dpi=90, bbox_inches="tight", metadata={"Software": None})
        os.replace(part, path)
        print(f"{path} ({time.monotonic() - started:.0f} s)", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
