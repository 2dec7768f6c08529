"""Check that a folder of the user does not hide a package of the zoo."""

import importlib.util
import pathlib
import sys
from collections.abc import Iterable

ROOT = pathlib.Path(__file__).parents[1]
"""The folder that contains the packages."""


def check_not_hidden(packages: Iterable[str]) -> None:
    """Checks that packages are found next to this one, and ends the process if they are not.

    `python -m` looks for packages in the current folder first. A folder `zoo` there with an
    `__init__.py`, or a file `zoo.py`, hides the package `zoo`.

    Args:
        packages: names of packages.

    Raises:
        SystemExit: with code 2, after a message, if a package is hidden.
    """
    for name in packages:
        spec = importlib.util.find_spec(name)
        place = None if spec is None or spec.origin is None else pathlib.Path(spec.origin).resolve()
        if place is None or ROOT.resolve() not in place.parents:
            print(
                f"error: {place or name} hides the package {name!r} of the Lipschitz GAN Zoo. Use "
                "the command lipschitz-zoo, rename the folder, or start in another folder.",
                file=sys.stderr,
            )
            raise SystemExit(2)
