"""Check of an exported model's name."""

import re

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def check_name(name: str) -> None:
    """Checks that a name can be part of a URL and of a path.

    Raises:
        ValueError: another character than letters, digits, dots, dashes and underscores.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"The name of a model becomes part of its URL. It may contain letters, digits, '.', "
            f"'-' and '_', and starts with a letter or digit. Received {name!r}; choose another "
            "--name."
        )
