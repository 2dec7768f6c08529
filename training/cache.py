"""`python -m training.cache list` or `clear`: the folder of caches.

`list` prints the size of each cache and of each decoded data set. `clear` removes everything, or
only the named caches, e.g. `clear arrays`. Everything in the folder is made again when it is
needed, except `runs`: the local folders of runs on object stores, which may not be uploaded yet.
Only `clear runs` removes them.
"""

import contextlib
import dataclasses
import os
import pathlib
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Annotated, Literal

import tyro

from zoo.command_line import parse_options
from zoo.errors import UserError

LIMIT = "LIPSCHITZ_GAN_ZOO_CACHE_GIB"
"""The environment variable with the size limit of decoded images in GiB."""
DEFAULT_LIMIT = 100.0
RUNS = "runs"
"""The cache with the local folders of runs on object stores."""
_ABANDONED_SECONDS = 24 * 3600


def cache_root() -> pathlib.Path:
    """Returns `$XDG_CACHE_HOME/lipschitz-gan-zoo`, by default under `~/.cache`.

    A relative `$XDG_CACHE_HOME` is ignored, as its specification asks for. Without a home folder
    the caches are in the folder of temporary files.
    """
    given = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(given):
        return pathlib.Path(given) / "lipschitz-gan-zoo"
    try:
        return pathlib.Path.home() / ".cache" / "lipschitz-gan-zoo"
    except RuntimeError:  # The user has no home folder.
        return pathlib.Path(tempfile.gettempdir()) / f"lipschitz-gan-zoo-{os.getuid()}"


def cache_folder(kind: str) -> pathlib.Path:
    """Returns the folder of one cache: `cache_root() / kind`."""
    return cache_root() / kind


def size_limit() -> int:
    """Returns the size limit of decoded images in bytes.

    Raises:
        UserError: if the environment variable is not a number of at least 0.
    """
    given = os.environ.get(LIMIT, "")
    try:
        limit = float(given) if given else DEFAULT_LIMIT
    except ValueError:
        limit = -1.0
    if not 0 <= limit < float("inf"):
        raise UserError(
            f"The environment variable {LIMIT} must be a number of GiB, at least 0; got {given!r}. "
            f"The default is {DEFAULT_LIMIT:g}."
        )
    return int(limit * 2**30)


def size_text(size: int) -> str:
    """Returns a number of bytes in a readable unit, e.g. `184.3 MB`."""
    amount, unit = float(size), "bytes"
    for larger in ("kB", "MB", "GB", "TB"):
        if amount < 1000:
            break
        amount, unit = amount / 1000, larger
    return f"{size:,} bytes" if unit == "bytes" else f"{amount:.1f} {unit}"


def folder_size(path: pathlib.Path) -> int:
    """Returns the bytes of all files below a folder, or of a file. Links are not followed."""
    total = 0
    for parent, _, names in os.walk(path):
        for name in names:
            with contextlib.suppress(OSError):  # Another process may remove files.
                total += os.lstat(os.path.join(parent, name)).st_size
    if not path.is_dir():
        with contextlib.suppress(OSError):
            total = os.lstat(path).st_size
    return total


def make_room(folder: pathlib.Path, needed: int) -> list[pathlib.Path]:
    """Removes the entries of a cache that were not used for longest, until there is room.

    Args:
        folder: the cache. Each entry is a folder, and its time of change is that of its last use.
        needed: int, bytes that must fit below `size_limit()` in addition.

    Returns:
        The entries that were removed. Unfinished entries, which a process left behind that was
        ended, are removed too but not returned.
    """
    ages = {}
    for entry in _entries(folder):
        with contextlib.suppress(OSError):
            ages[entry] = entry.stat().st_mtime
    for entry in list(ages):
        if entry.name.startswith("incomplete."):
            if time.time() - ages[entry] > _ABANDONED_SECONDS:
                shutil.rmtree(entry, ignore_errors=True)
            del ages[entry]
    sizes = {entry: folder_size(entry) for entry in ages}
    removed = []
    for entry in sorted(ages, key=ages.__getitem__):
        if sum(sizes.values()) + needed <= size_limit():
            break
        shutil.rmtree(entry, ignore_errors=True)
        del sizes[entry]
        removed.append(entry)
    return removed


def _entries(folder: pathlib.Path) -> list[pathlib.Path]:
    try:
        return sorted(entry for entry in folder.iterdir() if entry.is_dir())
    except OSError:
        return []


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `python -m training.cache`."""

    action: Annotated[tyro.conf.Positional[Literal["list", "clear"]], tyro.conf.arg(name="action")]
    """list prints the sizes; clear removes."""
    caches: Annotated[
        tyro.conf.Positional[tuple[str, ...]], tyro.conf.arg(metavar="CACHE ...")
    ] = ()
    """The caches to list or clear, e.g. arrays. By default all of them; `clear` leaves runs."""


def main(arguments: Sequence[str], *, prog: str = "python -m training.cache") -> int:
    """Runs the command; returns the exit code."""
    options = parse_options(Options, arguments, command=prog, description=__doc__)
    try:
        caches = _chosen(options.caches)
        if options.action == "clear":
            _clear([one for one in caches if one.name != RUNS or options.caches])
        else:
            _list(caches)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _chosen(names: Sequence[str]) -> list[pathlib.Path]:
    present = {entry.name: entry for entry in _entries(cache_root())}
    unknown = [name for name in names if name not in present]
    if unknown:
        raise UserError(
            f"There is no cache {', '.join(unknown)} in {cache_root()}; it has: "
            f"{', '.join(present) or 'none'}."
        )
    return [present[name] for name in names] if names else list(present.values())


def _list(caches: Sequence[pathlib.Path]) -> None:
    total, limit = 0, size_limit()
    print(f"{cache_root()}")
    for cache in caches:
        size = folder_size(cache)
        total += size
        print(f"  {cache.name:<10}{size_text(size):>12}")
        for entry in _entries(cache) if cache.name == "arrays" else []:
            used = time.strftime("%Y-%m-%d", time.localtime(entry.stat().st_mtime))
            print(f"    {size_text(folder_size(entry)):>12}  last used {used}  {entry.name}")
    allowed = f"decoded images may take {limit / 2**30:g} GiB ({LIMIT})"
    print(f"  {'total':<10}{size_text(total):>12}  {allowed}")


def _clear(caches: Sequence[pathlib.Path]) -> None:
    freed = 0
    for cache in caches:
        freed += folder_size(cache)
        try:
            # A link is removed and its target is not.
            cache.unlink() if cache.is_symlink() else shutil.rmtree(cache)
        except OSError as error:
            raise UserError(f"Cannot remove {cache}: {error.strerror}.") from error
    print(f"Removed {size_text(freed)} from {cache_root()}.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
