"""Tests of the cache of decoded TensorFlow Datasets sets."""

import os
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest

from training.cache import LIMIT
from training.data import ImageData, load
from training.data.content_digest import content_digest
from training.data.tfds_images import load_tfds
from zoo.errors import UserError


@pytest.fixture
def arrays(tmp_path, monkeypatch) -> pathlib.Path:
    """The empty cache of decoded images."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user_cache"))
    return tmp_path / "user_cache" / "lipschitz-gan-zoo" / "arrays"


@pytest.fixture
def prepared(tmp_path, digits_dir) -> pathlib.Path:
    """A copy of the prepared digits."""
    shutil.copytree(digits_dir, tmp_path / "sets")
    return tmp_path / "sets"


def equal(left: ImageData, right: ImageData) -> bool:
    pairs = (
        (left.train, right.train),
        (left.validation, right.validation),
        (left.test, right.test),
    )
    return all(
        np.array_equal(a.images, b.images) and np.array_equal(a.labels, b.labels) for a, b in pairs
    )


def files(folder: pathlib.Path) -> list[pathlib.Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_the_folder_of_the_set_is_not_changed(arrays, prepared, digits, capsys):
    before = [(path, path.stat().st_mtime_ns) for path in files(prepared)]
    data = load("digits", data_dir=str(prepared))
    assert equal(data, digits)
    assert [(path, path.stat().st_mtime_ns) for path in files(prepared)] == before
    (entry,) = arrays.iterdir()
    line = f"Writing the decoded images of {prepared}/digits/1.0.0 (115.0 kB) to {entry}."
    assert line in capsys.readouterr().err
    assert equal(load("digits", data_dir=str(prepared)), digits)
    assert not capsys.readouterr().err


def test_there_is_one_copy_per_content(arrays, prepared, digits_dir):
    load("digits", data_dir=str(prepared))
    load("digits", data_dir=str(prepared), image_size=8)
    load("digits", data_dir=str(digits_dir))
    assert len(list(arrays.iterdir())) == 1
    load("digits", data_dir=str(prepared), image_size=4)
    assert len(list(arrays.iterdir())) == 2


def test_earlier_contents_of_a_folder_are_removed(arrays, prepared):
    load("digits", data_dir=str(prepared))
    load("digits", data_dir=str(prepared), image_size=4)
    before = set(arrays.iterdir())
    (prepared / "digits" / "1.0.0" / "note.txt").write_text("another version")
    load("digits", data_dir=str(prepared))
    after = set(arrays.iterdir())
    assert len(after) == 2 and len(after & before) == 1  # The resized images are still there.


def test_the_least_recently_used_entry_makes_room(arrays, prepared, monkeypatch, capsys):
    monkeypatch.setenv(LIMIT, str(220_000 / 2**30))
    load("digits", data_dir=str(prepared))
    load("digits", data_dir=str(prepared), image_size=4)
    old, new = sorted(arrays.iterdir(), key=lambda entry: "resized" in entry.name)
    os.utime(new, (1, 1))
    os.utime(old, (2, 2))
    load("digits", data_dir=str(prepared), image_size=4)  # Now the older one was used last.
    load("digits", data_dir=str(prepared), image_size=7)
    assert not old.exists() and new.exists() and len(list(arrays.iterdir())) == 2
    assert f"Removed {old}, which was not used for longest." in capsys.readouterr().err


def test_sets_beyond_the_limit_are_decoded_in_memory(arrays, prepared, digits, monkeypatch, capsys):
    monkeypatch.setenv(LIMIT, "0.0001")
    assert equal(load("digits", data_dir=str(prepared)), digits)
    assert not arrays.exists() and f"set {LIMIT} to a larger" in capsys.readouterr().err
    with pytest.raises(UserError, match=f"limit of the cache is 107.4 kB, set {LIMIT}"):
        load_tfds("digits", data_dir=str(prepared), memory_limit=10)


@pytest.mark.parametrize("limit", ["many", "-1", "nan", "inf"])
def test_a_wrong_limit(arrays, prepared, monkeypatch, limit):
    monkeypatch.setenv(LIMIT, limit)
    with pytest.raises(UserError, match=f"{LIMIT} must be a number of GiB"):
        load("digits", data_dir=str(prepared))


def test_a_cache_that_cannot_be_written(tmp_path, prepared, digits, monkeypatch, capsys):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file" / "cache"))
    assert equal(load("digits", data_dir=str(prepared)), digits)
    printed = capsys.readouterr().err
    assert "in memory, because" in printed and "Not a directory" in printed
    with pytest.raises(UserError, match="Cannot write 115.0 kB.*Set XDG_CACHE_HOME"):
        load_tfds("digits", data_dir=str(prepared), memory_limit=10)


def test_damaged_entries_are_built_again(arrays, prepared, digits, capsys):
    load("digits", data_dir=str(prepared))
    (entry,) = arrays.iterdir()
    (entry / "test_labels.npy").write_bytes(b"damaged")
    assert equal(load("digits", data_dir=str(prepared)), digits)
    assert "damaged" in capsys.readouterr().err
    (entry / "train_images.npy").unlink()
    assert equal(load("digits", data_dir=str(prepared)), digits)


@pytest.mark.parametrize("home", ["file/home", None])
def test_the_embedded_digits_need_no_home(tmp_path, home):
    """Also without a folder `~` in the current folder."""
    (tmp_path / "file").write_text("")
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("HOME", "TFDS_DATA_DIR", "XDG_CACHE_HOME")
    }
    if home is not None:
        environment["HOME"] = str(tmp_path / home)
    code = "from training.data import load; print(len(load('digits').train))"
    # Keras writes its settings into a folder of its own.
    environment["KERAS_HOME"] = str(tmp_path / "keras")
    if home is None:  # No entry in the list of users either.
        code = f"import os; os.getuid = lambda: 12345\n{code}"
        environment["TMPDIR"] = str(tmp_path)
    root = pathlib.Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment | {"PYTHONPATH": str(root)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "1197\n", done.stderr
    assert not (tmp_path / "~").exists()


def test_prepared_files_that_cannot_be_read(arrays, prepared, monkeypatch):
    def refuse(folder, *, memory):
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr("training.data.tfds_images.content_digest", refuse)
    with pytest.raises(UserError, match="1.0.0 cannot be read: Permission denied. .*--data-dir"):
        load("digits", data_dir=str(prepared))


def test_digest_of_contents(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        for i in range(3):
            (tmp_path / name / str(i)).write_bytes(b"%d" % i)
    memory = tmp_path / "memory"
    first = content_digest(tmp_path / "one", memory=memory)
    assert first == content_digest(tmp_path / "two", memory=memory)
    assert first == content_digest(tmp_path / "one", memory=memory)  # Remembered.
    assert first == content_digest(tmp_path / "one", memory=tmp_path / "one" / "0" / "no_folder")
    (tmp_path / "one" / "2").write_bytes(b"3")
    os.utime(tmp_path / "one" / "2", ns=(0, 5))
    assert content_digest(tmp_path / "one", memory=memory) != first
