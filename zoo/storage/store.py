"""A folder on an object store, by fsspec."""

import contextlib
import importlib
from collections.abc import Iterator
from typing import Any

from zoo.storage.address import StoreError, checked, scheme_of

_PACKAGES = {"s3": "'lipschitz-gan-zoo[objects]'", "s3a": "'lipschitz-gan-zoo[objects]'"}
_PACKAGES |= {"gs": "gcsfs", "gcs": "gcsfs", "abfs": "adlfs", "az": "adlfs"}


class MissingObjectError(StoreError):
    """The object does not exist."""


class Store:
    """Reads and writes the objects below an address.

    Args:
        address: the folder, such as `s3://BUCKET/FOLDER`. fsspec and the store's library find
            credentials and settings in their usual places.

    Raises:
        StoreError: an address without a bucket, an unknown scheme, or a package that is missing.
    """

    def __init__(self, address: str):
        self.address = checked(address)
        self._files = _file_system(self.address)
        self._root = str(self._files._strip_protocol(self.address)).rstrip("/")

    def read(self, name: str) -> bytes:
        """Returns the content of an object.

        Raises:
            MissingObjectError: the object does not exist.
            StoreError: it cannot be read.
        """
        with self._naming("read", name):
            return bytes(self._files.cat_file(f"{self._root}/{name}"))

    def write(self, name: str, content: bytes) -> None:
        """Writes an object, whole or not at all.

        Raises:
            StoreError: it cannot be written.
        """
        with self._naming("write", name):
            self._make_folder(name)
            self._files.pipe_file(f"{self._root}/{name}", content)

    def create(self, name: str, content: bytes) -> bool:
        """Writes an object that must not exist yet, if the file system can check this.

        Returns:
            False if the object exists.

        Raises:
            StoreError: it cannot be written.
        """
        with self._naming("write", name):
            self._make_folder(name)
            try:
                self._files.pipe_file(f"{self._root}/{name}", content, mode="create")
            except FileExistsError:
                return False
        return True

    def remove(self, name: str) -> None:
        """Removes an object, if it exists.

        Raises:
            StoreError: it cannot be removed.
        """
        with self._naming("write", name), contextlib.suppress(FileNotFoundError):
            self._files.rm_file(f"{self._root}/{name}")

    def names(self, folder: str = "") -> list[str]:
        """Lists all objects in a folder and its sub-folders.

        Raises:
            StoreError: they cannot be listed.
        """
        self._files.invalidate_cache()
        place = f"{self._root}/{folder}".rstrip("/")
        with self._naming("list", folder):
            try:
                found = self._files.find(place)
            except FileNotFoundError:
                return []
        return sorted(str(path)[len(self._root) + 1 :] for path in found)

    def _make_folder(self, name: str) -> None:
        """Creates the folder of an object, on file systems that have folders."""
        parent = f"{self._root}/{name}".rpartition("/")[0]
        if scheme_of(self.address) not in _PACKAGES:
            self._files.makedirs(parent, exist_ok=True)

    @contextlib.contextmanager
    def _naming(self, action: str, name: str) -> Iterator[None]:
        """Translates the errors of all libraries, which have no common class."""
        try:
            yield
        except Exception as error:
            place = f"{self.address}/{name}".rstrip("/")
            kind = StoreError
            if isinstance(error, FileNotFoundError):
                kind = MissingObjectError
            raise kind(f"Cannot {action} {place}: {_reason(error)}.") from error


def _reason(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    text = lines[0].rstrip(".") if lines else type(error).__name__
    return "the object or bucket does not exist" if isinstance(error, FileNotFoundError) else text


def _file_system(address: str) -> Any:
    """Returns fsspec's file system of an address."""
    scheme = scheme_of(address)
    package = _PACKAGES.get(scheme, "'lipschitz-gan-zoo[objects]'")
    try:
        fsspec = importlib.import_module("fsspec")
        return fsspec.filesystem(scheme)
    except ImportError as error:
        raise StoreError(
            f"Cannot read {address}: {scheme}:// needs a package that is not installed "
            f"({_reason(error)}). Type: pip install {package}"
        ) from error
    except ValueError as error:
        if "not known" not in str(error):
            raise StoreError(f"Cannot read {address}: {_reason(error)}.") from error
        raise StoreError(
            f"Cannot read {address}: {scheme}:// is not a known scheme. Give a folder, or an "
            "address such as s3://BUCKET/FOLDER or gs://BUCKET/FOLDER."
        ) from error
