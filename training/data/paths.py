"""Paths that users give."""

import pathlib

from training.data.text import printable
from zoo.errors import UserError


def user_path(text: str) -> pathlib.Path:
    """Returns a path with `~` replaced by the home folder.

    Raises:
        UserError: if there is no such user, or the path cannot be looked up.
    """
    try:
        path = pathlib.Path(text).expanduser()
        path.exists()
    except RuntimeError as error:
        raise UserError(
            f"The home folder in {printable(text)!r} is not known. Give the path without ~."
        ) from error
    except OSError as error:
        raise UserError(f"{printable(text)!r} cannot be read: {error.strerror}.") from error
    return path
