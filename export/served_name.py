"""The names that exported models may have."""

import re

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def check_name(name: str) -> None:
    """Refuses what would be no part of a URL or of a path.

    Raises:
        ValueError: such a name.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"A model's name becomes part of its URL: letters, digits, '.', '-' and '_', the first "
            f"a letter or digit. Received {name!r}; give another with --name."
        )
