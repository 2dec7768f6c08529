"""Environment settings that every command applies before it imports TensorFlow and Keras.

A user's settings for other programs must not change or stop a command: `~/.keras/keras.json`,
another backend of Keras, or a home folder that cannot be written.
"""

import atexit
import os
import pathlib
import platform
import shutil
import sys
import tempfile

from zoo.errors import UserError
from zoo.native_log import quiet_tensorflow

_REMOVED = ("TF_USE_LEGACY_KERAS", "KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH")
"""Variables that would replace Keras by its old version, or end training early."""


def prepare_tensorflow() -> None:
    """Prepares the process for TensorFlow and Keras.

    Filters TensorFlow's native log out of stderr, enables oneDNN's kernels, ignores the user's
    settings of Keras, and gives caches a place if there is no home folder.

    Raises:
        UserError: Keras is already imported, with settings that the zoo cannot use.
    """
    quiet_tensorflow()
    use_onednn()
    use_keras_defaults()
    use_temporary_home()


def use_onednn() -> None:
    """Sets `TF_ENABLE_ONEDNN_OPTS=1` on x86 processors, unless the variable is already set.

    By default, TensorFlow uses oneDNN's kernels only on processors with AVX512-VNNI. They are also
    faster with AVX2; `benchmarks/README.md` reports by how much. They round differently, so a run
    with `TF_ENABLE_ONEDNN_OPTS=0` gives different numbers. TensorFlow reads the variable when it is
    imported.
    """
    if platform.machine() in ("x86_64", "AMD64"):
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


def use_keras_defaults() -> None:
    """Makes Keras use TensorFlow and its own defaults, whatever the user's settings are.

    Keras reads `keras.json` in `$KERAS_HOME`, by default in `~/.keras`: the backend, the data
    format, the float type and epsilon. This sets a `KERAS_HOME` that does not exist and cannot be
    created, so that Keras neither reads nor writes the file.

    Raises:
        UserError: Keras is already imported, with settings that the zoo cannot use.
    """
    if "keras" in sys.modules:
        check_keras()
        return
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ["KERAS_HOME"] = f"{os.devnull}/keras"
    for name in _REMOVED:
        os.environ.pop(name, None)


def check_keras() -> None:
    """Checks that Keras has settings that the zoo can use; imports Keras.

    Raises:
        UserError: another backend than TensorFlow, another data format than `channels_last`, or
            another float type than `float32`.
    """
    backend = os.environ.get("KERAS_BACKEND") or "tensorflow"
    if backend != "tensorflow" and "keras" not in sys.modules:
        raise UserError(_wrong_backend(backend))
    import keras

    if keras.config.backend() != "tensorflow":
        raise UserError(_wrong_backend(keras.config.backend()))
    for name, value, needed in (
        ("image_data_format", keras.config.image_data_format(), "channels_last"),
        ("floatx", keras.config.floatx(), "float32"),
    ):
        if value != needed:
            raise UserError(
                f"Keras has {name} {value!r}, from keras.json or from your code, and the zoo needs "
                f"{needed!r}: call keras.config.set_{name}({needed!r}) first."
            )


def _wrong_backend(backend: str) -> str:
    return (
        f"The backend of Keras is {backend!r}, from KERAS_BACKEND or keras.json, and the zoo needs "
        "TensorFlow: set KERAS_BACKEND=tensorflow before Python starts."
    )


def use_temporary_home() -> None:
    """Sets a temporary folder for caches, if the home folder is unknown or cannot be written.

    Caches and prepared data sets are then lost at the end of the process. Folders that the user has
    chosen with `XDG_CACHE_HOME` or `TFDS_DATA_DIR` are used as they are.
    """
    home = os.path.expanduser("~")
    if home != "~" and _is_writable(home):
        return
    if {"XDG_CACHE_HOME", "TFDS_DATA_DIR"} <= os.environ.keys() and home != "~":
        return
    folder = tempfile.mkdtemp(prefix="lipschitz-gan-zoo-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    if home == "~":
        os.environ["HOME"] = folder
    os.environ.setdefault("XDG_CACHE_HOME", f"{folder}/cache")
    if not os.path.isdir(os.path.join(home, "tensorflow_datasets")):
        os.environ.setdefault("TFDS_DATA_DIR", f"{folder}/tensorflow_datasets")
    print(
        f"warning: the home folder {home} cannot be written, so caches and prepared data sets are "
        "temporary. Set XDG_CACHE_HOME and TFDS_DATA_DIR to keep them.",
        file=sys.stderr,
    )


def _is_writable(folder: str) -> bool:
    """Returns True if files can be created in a folder, or the folder can be created."""
    path = pathlib.Path(folder)
    existing = next((one for one in (path, *path.parents) if os.path.lexists(one)), path)
    return existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)
