"""Runs whose folder is on an object store: `--run-dir s3://BUCKET/RUN`.

The run trains in a local folder, and this folder is uploaded after each checkpoint and at the end.
"""

import contextlib
import json
import os
import pathlib
import shutil
import sys
import time
from collections.abc import Iterator
from typing import Any

from training.cache import RUNS, cache_folder
from training.cluster import host_count, tf_config
from training.errors import Interrupted
from training.lock import BREAKING_FILE, LOCK_FILE
from training.recipe import Recipe
from zoo.errors import UserError
from zoo.storage.address import StoreError, checked, is_remote, local_name
from zoo.storage.download import LOCAL_MANIFEST, download
from zoo.storage.lock import StoreLock
from zoo.storage.manifest import Manifest, check_replaceable, read_manifest
from zoo.storage.store import Store
from zoo.storage.upload import Uploader, replace_file, same_files

_LOCKS = (LOCK_FILE, BREAKING_FILE)


def local_folder(address: str) -> pathlib.Path:
    """Returns the local folder that a run on an object store trains in."""
    return cache_folder(RUNS) / local_name(checked(address))


class RemoteRun:
    """Uploads the local folder of a run to its address.

    Args:
        store: the folder on the object store.
        lock: its lock, which this process holds.
        published: the manifest on the store; None for a new run.
    """

    def __init__(self, store: Store, lock: StoreLock, published: Manifest | None):
        self.store = store
        self.folder = local_folder(store.address)
        self._lock = lock
        self._uploader = Uploader(store, self.folder, published, skip=_LOCKS)

    def publish(self) -> bool:
        """Uploads what has changed; prints a warning and returns False if that fails.

        Raises:
            UserError: another process has taken over the run.
        """
        try:
            self._upload()
        except StoreError as error:
            print(
                f"Warning: {error} The run goes on in {self.folder}, and the upload is tried again "
                "at the next checkpoint.",
                file=sys.stderr,
            )
            return False
        return True

    def finish(self) -> None:
        """Uploads what has changed, when the command ends.

        Raises:
            UserError: it cannot be uploaded, or another process has taken over the run.
        """
        try:
            self._upload()
        except StoreError as error:
            raise UserError(
                f"{error} The whole run is in {self.folder}, and it was not uploaded to "
                f"{self.store.address}: give the same command again on this machine to upload it."
            ) from None

    def _upload(self) -> None:
        self._lock.check()
        if self.folder.is_dir() and self._uploader.upload():
            assert self._uploader.published is not None
            _write_mark(self.folder, self._uploader.published)


@contextlib.contextmanager
def staged(recipe: Recipe) -> Iterator[RemoteRun | None]:
    """Prepares the local folder of a run on an object store, and uploads it at the end.

    Yields None for a run in a local folder.

    Raises:
        UserError: the store cannot be used, another process trains there, or the last upload fails.
    """
    address = recipe.run.run_dir
    if address is None or not is_remote(address):
        yield None
        return
    if recipe.devices.strategy == "multi_worker" or host_count(tf_config(os.environ)) > 1:
        raise UserError(
            f"--run-dir {address} is for a run on one host. Several hosts need a folder that all "
            "of them can reach: give such a folder."
        )
    store = Store(address)
    with StoreLock(store) as lock:
        remote = RemoteRun(store, lock, _synchronised(store))
        print(f"{store.address}: the run trains in {remote.folder} and is uploaded.", flush=True)
        try:
            yield remote
        except Interrupted:
            remote.finish()
            raise
        except Exception:
            remote.publish()
            raise
        remote.finish()


def _synchronised(store: Store) -> Manifest | None:
    """Makes the local folder the newest state of the run; returns the manifest on the store.

    The local folder is newest if it was made from the manifest that is on the store: then it has
    the same files or later ones. Otherwise another machine has continued the run.
    """
    folder = local_folder(store.address)
    try:
        remote, local = read_manifest(store), _read_mark(folder)
        if remote is None:
            check_replaceable(store)
        if folder.exists() and remote != local:
            if local is None or not same_files(folder, local, skip=_LOCKS):
                _set_aside(folder, store.address)
            else:
                shutil.rmtree(folder)
        if remote is not None and not folder.exists():
            download(store, remote, folder)
    except OSError as error:
        raise UserError(
            f"Cannot write to {folder}, in which {store.address} trains: {error.strerror}. Set "
            "XDG_CACHE_HOME to a folder that can be written."
        ) from None
    return remote


def _set_aside(folder: pathlib.Path, address: str) -> None:
    """Renames a local folder that has files which the run on the store does not have."""
    aside = folder.with_name(f"{folder.name}.before-{time.strftime('%Y%m%d-%H%M%S')}")
    os.rename(folder, aside)
    print(
        f"Warning: the run at {address} is not the one that was uploaded from here last. The run "
        f"continues from the address; the local files are kept in {aside}.",
        file=sys.stderr,
    )


def _read_mark(folder: pathlib.Path) -> Manifest | None:
    """Returns the manifest of the last upload or download of a local folder."""
    path = folder / LOCAL_MANIFEST
    try:
        return Manifest.from_json(path.read_text(encoding="utf-8"), source=str(path))
    except (FileNotFoundError, StoreError):
        return None


def _write_mark(folder: pathlib.Path, manifest: Manifest) -> None:
    part = folder / f"{LOCAL_MANIFEST}.part"
    try:
        part.write_text(manifest.to_json(), encoding="utf-8")
        os.replace(part, folder / LOCAL_MANIFEST)
    except OSError as error:
        raise StoreError(f"Cannot write to {folder}: {error.strerror}.") from None


def add_remote_scores(address: str, rows: list[dict[str, Any]]) -> None:
    """Appends evaluations to the `scores.jsonl` of a run on an object store.

    Raises:
        UserError: the store cannot be written, or another process writes there.
    """
    store = Store(address)
    with StoreLock(store) as lock:
        manifest = read_manifest(store)
        if manifest is None:
            raise StoreError(f"The run at {address} was removed during the evaluation.")
        entry = manifest.files.get("scores.jsonl")
        before = b"" if entry is None else store.read(entry.place("scores.jsonl"))
        text = "".join(json.dumps(row) + "\n" for row in rows)
        lock.check()
        replace_file(store, manifest, "scores.jsonl", before + text.encode())
