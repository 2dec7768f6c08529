"""Names in messages: shortened lists, and file names that can be printed."""

from collections.abc import Sequence

MAX_LISTED = 10


def printable(name: str) -> str:
    r"""Returns a file name that can be printed and stored.

    Bytes that are not UTF-8 and control characters become escapes such as `\\xe9`.
    """
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )


def listed(names: Sequence[str]) -> str:
    """Returns the first names, and the number of the others."""
    more = len(names) - MAX_LISTED
    shown = ", ".join(map(printable, names[:MAX_LISTED]))
    return shown + (f" and {more:,} more" if more > 0 else "")


def number_of(count: int, thing: str) -> str:
    """Returns `1 file`, `2 files` and so on."""
    return f"{count:,} {thing}" + ("" if count == 1 else "s")
