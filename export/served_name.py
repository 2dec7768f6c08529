"""Check of an exported model's name."""

import re
import unicodedata

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_RULE = (
    "The name of a model becomes part of its URL. It may contain letters, digits, '.', '-' and "
    "'_', and starts with a letter or digit."
)


def check_name(name: str) -> None:
    """Checks that a name can be part of a URL and of a path.

    Raises:
        ValueError: another character than letters, digits, dots, dashes and underscores. The
            message contains a name that is allowed.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{_RULE} Received {name!r}; choose another --name, for example {suggested_name(name)}."
        )


def check_default_name(name: str) -> None:
    """Checks the name of a folder that becomes the name of a model.

    Raises:
        ValueError: as for `check_name`.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{_RULE} The folder's name {name!r} cannot be used. Add --name {suggested_name(name)}."
        )


def suggested_name(name: str) -> str:
    """Returns a name that `check_name` accepts and that is similar to another one."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    words = re.findall(r"[A-Za-z0-9._]+", plain)
    return "-".join(words).lstrip("._-") or "model"
