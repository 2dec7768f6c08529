"""Tests of the folder of caches and of `python -m training.cache`."""

import os
import pathlib
import time

import pytest

from training.cache import cache_folder, cache_root, main, make_room, size_text


@pytest.fixture
def root(tmp_path, monkeypatch) -> pathlib.Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    root = tmp_path / "lipschitz-gan-zoo"
    for name, size in (("arrays/digits-1", 2_000), ("arrays/digits-2", 500), ("xla/cpu", 10)):
        (root / name).mkdir(parents=True)
        (root / name / "file").write_bytes(b"x" * size)
    return root


def test_the_place(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder("jit") == tmp_path / "lipschitz-gan-zoo" / "jit"
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for ignored in ("", "relative/folder"):
        monkeypatch.setenv("XDG_CACHE_HOME", ignored)
        assert cache_root() == tmp_path / "home" / ".cache" / "lipschitz-gan-zoo"


def test_a_user_without_home_has_a_cache(monkeypatch):
    def no_home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(pathlib.Path, "home", no_home)
    assert cache_root().name == f"lipschitz-gan-zoo-{os.getuid()}"


def test_list(root, capsys):
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == str(root)
    assert lines[1].split() == ["arrays", "2.5", "kB"]
    assert "digits-1" in lines[2] and "2.0 kB" in lines[2] and "last used" in lines[2]
    assert lines[4].split() == ["xla", "10", "bytes"]
    assert "total" in lines[5] and "100 GiB (LIPSCHITZ_GAN_ZOO_CACHE_GIB)" in lines[5]
    assert main(["list", "xla"]) == 0
    assert "arrays" not in capsys.readouterr().out


def test_clear(root, tmp_path, capsys):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("kept")
    (root / "linked").symlink_to(outside)
    assert main(["clear", "xla"]) == 0
    assert not (root / "xla").exists() and (root / "arrays" / "digits-1").exists()
    assert capsys.readouterr().out == f"Removed 10 bytes from {root}.\n"
    (root / "runs" / "digest").mkdir(parents=True)
    assert main(["clear"]) == 0
    assert [entry.name for entry in root.iterdir()] == ["runs"]
    assert main(["clear", "runs"]) == 0
    assert not list(root.iterdir()) and (outside / "file").read_text() == "kept"
    assert main(["list"]) == 0 and main(["clear"]) == 0


@pytest.mark.parametrize("name", ["arrrays", "..", "../other", ""])
def test_unknown_names_exit_with_2(root, name, capsys):
    assert main(["clear", name]) == 2
    assert "it has: arrays, xla" in capsys.readouterr().err
    assert (root / "arrays").exists()


def test_a_cache_that_does_not_exist_is_empty(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "none"))
    assert main(["list"]) == 0 and main(["clear"]) == 0
    assert "Removed 0 bytes" in capsys.readouterr().out


def test_abandoned_entries_are_removed(root):
    for name, age in (("incomplete.a", 2 * 24 * 3600), ("incomplete.b", 3600)):
        (root / "arrays" / name).mkdir()
        os.utime(root / "arrays" / name, (time.time() - age,) * 2)
    assert make_room(root / "arrays", 0) == []
    names = sorted(entry.name for entry in (root / "arrays").iterdir())
    assert names == ["digits-1", "digits-2", "incomplete.b"]


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1_000, "1.0 kB"), (184_320_000, "184.3 MB")],
)
def test_sizes(size, text):
    assert size_text(size) == text
