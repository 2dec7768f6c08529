"""One served model: its configuration, and its versions that are or were there."""

import enum
import logging
import math
import pathlib
import time

from export.server.config import ModelConfig
from export.server.model import LoadedModel

log = logging.getLogger(__name__)


class State(enum.IntEnum):
    """A version's state, with TF Serving's numbers."""

    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


class Version:
    """A version of a model.

    Args:
        number: the version's number.
    """

    def __init__(self, number: int):
        self.number = number
        self.state = State.START
        self.error = ""
        self.model: LoadedModel | None = None
        self._attempts = 0
        self._failed_at = -math.inf

    def is_due(self, retries: int, retry_seconds: float) -> bool:
        """Whether it is to be loaded now: it is new, was unloaded, or failed long enough ago."""
        if self.state == State.START or (self.state == State.END and not self.error):
            return True
        if self.state != State.END or self._attempts > retries:
            return False
        return time.monotonic() - self._failed_at >= retry_seconds

    def succeed(self, model: LoadedModel) -> None:
        """Makes the model what answers requests."""
        self.state, self.model, self.error, self._attempts = State.AVAILABLE, model, "", 0

    def fail(self, error: str) -> None:
        """Notes why it could not be loaded."""
        self.state, self.error = State.END, error
        self._attempts += 1
        self._failed_at = time.monotonic()

    def forget(self) -> None:
        """Makes a failed version a new one, for when its folder comes again."""
        self._attempts, self._failed_at = 0, -math.inf


class ServedModel:
    """A model's configuration, folders and versions.

    Args:
        config: its configuration, replaced when that changes.
    """

    def __init__(self, config: ModelConfig):
        self.config = config
        self.versions: dict[int, Version] = {}
        self.folders: dict[int, pathlib.Path] = {}
        self.look_again = False
        self._warned = False

    def loaded(self, number: int | None) -> LoadedModel | None:
        """Returns a loaded version, the highest for None; None where it is not loaded."""
        if number is not None:
            version = self.versions.get(number)
            return version.model if version else None
        loaded = [v for v in self.versions.values() if v.model is not None]
        return max(loaded, key=lambda v: v.number).model if loaded else None

    def reason(self) -> str:
        """Returns why nothing is loaded."""
        errors = [f"version {v.number}: {v.error}" for v in self.versions.values() if v.error]
        return "; ".join(errors) or f"no version in {self.config.base_path}"

    def wanted(self) -> set[int] | None:
        """Reads the folder; None where there is none. Blocks."""
        if not self.config.base_path.is_dir():
            self._warn(f"{self.config.base_path} is no folder")
            return None
        # Links may point anywhere: only what lies inside of the base path is loaded.
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
