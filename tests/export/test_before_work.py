"""Mistakes that the export finds before any work, and a full disk."""

import os
import resource
import shutil
import subprocess
import sys

import pytest

from export import saved_model
from export.__main__ import main
from export.served_name import check_name, suggested_name
from tests.export.conftest import ROOT
from tests.support.disks import fill, small_disk


@pytest.mark.parametrize(
    ("name", "suggested"),
    [
        ("my run", "my-run"),
        ("été 2026", "ete-2026"),
        ("clsgan (copy)", "clsgan-copy"),
        ("_run", "run"),
        ("-x", "x"),
        ("数字", "model"),
        ("a/b", "a-b"),
    ],
)
def test_a_name_that_cannot_be_served_comes_with_one_that_can(name, suggested):
    with pytest.raises(ValueError, match=f"example {suggested}"):
        check_name(name)
    assert suggested_name(name) == suggested
    check_name(suggested)


@pytest.mark.parametrize("options", [[], ["--format=onnx"], ["--format=litert"]])
def test_a_folder_that_cannot_be_served_is_refused_before_loading(
    run, tmp_path, monkeypatch, capsys, options
):
    def load(*_, **__):
        raise AssertionError("The preset was loaded.")

    monkeypatch.setattr(saved_model, "from_preset", load)
    unnamed = shutil.copytree(run, tmp_path / "été 1")
    assert main([str(unnamed), str(tmp_path / "served"), *options]) == 2
    error = capsys.readouterr().err
    assert "'été 1' cannot be used. Add --name ete-1." in error and error.count("\n") == 1
    assert not (tmp_path / "served").exists()
    (tmp_path / "file").touch()
    if not options:
        assert main([str(run), str(tmp_path / "file"), "--name=m"]) == 2
        assert "is a file" in capsys.readouterr().err


@pytest.mark.parametrize(("limit", "options"), [(20_000, []), (1_000, ["--format=onnx"])])
def test_a_full_disk_is_one_error_and_leaves_nothing(run, tmp_path, limit, options):
    def limit_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    process = subprocess.run(
        [sys.executable, "-m", "export", run, tmp_path / "served", "--name=m", *options],
        cwd=ROOT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=limit_files,
        capture_output=True,
        text=True,
    )
    assert process.returncode == 2, process.stderr
    assert "Traceback" not in process.stderr
    errors = [line for line in process.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and "Nothing was exported" in errors[0], process.stderr
    assert "File too large" in errors[0] and "type the same command again" in errors[0]
    assert not any((tmp_path / "served").iterdir())


@pytest.mark.parametrize("full", ["the target", "TMPDIR"])
def test_a_full_disk_during_a_litert_export_is_one_error_and_leaves_nothing(run, tmp_path, full):
    with small_disk(tmp_path / "disk") as disk:
        served, temporary = tmp_path / "served", disk
        if full == "the target":
            served, temporary = disk / "served", tmp_path
        fill(disk, leave=2 * os.sysconf("SC_PAGE_SIZE"))
        process = subprocess.run(
            [sys.executable, "-m", "export", run, served, "--name=m", "--format=litert"],
            cwd=ROOT,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "TMPDIR": str(temporary)},
            capture_output=True,
            text=True,
        )
        assert process.returncode == 2, process.stderr
        errors = [line for line in process.stderr.splitlines() if line.startswith("error: ")]
        assert len(errors) == 1 and "Traceback" not in process.stderr, process.stderr
        assert "No space left on device" in errors[0] and "TMPDIR" in errors[0]
        assert not served.exists() or not any(served.iterdir())
