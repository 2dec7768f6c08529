"""TensorFlow Datasets builders: found on disk, or prepared there from the original files."""

import atexit
import contextlib
import difflib
import inspect
import os
import pathlib
import re
import shutil
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request

import tensorflow_datasets as tfds
from tensorflow_datasets.core.download import downloader

from training.cache import cache_folder
from training.data.digits.builder import Digits
from training.data.paths import user_path
from training.data.tfds_features import image_key
from zoo.errors import UserError

# name[/config][:version]. TFDS also accepts namespaces, but looks them up over the network.
_NAME = re.compile(r"(?P<set>\w+)(/(?P<config>[\w.\-]+))?(:(?P<version>[\d.*]+))?")
_FAILED_TO_CONSTRUCT = re.compile(r'^Failed to construct dataset .*?}": ')
_CONNECT_SECONDS = 10
_DOWNLOAD_RETRIES = 3
_MAX_LISTED = 10

THREE_WAYS = """There are three ways to provide image data:
  --data-dir DIR    DIR contains sets that TensorFlow Datasets has prepared, e.g. on another
                    machine (DIR/mnist/3.0.1/, copied from ~/tensorflow_datasets there)
  --manual-dir DIR  DIR contains the original files of the set, downloaded by hand
  a path            a folder of images (sub-folders are classes) or an .npz file with `images`
                    and `labels`, given instead of the name
The set `digits` comes with this package and needs no download."""


def prepared_builder(
    name: str, *, data_dir: str | None = None, manual_dir: str | None = None
) -> tfds.core.DatasetBuilder:
    """Returns the builder of a prepared set.

    If the set is prepared already, in any version, it is used without network access. Otherwise
    it is prepared in a folder that gets its final name when it is complete.

    Args:
        name: `set[/config][:version]`, as in TensorFlow Datasets.
        data_dir: folder of prepared sets, or the folder of the set itself; the default folder of
            TFDS if `None`.
        manual_dir: folder of the set's original files; `None` to download them.

    Raises:
        UserError: if the set does not exist, or is not prepared and cannot be prepared.
    """
    match = _NAME.fullmatch(name)
    if not match:
        raise _unknown_name(name)
    root = _root(data_dir)
    if root and root.joinpath("dataset_info.json").is_file():
        return _builder_of_folder(root, match["set"], match["config"])
    if root and root.name == match["set"] and not root.joinpath(root.name).exists():
        root = root.parent
    builder = _find(name, root)
    if manual_dir is not None and not (builder.url_infos or builder.MANUAL_DOWNLOAD_INSTRUCTIONS):
        raise UserError(f"{name} does not use original files. Leave --manual-dir out.")
    if _is_prepared(builder):
        return builder
    if not match["version"]:
        other_version = _find(f"{name}:*.*.*", root)
        if _is_prepared(other_version):
            return other_version
    return _prepare(builder, name, root, manual_dir)


def described_builder(name: str, *, data_dir: str | None = None) -> tfds.core.DatasetBuilder:
    """Returns the builder of a set that may be unprepared, for the description of its features.

    Args:
        name: `set[/config][:version]`.
        data_dir: as for `prepared_builder`.

    Raises:
        UserError: if the set does not exist.
    """
    match = _NAME.fullmatch(name)
    if not match:
        raise _unknown_name(name)
    root = _root(data_dir)
    if root and root.joinpath("dataset_info.json").is_file():
        return _builder_of_folder(root, match["set"], match["config"])
    return _find(name, root)


def _root(data_dir: str | None) -> pathlib.Path | None:
    """Returns the folder of prepared sets; `None` for the default folder of TFDS."""
    if data_dir is not None:
        return user_path(data_dir)
    # Without a home folder, TFDS would use a folder named `~` in the current one.
    homeless = os.path.expanduser("~") == "~"
    homeless = homeless and "TFDS_DATA_DIR" not in os.environ
    return cache_folder("tensorflow_datasets") if homeless else None


def _builder_of_folder(
    folder: pathlib.Path, set_name: str, config: str | None
) -> tfds.core.DatasetBuilder:
    try:
        builder = tfds.builder_from_directory(folder)
    except Exception as error:  # A damaged description may cause any type.
        raise UserError(
            f"TensorFlow Datasets cannot read {folder}: {_first_line(error)}"
        ) from error
    if builder.name != set_name or (config and builder.info.config_name != config):
        asked = f"{set_name}/{config}" if config else set_name
        raise UserError(
            f"--data-dir {folder} contains {builder.info.full_name}, not {asked}. Give the folder "
            f"of {asked}, or of all sets."
        )
    return builder


def _find(name: str, root: pathlib.Path | None) -> tfds.core.DatasetBuilder:
    """Returns the builder of a set; `name:*.*.*` means any version that is prepared in `root`."""
    try:
        return tfds.builder(name, data_dir=root, try_gcs=False)
    except tfds.core.registered.DatasetNotFoundError as error:
        raise _unknown_name(name) from error
    except Exception as error:  # TFDS raises many types here.
        reason = _wrong_config(name) or _FAILED_TO_CONSTRUCT.sub("", _first_line(error))
        raise UserError(f"TensorFlow Datasets cannot open {name!r}: {reason}") from error


