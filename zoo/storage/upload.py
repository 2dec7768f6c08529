"""Uploads of a local folder: the files first, then the manifest that names them."""

import contextlib
import os
import pathlib
import tempfile
from collections.abc import Iterator

from zoo.storage.address import StoreError, is_remote
from zoo.storage.lock import StoreLock
from zoo.storage.manifest import (
    MANIFEST,
    Entry,
    Manifest,
    check_replaceable,
    local_files,
    own_objects,
    read_manifest,
)
from zoo.storage.store import Store

_Stamp = tuple[int, int, int]


class Uploader:
    """Uploads a folder again and again; each time only the files that have changed.

    The caller holds the lock of the store.

    Args:
        store: the folder on the object store.
        folder: the local folder.
        published: the manifest that is on the store; None if there is none.
        skip: names of local files that are not uploaded.

    Attributes:
        published: the manifest on the store.
    """

    def __init__(
        self,
        store: Store,
        folder: pathlib.Path,
        published: Manifest | None,
        *,
        skip: tuple[str, ...] = (),
    ):
        self.store = store
        self.folder = folder
        self.published = published
        self.skip = skip
        self._stored = set() if published is None else {*published.places, *published.earlier}
        self._known: dict[str, tuple[_Stamp, Entry]] = {}

    def upload(self) -> bool:
        """Uploads the changed files, then the manifest; removes objects that are not needed.

        Until the manifest is written, readers get the folder as it was.

        Returns:
            False if nothing has changed.

        Raises:
            StoreError: an object cannot be written; the folder on the store is as before.
        """
        files = {n: path for n, path in local_files(self.folder).items() if n not in self.skip}
        entries = {name: self._uploaded(name, path) for name, path in files.items()}
        if self.published is not None and entries == self.published.files:
            return False
        self.published = write_manifest(self.store, self.published, entries)
        self._stored = remove_unused(self.store, self.published)
        return True

    def _uploaded(self, name: str, path: pathlib.Path) -> Entry:
        """Returns the entry of a file, after its object is on the store."""
        status = path.stat()
        stamp = (status.st_size, status.st_mtime_ns, status.st_ino)
        before, entry = self._known.get(name, (None, None))
        if entry is not None and before == stamp and entry.place(name) in self._stored:
            return entry
        # One read, because a file of logs may grow between the digest and the upload.
        content = path.read_bytes()
        entry = Entry.of(content)
        if entry.place(name) not in self._stored:
            self.store.write(entry.place(name), content)
            self._stored.add(entry.place(name))
        self._known[name] = (stamp, entry)
        return entry


def write_manifest(store: Store, before: Manifest | None, files: dict[str, Entry]) -> Manifest:
    """Writes the manifest of files whose objects are on the store; returns it.

    Args:
        store: the folder on the object store.
        before: the manifest that it replaces; None for the first one.
        files: the entries of all files.
    """
    places = Manifest(files).places
    earlier = set() if before is None else before.places - places
    manifest = Manifest(files, tuple(sorted(earlier)))
    store.write(MANIFEST, manifest.to_json().encode())
    return manifest


def remove_unused(store: Store, manifest: Manifest) -> set[str]:
    """Removes the objects that a manifest does not name; returns the names of the others.

    An object that cannot be removed now is removed after a later upload.
    """
    used = {*manifest.places, *manifest.earlier}
    with contextlib.suppress(StoreError):
        for name in own_objects(store):
            if name not in used:
                store.remove(name)
    return used


def replace_file(store: Store, before: Manifest, name: str, content: bytes) -> Manifest:
    """Replaces or adds one file of a folder; returns the new manifest."""
    entry = Entry.of(content)
    store.write(entry.place(name), content)
    return write_manifest(store, before, before.files | {name: entry})


@contextlib.contextmanager
def uploading(address: str, *, replaces: str) -> Iterator[pathlib.Path]:
    """Provides an empty local folder, and uploads it at the end, unless an error was raised.

    Args:
        address: the folder on the object store.
        replaces: a file that a folder has which may be replaced.

    Raises:
        StoreError: the store cannot be written, or its folder holds something else.
        UserError: another process writes there.
    """
    store = Store(address)
    with StoreLock(store) as lock, tempfile.TemporaryDirectory() as temporary:
        before = read_manifest(store)
        if before is None:
            check_replaceable(store)
        elif replaces not in before.files:
            raise StoreError(
                f"Saving replaces {address}, which has no {replaces}: it holds something else. "
                "Give another address."
            )
        folder = pathlib.Path(temporary, "new")
        yield folder
        lock.check()
        Uploader(store, folder, before).upload()


@contextlib.contextmanager
def local_target(place: str | os.PathLike, *, replaces: str) -> Iterator[pathlib.Path]:
    """Provides the local folder to write to: that of a path, or one that is uploaded at the end.

    Args:
        place: a path, or an address on an object store.
        replaces: as for `uploading`.
    """
    if is_remote(place):
        with uploading(os.fspath(place), replaces=replaces) as folder:
            yield folder
    else:
        yield pathlib.Path(place).expanduser().absolute()


def same_files(folder: pathlib.Path, manifest: Manifest, *, skip: tuple[str, ...] = ()) -> bool:
    """Returns True if a local folder has exactly the files of a manifest."""
    files = {n: path for n, path in local_files(folder).items() if n not in skip}
    if files.keys() != manifest.files.keys():
        return False
    return all(
        os.path.getsize(path) == manifest.files[name].size
        and Entry.of(path.read_bytes()) == manifest.files[name]
        for name, path in files.items()
    )
