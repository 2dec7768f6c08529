"""The folder of caches."""

import os
import pathlib


def cache_folder(kind: str) -> pathlib.Path:
    """Returns `$XDG_CACHE_HOME/lipschitz-gan-zoo/KIND`, by default under `~/.cache`."""
    root = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(root) / "lipschitz-gan-zoo" / kind
