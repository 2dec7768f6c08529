"""The presets that come with the zoo, and how a handle becomes a folder."""

import dataclasses
import difflib
import os
import pathlib


@dataclasses.dataclass(frozen=True)
class Builtin:
    """A preset that is known by name.

    Args:
        description: str, one line: model, data, what it does.
        folder: str, the preset's folder, relative to the `zoo` package.
    """

    description: str
    folder: str


PRESETS: dict[str, Builtin] = {}


def list_presets() -> dict[str, str]:
    """Returns the built-in presets, name to description."""
    return {name: builtin.description for name, builtin in PRESETS.items()}


def resolve(handle: str | os.PathLike) -> pathlib.Path:
    """Returns the folder of a preset.

    Args:
        handle: a name out of `list_presets()`, or a folder.

    Raises:
        ValueError: neither.
    """
    builtin = PRESETS.get(str(handle))
    folder = _package_folder() / builtin.folder if builtin else pathlib.Path(handle).expanduser()
    if folder.is_dir():
        return folder
    if folder.exists():
        raise ValueError(f"{handle!s} is a file; a preset is a folder (with a config.json inside).")
    raise ValueError(f"There is no preset {str(handle)!r}: no such folder, {_hint(str(handle))}")


def _hint(name: str) -> str:
    if not PRESETS:
        return "and no presets are built in."
    near = difflib.get_close_matches(name, PRESETS, n=3, cutoff=0.4)
    if near:
        return f"and no built-in preset of this name. Did you mean {' or '.join(near)}?"
    return f"and no built-in preset of this name. Built in are: {', '.join(sorted(PRESETS))}."


def _package_folder() -> pathlib.Path:
    return pathlib.Path(__file__).resolve().parents[1]
