"""Uploads to the Hugging Face Hub, with a folder in its place."""

import fnmatch
import pathlib
import shutil
import types

import pytest

from tests.support.preset_files import same_predictions
from zoo.presets import handles
from zoo.presets.upload import upload_preset
from zoo.tasks import from_preset

huggingface_hub = pytest.importorskip("huggingface_hub")


class StandIn:
    """The calls of `huggingface_hub.HfApi` that are used, on a folder."""

    store: pathlib.Path
    failure: Exception | None = None

    def create_repo(self, repo_id, *, exist_ok):
        assert exist_ok
        (self.store / repo_id).mkdir(parents=True, exist_ok=True)

    def upload_folder(self, *, repo_id, folder_path, allow_patterns, commit_message):
        if self.failure is not None:
            raise self.failure
        copy_files(pathlib.Path(folder_path), self.store / repo_id, allow_patterns)
        return types.SimpleNamespace(commit_url=f"https://huggingface.co/{repo_id}/commit/1")


def copy_files(source, target, patterns):
    for path in source.rglob("*"):
        name = path.relative_to(source).as_posix()
        if path.is_file() and any(fnmatch.fnmatch(name, pattern) for pattern in patterns):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target / name)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    monkeypatch.setattr(StandIn, "store", tmp_path / "hub", raising=False)
    monkeypatch.setattr(huggingface_hub, "HfApi", StandIn)

    def download(*, repo_id, local_dir, allow_patterns):
        copy_files(tmp_path / "hub" / repo_id, pathlib.Path(local_dir), allow_patterns)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    monkeypatch.setattr(handles, "CACHE", tmp_path / "cache")
    return tmp_path / "hub"


def test_an_uploaded_preset_is_downloaded_again(hub, copy, classifier):
    (copy / "README.md").write_text("the card")
    (copy / "notes.txt").write_text("not a file of a preset")
    assert upload_preset(copy, "hf://org/name").endswith("/org/name/commit/1")
    uploaded = hub / "org" / "name"
    assert (uploaded / "README.md").read_text() == (copy / "README.md").read_text() == "the card"
    assert (uploaded / "generator" / "config.json").exists()
    assert not (uploaded / "notes.txt").exists()
    assert same_predictions(from_preset("hf://org/name"), classifier)


def test_mistakes(hub, copy, tmp_path, monkeypatch):
    for handle in ("org/name", "hf://name", "hf://org/name/generator", "kaggle://a/b"):
        with pytest.raises(ValueError, match="must be hf://ORG/MODEL"):
            upload_preset(copy, handle)
    with pytest.raises(ValueError, match=r"is not a preset: it has no config.json"):
        upload_preset(tmp_path, "hf://org/name")
    monkeypatch.setattr(StandIn, "failure", OSError("401 Unauthorized"))
    with pytest.raises(ValueError, match="Cannot upload .* to hf://org/name: 401 Unauthorized"):
        upload_preset(copy, "hf://org/name")
    assert list((hub / "org" / "name").iterdir()) == []