def _is_prepared(builder: tfds.core.DatasetBuilder) -> bool:
    # TFDS's is_prepared() logs a warning for each set that is not prepared.
    return pathlib.Path(builder.data_dir, "dataset_info.json").is_file()


def _prepare(
    builder: tfds.core.DatasetBuilder,
    name: str,
    root: pathlib.Path | None,
    manual_dir: str | None,
) -> tfds.core.DatasetBuilder:
    image_key(builder)  # An unsuitable set is refused before a long download.
    # Without a network, TFDS's ten retries take minutes.
    downloader.MAX_RETRIES = _DOWNLOAD_RETRIES
    download_dir = pathlib.Path(builder.data_dir_root, "downloads")
    config = tfds.download.DownloadConfig(try_download_gcs=False)
    if manual_dir is not None:
        manual_path = user_path(manual_dir)
        if not manual_path.is_dir():
            raise UserError(f"--manual-dir {manual_dir} is not a folder.")
        # Each set has its own folders, because TFDS identifies an extracted file by its name
        # alone, and files of different sets may have the same name.
        download_dir /= builder.name
        config.extract_dir = download_dir / "extracted"
        config.manual_dir = manual_path
        config.force_checksums_validation = True
        downloader.MAX_RETRIES = 0
    else:
        _check_downloadable(builder, name, download_dir)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            builder.download_and_prepare(download_dir=download_dir, download_config=config)
    except Exception as error:  # The code of a set may raise any type.
        found = _find(name, root)
        if _is_prepared(found):  # Another process was faster.
            return found
        if isinstance(builder, Digits) and root is None:
            return _prepare(*_temporary(name), manual_dir)
        raise UserError(_failure(builder, error, manual_dir)) from error
    return builder


def _temporary(name: str) -> tuple[tfds.core.DatasetBuilder, str, pathlib.Path]:
    """Returns the builder of an embedded set in a folder that is removed at the end.

    The embedded set must not need a home folder that can be written to.
    """
    folder = pathlib.Path(tempfile.mkdtemp(prefix="lipschitz-gan-zoo-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return _find(name, folder), name, folder


def _check_downloadable(
    builder: tfds.core.DatasetBuilder, name: str, download_dir: pathlib.Path
) -> None:
    """Raises `UserError` if files must be downloaded by hand, or their host does not answer."""
    if builder.MANUAL_DOWNLOAD_INSTRUCTIONS and not (download_dir / "manual").is_dir():
        raise UserError(
            f"{name} is not in {builder.data_dir_root}, and its files cannot be downloaded "
            "automatically. Download them by hand and give their folder as --manual-dir.\n"
            + inspect.cleandoc(builder.MANUAL_DOWNLOAD_INSTRUCTIONS)
        )
    urls = [url for url in builder.url_infos or () if url.startswith("http")]
    if not urls or any((download_dir / builder.name).glob("**/*.INFO")):
        return  # The host is unknown, or files were downloaded before.
    try:
        request = urllib.request.Request(urls[0], method="HEAD")
        urllib.request.urlopen(request, timeout=_CONNECT_SECONDS).close()
    except urllib.error.HTTPError:
        return  # The host answered.
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise UserError(
            f"{name} is not in {builder.data_dir_root}, and its host cannot be reached to download "
            f"it ({urllib.parse.urlsplit(urls[0]).hostname}: {reason}).\n{THREE_WAYS}"
        ) from error


def _failure(builder: tfds.core.DatasetBuilder, error: Exception, manual_dir: str | None) -> str:
    message = f"{builder.name} could not be prepared in {builder.data_dir_root}: "
    message += f"{type(error).__name__}: {_first_line(error)}\n"
    if manual_dir is not None:
        names = sorted({info.filename for info in (builder.url_infos or {}).values()} - {None})
        missing = [file for file in names if not os.path.exists(os.path.join(manual_dir, file))]
        if missing:
            message += f"Not in --manual-dir {manual_dir}: {_listed(missing)}\n"
        if builder.MANUAL_DOWNLOAD_INSTRUCTIONS:
            message += inspect.cleandoc(builder.MANUAL_DOWNLOAD_INSTRUCTIONS) + "\n"
    return message + THREE_WAYS


def _unknown_name(name: str) -> UserError:
    known = [*tfds.list_builders(with_community_datasets=False), Digits.name]
    nearest = difflib.get_close_matches(name.split("/")[0], known, n=5, cutoff=0.5)
    message = f"{name!r} is neither an existing path nor a TensorFlow Datasets set."
    if nearest:
        message += f" Nearest names: {', '.join(dict.fromkeys(nearest))}."
    return UserError(f"{message}\n{THREE_WAYS}")


def _wrong_config(name: str) -> str | None:
    """Returns the reason if the set does not have the requested config, else `None`."""
    match = _NAME.fullmatch(name)
    configs = list(tfds.builder_cls(match["set"]).builder_configs) if match else []
    if not match or not match["config"] or match["config"] in configs:
        return None
    if len(configs) > _MAX_LISTED:
        configs = difflib.get_close_matches(match["config"], configs, n=_MAX_LISTED) or configs
    return f"it has no config {match['config']!r}; it has: {_listed(configs) or 'none'}."


def _listed(names: list[str]) -> str:
    more = len(names) - _MAX_LISTED
    return ", ".join(names[:_MAX_LISTED]) + (f" and {more} more" if more > 0 else "")


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].rstrip(":.") + "."
