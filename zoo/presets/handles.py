"""Handles of presets: resolves a built-in name, a folder or an address to a local folder."""

import difflib
import hashlib
import importlib
import os
import pathlib
import re
import shutil
import tempfile
import types
import urllib.parse
import urllib.request
from collections.abc import Iterator

import tensorflow as tf

from zoo.presets.builtin import builtin_folders
from zoo.presets.layout import CONFIG_FILE, FILES, METADATA_FILE, SHARDS
from zoo.storage.address import StoreError, is_remote
from zoo.storage.download import fetch

CACHE = pathlib.Path("~/.cache/lipschitz_gan_zoo")

_NOT_NEEDED = ("checkpoints", "best")
"""Sub-folders of runs that only their training reads."""
_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+)://(.+)")
_HF = re.compile(r"(?P<model>[\w.-]+/[\w.-]+)(?:/(?P<part>\w+))?")
_KAGGLE = re.compile(r"(?P<model>(?:[\w.-]+/){3}[\w.-]+(?:/\d+)?)(?:/(?P<part>[a-z]\w*))?")


def resolve(handle: str | os.PathLike) -> pathlib.Path:
    """Returns the local folder of a preset, and downloads it first if it is remote.

    Args:
        handle: a name from `list_presets()`, a folder, `file://FOLDER`, `hf://ORG/MODEL`,
            `kaggle://ORG/MODEL/FRAMEWORK/VARIATION[/VERSION]`, or the address of a preset that was
            saved to an object store (`s3://BUCKET/FOLDER`). Append `/critic` or `/generator` for a
            part of the preset.

    Raises:
        ValueError: none of these, or no preset at this place.
        ImportError: the download library is not installed; the message has the install command.
    """
    text = os.fspath(handle)
    address = _ADDRESS.fullmatch(text)
    if is_remote(text):
        folder = _from_store(text)
    elif address:
        scheme, rest = address.groups()
        fetch = {"file": _file_folder, "hf": _hugging_face, "kaggle": _kaggle}.get(scheme)
        folder = fetch(rest) if fetch else _copy_remote(text)
    else:
        name, _, part = text.partition("/")
        builtin = builtin_folders().get(name)
        folder = builtin / part if builtin else pathlib.Path(text).expanduser()
    if folder.is_dir():
        return folder
    if folder.exists():
        raise ValueError(f"{text} is a file; a preset is a folder that contains {CONFIG_FILE}.")
    raise ValueError(f"There is no preset {text!r}: no such folder, {_hint(text)}")


def local_source(source: str | os.PathLike) -> str | os.PathLike:
    """Returns the local copy of a run or preset on an object store; other sources as they are.

    The copy of a run has no checkpoints.

    Raises:
        StoreError: the run or preset at the address is incomplete, missing or damaged.
        ValueError: the local copy cannot be written.
    """
    if not is_remote(source):
        return source
    return _from_store(os.fspath(source))


def _from_store(address: str) -> pathlib.Path:
    try:
        return fetch(address, _cache(address), without=_NOT_NEEDED)
    except StoreError:
        # A copy of a preset's files by another program, which TensorFlow can read.
        if not address.startswith("gs://") or not _is_plain(address):
            raise
        return _copy_remote(address)
    except OSError as error:
        raise ValueError(
            f"The local copy of {address} cannot be written to {CACHE}: {error}."
        ) from error


def _is_plain(address: str) -> bool:
    try:
        return bool(tf.io.gfile.exists(f"{address.rstrip('/')}/{CONFIG_FILE}"))
    except tf.errors.OpError:
        return False


def _hint(name: str) -> str:
    known = sorted(builtin_folders())
    if not known:
        return "and no presets are built in."
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
    if near:
        return f"and no built-in preset of this name. Did you mean {' or '.join(near)}?"
    return f"and no built-in preset of this name. Built-in presets: {', '.join(known)}."


def _file_folder(rest: str) -> pathlib.Path:
    parts = urllib.parse.urlsplit(f"file://{rest}")
    if parts.netloc not in ("", "localhost"):
        raise ValueError(f"file://{rest} names the host {parts.netloc!r}; type file:///FOLDER.")
    return pathlib.Path(urllib.request.url2pathname(parts.path))


