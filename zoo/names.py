"""Error messages for unknown names."""

import difflib
from collections.abc import Iterable


def unknown_name(kind: str, given: str, known: Iterable[str]) -> str:
    """Returns an error message with the nearest known name and a list of all known names.

    Args:
        kind: str, the kind of thing that the name denotes.
        given: str, the unknown name.
        known: the known names.

    Example:
    >>> unknown_name("penalty", "gpp", ["gp", "lp"])
    "Unknown penalty 'gpp'. Did you mean 'gp'? Known: gp, lp."
    """
    names = list(known)
    near = difflib.get_close_matches(given, names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"Unknown {kind} {given!r}.{hint} Known: {', '.join(names)}."
