"""A served model: its configuration, and its present and past versions."""

import enum
import logging
import math
import pathlib
import time

from export.server.config import ModelConfig
from export.server.model import LoadedModel

log = logging.getLogger(__name__)


class State(enum.IntEnum):
    """State of a version, with TF Serving's numbers."""

    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


class Version:
    """A version of a model.

    Args:
        number: number of the version.
    """

    def __init__(self, number: int):
        self.number = number
        self.state = State.START
        self.error = ""
        self.model: LoadedModel | None = None
        self._attempts = 0
        self._failed_at = -math.inf

    def is_due(self, retries: int, retry_seconds: float) -> bool:
        """Returns True for a new or unloaded version, or one that failed long enough ago."""
        if self.state == State.START or (self.state == State.END and not self.error):
            return True
        if self.state != State.END or self._attempts > retries:
            return False
        return time.monotonic() - self._failed_at >= retry_seconds

    def set_loaded(self, model: LoadedModel) -> None:
        """Makes the version available."""
        self.state, self.model, self.error, self._attempts = State.AVAILABLE, model, "", 0

    def set_failed(self, error: str) -> None:
        """Stores the error of a failed attempt to load the version."""
        self.state, self.error = State.END, error
        self._attempts += 1
        self._failed_at = time.monotonic()

    def reset_attempts(self) -> None:
        """Forgets failed attempts, so that a new folder of the same number is loaded."""
        self._attempts, self._failed_at = 0, -math.inf


class ServedModel:
    """Configuration, folders and versions of a model.

    Args:
        config: configuration of the model; it is replaced when it changes.
    """

    def __init__(self, config: ModelConfig):
        self.config = config
        self.versions: dict[int, Version] = {}
        self.folders: dict[int, pathlib.Path] = {}
        self.rescan = False
        self._warned = False

    def loaded(self, number: int | None) -> LoadedModel | None:
        """Returns a loaded version by number, the highest for None; None if it is not loaded."""
        if number is not None:
            version = self.versions.get(number)
            return version.model if version else None
        loaded = [v for v in self.versions.values() if v.model is not None]
        return max(loaded, key=lambda v: v.number).model if loaded else None

    def load_errors(self) -> str:
        """Returns the reasons that no version is loaded."""
        errors = [f"version {v.number}: {v.error}" for v in self.versions.values() if v.error]
        return "; ".join(errors) or f"no version in {self.config.base_path}"

    def find_versions(self) -> set[int] | None:
        """Searches the folder; returns the versions to load, None without a folder."""
        if not self.config.base_path.is_dir():
            self._warn(f"{self.config.base_path} is not a folder")
            return None
        # Symbolic links can lead out of the base path; those are not loaded.
        root = self.config.base_path.resolve()
        self.folders = {
            int(path.name): path
            for path in root.iterdir()
            if path.name.isdecimal() and path.is_dir() and path.resolve().is_relative_to(root)
        }
        if not self.folders:
            self._warn(f"{root} has no versions: folders named 1, 2, ...")
        return self.config.policy.choose(list(self.folders))

    def _warn(self, message: str) -> None:
        if not self._warned:
            log.warning("%s: %s", self.config.name, message)
        self._warned = True
