"""Downloads of folders: every file that a manifest names, with its size and digest checked."""

import os
import pathlib
import re
import shutil
import tempfile
from collections.abc import Collection

from zoo.storage.address import StoreError, ancestors, checked, local_name
from zoo.storage.manifest import MANIFEST, Entry, Manifest, read_manifest
from zoo.storage.store import MissingObjectError, Store

LOCAL_MANIFEST = f".{MANIFEST}"
"""The file of a local copy that states the manifest it was made from."""

_TRIES = 5
_SEED = re.compile(rf"(seed-\d+)/{re.escape(MANIFEST)}")


def fetch(address: str, cache: pathlib.Path, *, without: Collection[str] = ()) -> pathlib.Path:
    """Returns the local copy of a folder, and downloads it first if it has changed.

    Args:
        address: a folder that was uploaded, a sub-folder of one, or a folder of `seed-*` folders.
        cache: the folder of all local copies.
        without: names of sub-folders that are not needed.

    Raises:
        StoreError: the folder at the address is incomplete, missing or damaged.
        OSError: the local copy cannot be written.
    """
    address = checked(address)
    for place, part in ancestors(address):
        store = Store(place)
        try:
            manifest = read_manifest(store)
        except StoreError:
            if not part:
                raise
            continue  # Folders above may be of somebody else.
        if manifest is not None and (not part or manifest.below(part).files):
            return _current(store, part, cache / local_name(address), without)
    store = Store(address)
    seeds = sorted(found[1] for name in store.names() if (found := _SEED.fullmatch(name)))
    if not seeds:
        raise StoreError(
            f"No complete run or preset exists at {address}: it has no {MANIFEST}, which is "
            "written last. Check the address, or finish the upload."
        )
    folder = cache / local_name(address)
    for name in seeds:
        _current(Store(f"{address}/{name}"), "", folder / name, without)
    return folder


def _current(
    store: Store, part: str, folder: pathlib.Path, without: Collection[str]
) -> pathlib.Path:
    """Returns a local copy of the newest state. A writer may replace it during the download."""
    for remaining in reversed(range(_TRIES)):
        manifest = read_manifest(store)
        if manifest is None:
            raise StoreError(f"{store.address} was removed during the download.")
        chosen = _without(manifest.below(part), without)
        try:
            return _copied(store, part, chosen, folder)
        except MissingObjectError:
            if read_manifest(store) == manifest or not remaining:
                raise
    raise AssertionError("unreachable")


def _without(manifest: Manifest, folders: Collection[str]) -> Manifest:
    files = {n: e for n, e in manifest.files.items() if not set(n.split("/")[:-1]) & set(folders)}
    return Manifest(files)


def _copied(store: Store, part: str, manifest: Manifest, folder: pathlib.Path) -> pathlib.Path:
    mark = folder / LOCAL_MANIFEST
    if mark.is_file() and mark.read_text(encoding="utf-8") == manifest.to_json():
        return folder
    download(store, manifest, folder, part=part)
    return folder


def download(store: Store, manifest: Manifest, folder: pathlib.Path, *, part: str = "") -> None:
    """Downloads all files of a manifest; a folder that exists is replaced as a whole.

    Args:
        store: the folder on the object store.
        manifest: the files, relative to the sub-folder.
        folder: the local folder.
        part: the sub-folder; `""` for the whole folder.

    Raises:
        StoreError: a file is missing or damaged; the local folder is as before.
        OSError: the local folder cannot be written.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = pathlib.Path(tempfile.mkdtemp(prefix=".part-", dir=folder.parent))
    try:
        new = temporary / "new"
        new.mkdir()
        for name, entry in manifest.files.items():
            path = new / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(_read_checked(store, f"{part}/{name}" if part else name, entry))
        (new / LOCAL_MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
        if folder.exists():
            os.rename(folder, temporary / "old")
        os.rename(new, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _read_checked(store: Store, name: str, entry: Entry) -> bytes:
    content = store.read(entry.place(name))
    if Entry.of(content) != entry:
        raise StoreError(
            f"{store.address}/{entry.place(name)} is damaged: it has {len(content):,} bytes or a "
            f"SHA-256 other than those in {MANIFEST}, which states {entry.size:,} bytes. Upload "
            "the folder again."
        )
    return content