def _hugging_face(rest: str) -> pathlib.Path:
    found = _HF.fullmatch(rest)
    if not found:
        raise ValueError(f"hf://{rest} must be hf://ORG/MODEL or hf://ORG/MODEL/PART.")
    library = _library("huggingface_hub", "hf")
    # A folder of real files, because the library's own cache has links, which presets must not.
    folder = _cache_folder(f"hf://{found['model']}")
    try:
        library.snapshot_download(
            repo_id=found["model"],
            local_dir=str(folder),
            allow_patterns=[*FILES, SHARDS, *(f"*/{name}" for name in (*FILES, SHARDS))],
        )
    except (OSError, ValueError) as error:
        raise ValueError(f"Cannot get hf://{found['model']}: {error}") from error
    return folder / (found["part"] or "")


def _kaggle(rest: str) -> pathlib.Path:
    found = _KAGGLE.fullmatch(rest)
    if not found:
        raise ValueError(
            f"kaggle://{rest} must be kaggle://ORG/MODEL/FRAMEWORK/VARIATION, optionally with "
            "/VERSION and /PART appended."
        )
    library = _library("kagglehub", "kaggle")
    try:
        folder = library.model_download(found["model"])
    except (OSError, ValueError) as error:
        raise ValueError(f"Cannot get kaggle://{found['model']}: {error}") from error
    return pathlib.Path(folder) / (found["part"] or "")


def _library(name: str, scheme: str) -> types.ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(
            f"{scheme}:// presets need {name} ({error}). Install it with: pip install {name}"
        ) from error


def _copy_remote(address: str) -> pathlib.Path:
    """Copies a remote preset to the cache, unless the cached metadata.json is up to date."""
    files = tf.io.gfile
    address = address.rstrip("/")
    try:
        if not files.exists(f"{address}/{CONFIG_FILE}"):
            raise ValueError(f"{address} is not a preset: it has no {CONFIG_FILE}.")
        folder = _cache_folder(address)
        cached = folder / METADATA_FILE
        if cached.exists() and cached.read_bytes() == _read_remote(f"{address}/{METADATA_FILE}"):
            return folder
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = pathlib.Path(tempfile.mkdtemp(prefix=".part-", dir=folder.parent))
        try:
            for name in _preset_files(address):
                target = temporary / "new" / name
                target.parent.mkdir(parents=True, exist_ok=True)
                files.copy(f"{address}/{name}", str(target))
            if folder.exists():
                os.rename(folder, temporary / "old")
            os.rename(temporary / "new", folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except tf.errors.OpError as error:
        raise ValueError(f"Cannot read {address}: {error.message}") from error
    return folder


def _preset_files(address: str) -> Iterator[str]:
    """Yields the names of the files of a preset and of its parts, and no other files."""
    for entry in (name.rstrip("/") for name in tf.io.gfile.listdir(address)):
        if entry in FILES or pathlib.PurePath(entry).match(SHARDS):
            yield entry
        elif tf.io.gfile.exists(f"{address}/{entry}/{CONFIG_FILE}"):
            for name in tf.io.gfile.listdir(f"{address}/{entry}"):
                if name in FILES or pathlib.PurePath(name).match(SHARDS):
                    yield f"{entry}/{name}"


def _read_remote(path: str) -> bytes:
    with tf.io.gfile.GFile(path, "rb") as file:
        return file.read()


def _cache_folder(address: str) -> pathlib.Path:
    return _cache(address) / hashlib.sha256(address.encode()).hexdigest()[:24]


def _cache(address: str) -> pathlib.Path:
    """Returns the cache of presets, created if it is missing."""
    try:
        folder = CACHE.expanduser()
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError) as error:  # A home that cannot be written, or none.
        raise ValueError(
            f"{address} needs a cache in {CACHE}, which cannot be written: {error}. Set HOME to a "
            "folder that can be written, or download the preset and give its folder."
        ) from error
    return folder
