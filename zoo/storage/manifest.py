"""The manifest of a folder on an object store: the names, sizes and digests of its files."""

import dataclasses
import hashlib
import json
import pathlib
import re

from zoo.storage.address import StoreError
from zoo.storage.store import MissingObjectError, Store

MANIFEST = "zoo-manifest.json"
OBJECTS = "zoo-objects"
LOCK = "zoo.lock"
FORMAT = 1

_DIGEST = re.compile(r"[0-9a-f]{64}")
_OBJECT = re.compile(rf"{OBJECTS}/[0-9a-f]{{16}}/.+")


@dataclasses.dataclass(frozen=True)
class Entry:
    """A file's size in bytes and its SHA-256."""

    size: int
    sha256: str

    @classmethod
    def of(cls, content: bytes) -> "Entry":
        """Describes the content of a file."""
        return cls(len(content), hashlib.sha256(content).hexdigest())

    def place(self, name: str) -> str:
        """Returns the name of the object with this content of a file."""
        return f"{OBJECTS}/{self.sha256[:16]}/{name}"


@dataclasses.dataclass(frozen=True)
class Manifest:
    """The files of a folder.

    Attributes:
        files: their entries by path, relative and with `/`.
        earlier: objects that only the manifest before this one names. They are kept for readers
            that have begun with it.
    """

    files: dict[str, Entry]
    earlier: tuple[str, ...] = ()

    @property
    def places(self) -> set[str]:
        """The names of the objects of all files."""
        return {entry.place(name) for name, entry in self.files.items()}

    def below(self, part: str) -> "Manifest":
        """Returns the manifest of a sub-folder; that of the folder itself for `""`."""
        start = f"{part}/" if part else ""
        files = {n[len(start) :]: one for n, one in self.files.items() if n.startswith(start)}
        return Manifest(files)

    def to_json(self) -> str:
        """Returns the manifest as JSON text."""
        files = {name: dataclasses.asdict(self.files[name]) for name in sorted(self.files)}
        content = {"format": FORMAT, "files": files, "earlier": sorted(self.earlier)}
        return json.dumps(content, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, *, source: str) -> "Manifest":
        """Reads a manifest; `source` is its place, for messages.

        Raises:
            StoreError: it is damaged, or has another format.
        """
        try:
            content = json.loads(text)
            if content["format"] != FORMAT:
                raise StoreError(
                    f"{source} has format {content['format']!r}; this version of the zoo reads "
                    f"format {FORMAT}. Upgrade the zoo."
                )
            files = {
                _checked_name(name): Entry(_checked_size(one["size"]), _checked_digest(one))
                for name, one in content["files"].items()
            }
            earlier = tuple(str(one) for one in content["earlier"])
        except StoreError:
            raise
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise StoreError(f"{source} is damaged: {error!r}.") from None
        return cls(files, earlier)


def _checked_name(name: str) -> str:
    """Returns a relative path, and refuses one that leaves its folder."""
    parts = name.split("/")
    if any(part in ("", ".", "..") for part in parts) or "\\" in name or "\0" in name:
        raise ValueError(f"the name {name!r}")
    return name


def _checked_size(size: object) -> int:
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise ValueError(f"the size {size!r}")
    return size


def _checked_digest(entry: dict[str, object]) -> str:
    digest = str(entry["sha256"])
    if not _DIGEST.fullmatch(digest):
        raise ValueError(f"the digest {digest!r}")
    return digest


def read_manifest(store: Store) -> Manifest | None:
    """Reads the manifest of a folder; None if the folder has none.

    Raises:
        StoreError: the store cannot be read, or the manifest is damaged.
    """
    try:
        text = store.read(MANIFEST)
    except MissingObjectError:
        return None
    return Manifest.from_json(text, source=f"{store.address}/{MANIFEST}")


def own_objects(store: Store) -> list[str]:
    """Lists the objects that files of the folder are stored in, named by a manifest or not."""
    return [name for name in store.names(OBJECTS) if _OBJECT.fullmatch(name)]


def check_replaceable(store: Store) -> None:
    """Checks that a folder without a manifest holds nothing but remains of an upload.

    Raises:
        StoreError: it holds other objects.
    """
    own = (MANIFEST, LOCK)
    others = [n for n in store.names() if n not in own and not _OBJECT.fullmatch(n)]
    if others:
        raise StoreError(
            f"{store.address} holds objects of something else ({', '.join(others[:3])}). Give an "
            "address below which there is nothing."
        )


def local_files(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    """Returns the files of a local folder by relative path, without links and hidden ones."""
    found = {path.relative_to(folder): path for path in sorted(folder.rglob("*"))}
    return {
        name.as_posix(): path
        for name, path in found.items()
        if not any(part.startswith(".") for part in name.parts)
        and path.is_file()
        and not path.is_symlink()
    }
