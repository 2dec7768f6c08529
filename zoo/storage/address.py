"""Addresses of folders on object stores, such as `s3://BUCKET/FOLDER`."""

import hashlib
import os
import pathlib
import re
from collections.abc import Iterator

from zoo.errors import UserError

_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://(.*)", re.DOTALL)
# Schemes that `zoo.presets.handles` resolves: of hubs, and of TensorFlow's own file systems.
_OTHER_SCHEMES = ("file", "hf", "kaggle", "ram", "hdfs", "viewfs")
_MOST_PARENTS = 3


class StoreError(UserError, ValueError):
    """An object store cannot be used, or its content is not whole. The message is one sentence."""


def is_remote(place: str | os.PathLike) -> bool:
    """Returns True for an address on an object store, False for folders and other handles.

    >>> is_remote("s3://bucket/run"), is_remote("runs/lsgan"), is_remote("hf://ORG/MODEL")
    (True, False, False)
    """
    return isinstance(place, str) and scheme_of(place) not in ("", *_OTHER_SCHEMES)


def scheme_of(place: str) -> str:
    """Returns the scheme of an address, `""` for a path."""
    found = _ADDRESS.fullmatch(place)
    return found[1].lower() if found else ""


def checked(address: str) -> str:
    """Returns an address without slashes at its end.

    Raises:
        StoreError: it names no bucket, or has an empty part or `..`.
    """
    found = _ADDRESS.fullmatch(address.rstrip("/"))
    parts = found[2].split("/") if found else [""]
    if any(part in ("", ".", "..") for part in parts):
        scheme = scheme_of(address) or address.partition(":")[0]
        raise StoreError(f"{address} is not the address of a folder: type {scheme}://BUCKET/FOLDER")
    return address.rstrip("/")


def join(place: str, name: str) -> str:
    """Returns the place of a file or folder in a local or remote folder.

    >>> join("s3://bucket/run/", "seed-0"), join("runs/lsgan", "seed-0")
    ('s3://bucket/run/seed-0', 'runs/lsgan/seed-0')
    """
    return f"{place.rstrip('/')}/{name}" if is_remote(place) else str(pathlib.Path(place) / name)


def ancestors(address: str) -> Iterator[tuple[str, str]]:
    """Yields an address and the folders above it, each with the rest of the path.

    >>> list(ancestors("s3://bucket/run/preset"))
    [('s3://bucket/run/preset', ''), ('s3://bucket/run', 'preset'), ('s3://bucket', 'run/preset')]
    """
    scheme, _, path = address.partition("://")
    parts = path.split("/")
    for count in range(len(parts), max(len(parts) - 1 - _MOST_PARENTS, 0), -1):
        yield f"{scheme}://{'/'.join(parts[:count])}", "/".join(parts[count:])


def local_name(address: str) -> pathlib.PurePath:
    """Returns the path of an address in a cache: a digest, then its last two parts.

    The names of runs and models are made from these parts.
    """
    parts = address.partition("://")[2].split("/")
    digest = hashlib.sha256(address.encode()).hexdigest()[:16]
    return pathlib.PurePath(digest, *parts[-2:])
