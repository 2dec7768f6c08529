"""Hostile environment variables, and the functions that read them."""

import os
import pathlib
import random

from benchmarks.hostile.judging import Case
from zoo.errors import UserError

NAMES = ["XDG_CACHE_HOME", "TFDS_DATA_DIR", "FID_INCEPTION_WEIGHTS", "HOME", "TMPDIR", "COLUMNS"]
NAMES += ["NO_COLOR", "LANG", "PYTHONIOENCODING", "TF_CPP_MIN_LOG_LEVEL"]


def environment_case(rng: random.Random, folder: pathlib.Path) -> Case:
    """Returns reads of caches, data and feature weights under hostile variables."""
    file = folder / "file"
    file.write_text("x")
    loop = folder / "loop"
    loop.symlink_to(loop)
    values = ["", " ", "/", "/dev/null", "/proc", "relative", "~", "~nobody/x", "ä", "a" * 5000]
    values += [str(file), str(loop), str(folder / "missing" / "deep"), "0", "-1", "$HOME"]
    changed: dict[str, str | None] = {
        name: rng.choice([None, *values]) for name in rng.sample(NAMES, rng.randint(1, 4))
    }
    work = rng.choice(["cache", "digits", "inception", "folder"])

    def read() -> None:
        before = dict(os.environ)
        for name, value in changed.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        try:
            _read(work, folder)
        finally:
            os.environ.clear()
            os.environ.update(before)

    return Case(f"{work} with {changed}"[:400], read, (UserError, FileNotFoundError))


def _read(work: str, folder: pathlib.Path) -> None:
    from training import data
    from training.cache import cache_folder

    if work == "cache":
        cache_folder("metrics")
    elif work == "inception":
        from training.metrics.feature_networks import load_feature_network

        load_feature_network("inception", data="digits")
    else:
        data.load("digits" if work == "digits" else str(folder))
