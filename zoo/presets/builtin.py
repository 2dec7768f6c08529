"""The presets that come with the zoo: the folders beside this file, found by looking."""

import json
import pathlib
from typing import Any

from zoo.presets.layout import CONFIG_FILE, METADATA_FILE

FOLDER = pathlib.Path(__file__).with_name("builtin_weights")


class PresetTable(dict[str, str]):
    """Names and descriptions of presets; printed, or shown at a prompt, as a table."""

    def __repr__(self) -> str:
        width = max((len(name) for name in self), default=0)
        return "\n".join(f"{name:<{width}}  {text}" for name, text in self.items())

    __str__ = __repr__


def builtin_folders() -> dict[str, pathlib.Path]:
    """Returns the folders of the built-in presets by name."""
    return {path.parent.name: path.parent for path in sorted(FOLDER.glob(f"[!.]*/{CONFIG_FILE}"))}


def builtin_metadata() -> dict[str, dict[str, Any]]:
    """Returns `metadata.json` of the built-in presets by name."""
    return {
        name: json.loads((folder / METADATA_FILE).read_text(encoding="utf-8"))
        for name, folder in builtin_folders().items()
    }


def list_presets(task: str | None = None) -> PresetTable:
    """Returns the built-in presets: name to description, printed as a table.

    Args:
        task: `"ImageClassifier"` or `"ImageGenerator"`, for those alone; None for all.

    Example:
    >>> print(zoo.list_presets())  # doctest: +SKIP
    """
    return PresetTable(
        (name, str(metadata.get("description", "")))
        for name, metadata in builtin_metadata().items()
        if task is None or task in metadata.get("tasks", [])
    )
