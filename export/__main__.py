"""`python -m export PRESET_OR_RUN DIR`: a preset as SavedModels for TF Serving."""

import argparse
import os
import pathlib
import sys
from collections.abc import Sequence

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import tensorflow as tf  # noqa: E402

from export.card import EXTRA, README, operations  # noqa: E402
from export.saved_model import save_preset  # noqa: E402
from export.verify import VerificationError  # noqa: E402


def main(arguments: Sequence[str] | None = None) -> int:
    """Exports, prints what is served, and returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        versions = save_preset(
            options.preset, options.directory, name=options.name, critic=options.critic
        )
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except VerificationError as error:
        print(f"The self-check failed, nothing was published: {error}", file=sys.stderr)
        return 1
    for version in versions:
        print(describe(version))
    return 0


def describe(version: pathlib.Path) -> str:
    """Returns a version's signature table, folder and size, as read back from its files."""
    lines = [f"{version.parent.name}, version {version.name}"]
    for name, function in tf.saved_model.load(str(version)).signatures.items():
        lines.append(f"  {name}")
        for arrow, specs in (
            ("in ", function.structured_input_signature[1]),
            ("out", function.structured_outputs),
        ):
            for key, spec in specs.items():
                shape = ", ".join("B" if n is None else str(n) for n in spec.shape)
                lines.append(f"    {arrow} {key:<14}{spec.dtype.name:<9}[{shape}]")
    size = sum(path.stat().st_size for path in version.rglob("*") if path.is_file())
    lines.append(f"  TensorFlow {tf.__version__}, operations: {', '.join(operations(version))}")
    lines.append(f"  {version} ({size / 1e6:.1f} MB)")
    lines.append(f"  Examples: {version / EXTRA / README}")
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m export", description=__doc__)
    parser.add_argument(
        "preset",
        metavar="PRESET_OR_RUN",
        help="a preset's built-in name or folder, or the folder of a finished run",
    )
    parser.add_argument(
        "directory", metavar="DIR", help="the folder of all served models; gets NAME/<version>/"
    )
    parser.add_argument(
        "--name",
        help="the model's name in URLs (default: the preset's or the run's); a CLS-GAN's "
        "generator is NAME_generator",
    )
    parser.add_argument(
        "--critic", action="store_true", help="the critic too, as NAME_critic: score is regress"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
