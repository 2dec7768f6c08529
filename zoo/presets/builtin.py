"""Built-in presets: the folders in `builtin_weights/`, next to this file."""

import json
import pathlib
from typing import Any

from zoo.presets.layout import CONFIG_FILE, METADATA_FILE

FOLDER = pathlib.Path(__file__).with_name("builtin_weights")


class PresetTable(dict[str, str]):
    """A dict from preset names to descriptions that prints as a table."""

    def __repr__(self) -> str:
        width = max((len(name) for name in self), default=0)
        return "\n".join(f"{name:<{width}}  {text}" for name, text in self.items())

    __str__ = __repr__


def builtin_folders() -> dict[str, pathlib.Path]:
    """Returns the folder of each built-in preset, by name."""
    return {path.parent.name: path.parent for path in sorted(FOLDER.glob(f"[!.]*/{CONFIG_FILE}"))}


def builtin_metadata() -> dict[str, dict[str, Any]]:
    """Returns the content of `metadata.json` of each built-in preset, by name."""
    return {
        name: json.loads((folder / METADATA_FILE).read_text(encoding="utf-8"))
        for name, folder in builtin_folders().items()
    }


def list_presets(task: str | None = None) -> PresetTable:
    """Returns the built-in presets.

    Args:
        task: `"ImageClassifier"` or `"ImageGenerator"` for the presets of that task; None for all.

    Returns:
        A dict from names, which `zoo.from_preset` takes, to descriptions. It prints as a table.

    Example:
    >>> import zoo
    >>> generators = zoo.list_presets("ImageGenerator")
    >>> set(generators) <= set(zoo.list_presets())
    True
    """
    return PresetTable(
        (name, str(metadata.get("description", "")))
        for name, metadata in builtin_metadata().items()
        if task is None or task in metadata.get("tasks", [])
    )
