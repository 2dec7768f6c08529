"""A list of all files below a folder, each file once, without hidden files."""

import dataclasses
import heapq
import os
import pathlib
import stat

from training.data.text import printable
from zoo.errors import UserError

_DROPPINGS = frozenset(
    (
        "__macosx",
        "__pycache__",
        "thumbs.db",
        "ehthumbs.db",
        "ehthumbs_vista.db",
        "desktop.ini",
        "icon\r",
        "@eadir",
        "#recycle",
        "$recycle.bin",
        "system volume information",
        "lost+found",
    )
)
"""Names of files and folders that operating systems and tools leave behind, in lower case."""


@dataclasses.dataclass(frozen=True)
class Listing:
    """The contents of a folder.

    Args:
        files: regular files by their key, the path inside the folder with slashes.
        folders: the keys of all visible folders, and of links to folders if they do not lead
            upwards.
        repeated: keys that lead to a file or folder which is listed already under another key.
        irregular: keys of devices, pipes and sockets.
    """

    files: dict[str, pathlib.Path]
    folders: tuple[str, ...]
    repeated: tuple[str, ...]
    irregular: tuple[str, ...]


def is_hidden(name: str) -> bool:
    """Returns whether a name begins with a dot or is a usual dropping such as `Thumbs.db`."""
    return name.startswith(".") or name.casefold() in _DROPPINGS


def list_files(root: pathlib.Path) -> Listing:
    """Lists the files below a folder.

    Symbolic links are followed. A file or folder that several paths lead to is listed once: under
    its own path if this is below `root`, otherwise under the outermost link, the first of these in
    alphabetical order. A link to a folder that contains `root` is never followed.

    Args:
        root: the folder.

    Raises:
        UserError: if a folder cannot be read.
    """
    walk = _Walk(root)
    walk.folder(root, "", os.path.realpath(root))
    # Links come after all real folders, so that a link never replaces the folder itself.
    while walk.links:
        _, key, path = heapq.heappop(walk.links)
        walk.link(key, path)
    return Listing(
        files={key: walk.files[key] for key in sorted(walk.files)},
        folders=tuple(sorted(walk.folders)),
        repeated=tuple(sorted(walk.repeated)),
        irregular=tuple(sorted(walk.irregular)),
    )


class _Walk:
    def __init__(self, root: pathlib.Path) -> None:
        self.real_root = os.path.realpath(root)
        self.files: dict[str, pathlib.Path] = {}
        self.folders: list[str] = []
        self.links: list[tuple[int, str, str]] = []
        self.repeated: list[str] = []
        self.irregular: list[str] = []
        self._seen: set[str] = set()

    def folder(self, path: str | pathlib.Path, key: str, real: str) -> None:
        """Lists a folder and all real folders below it; collects the links."""
        waiting = [(os.fspath(path), key, real)]
        while waiting:
            path, key, real = waiting.pop()
            self._seen.add(real)
            if key:
                self.folders.append(key)
            try:
                with os.scandir(path) as entries:
                    found = list(entries)
            except OSError as error:
                raise UserError(
                    f"The folder {printable(path)} cannot be read: {error.strerror}. Change its "
                    "permissions, or remove it."
                ) from error
            for entry in found:
                if is_hidden(entry.name):
                    continue
                inside = f"{key}/{entry.name}" if key else entry.name
                real_path = os.path.join(real, entry.name)
                if entry.is_symlink():
                    heapq.heappush(self.links, (inside.count("/"), inside, entry.path))
                elif not entry.is_dir():
                    self._file(entry.path, inside, real_path, regular=entry.is_file())
                elif real_path in self._seen:  # A link led here before.
                    self.repeated.append(inside)
                else:
                    waiting.append((entry.path, inside, real_path))

    def link(self, key: str, path: str) -> None:
        """Lists what a symbolic link leads to."""
        real = os.path.realpath(path)
        try:
            mode = os.stat(path).st_mode
        except OSError:  # The target does not exist, or the link leads to itself.
            self.files[key] = pathlib.Path(path)
            return
        if not stat.S_ISDIR(mode):
            self._file(path, key, real, regular=stat.S_ISREG(mode))
        elif real in self._seen or pathlib.Path(self.real_root).is_relative_to(real):
            self.repeated.append(key)
            if not pathlib.Path(os.path.realpath(os.path.dirname(path))).is_relative_to(real):
                self.folders.append(key)
        else:
            self.folder(path, key, real)

    def _file(self, path: str, key: str, real: str, *, regular: bool) -> None:
        if not regular:
            self.irregular.append(key)
        elif real in self._seen:
            self.repeated.append(key)
        else:
            self._seen.add(real)
            self.files[key] = pathlib.Path(path)
