"""Folders on object stores: uploads are whole or absent, downloads are checked."""

import json

import pytest

from zoo.storage.address import StoreError
from zoo.storage.download import fetch
from zoo.storage.manifest import MANIFEST, OBJECTS, Entry, read_manifest
from zoo.storage.store import Store
from zoo.storage.upload import Uploader, replace_file, same_files

OLD = {"config.json": b"old", "part/weights": b"1" * 1000, "log": b"a"}
NEW = {"config.json": b"new", "part/other": b"2" * 1000, "log": b"ab"}


def write(folder, files):
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def content_of(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


def uploaded(address, folder, files):
    write(folder, files)
    uploader = Uploader(Store(address), folder, read_manifest(Store(address)))
    uploader.upload()
    return uploader


def test_a_folder_comes_back_as_it_was(address, tmp_path):
    (tmp_path / ".hidden").write_text("not uploaded")
    uploader = uploaded(address, tmp_path / "a", OLD)
    assert not uploader.upload()  # Nothing has changed.
    copy = fetch(f"{address}/", tmp_path / "cache")
    assert content_of(copy) == OLD and copy.name == address.rpartition("/")[2]
    assert same_files(copy, read_manifest(Store(address)))
    (copy / "log").write_bytes(b"b")
    assert not same_files(copy, read_manifest(Store(address)))
    assert fetch(address, tmp_path / "cache") == copy  # Not downloaded again.
    assert (copy / "log").read_bytes() == b"b"
    uploaded(address, tmp_path / "a", NEW)
    assert content_of(fetch(address, tmp_path / "cache")) == NEW
    assert not list((tmp_path / "cache").rglob(".part-*"))


def test_a_sub_folder_is_downloaded_alone(address, tmp_path):
    uploaded(address, tmp_path / "a", OLD)
    assert content_of(fetch(f"{address}/part", tmp_path / "b")) == {"weights": b"1" * 1000}
    without = content_of(fetch(address, tmp_path / "c", without=["part"]))
    assert without == {name: OLD[name] for name in ("config.json", "log")}
    with pytest.raises(StoreError, match="No complete run or preset"):
        fetch(f"{address}/nothing", tmp_path / "b")


def test_several_seeds(address, tmp_path):
    for seed in (0, 1):
        uploaded(f"{address}/seed-{seed}", tmp_path / "a", {"seed": b"%d" % seed})
    copy = fetch(address, tmp_path / "cache")
    assert content_of(copy) == {"seed-0/seed": b"0", "seed-1/seed": b"1"}


@pytest.mark.parametrize("writes", range(4))
def test_after_a_failed_upload_readers_get_the_old_folder(writes, address, tmp_path, faults):
    uploader = uploaded(address, tmp_path / "a", OLD)
    write(tmp_path / "a", NEW)
    faults.fail_after(writes)
    with pytest.raises(StoreError, match="the network is down"):
        uploader.upload()
    assert content_of(fetch(address, tmp_path / "cache")) == OLD
    faults.fail_after(None)
    assert uploader.upload()
    # Objects that were uploaded before the failure are not uploaded again.
    assert len(faults.writes) == 4 - writes
    assert content_of(fetch(address, tmp_path / "cache")) == NEW


@pytest.mark.parametrize("writes", range(4))
def test_a_first_upload_that_fails_leaves_no_folder(writes, address, tmp_path, faults):
    faults.fail_after(writes)
    with pytest.raises(StoreError):
        uploaded(address, tmp_path / "a", OLD)
    with pytest.raises(StoreError, match=f"it has no {MANIFEST}, which is written last"):
        fetch(address, tmp_path / "cache")


def test_the_manifest_is_written_last_and_old_objects_stay_for_one_upload(
    address, tmp_path, faults
):
    uploader = uploaded(address, tmp_path / "a", OLD)
    assert faults.writes[-1] == MANIFEST and len(faults.writes) == 4
    before = read_manifest(Store(address))
    Store(address).write(f"{OBJECTS}/{'0' * 16}/left", b"of a process that was killed")
    write(tmp_path / "a", NEW)
    uploader.upload()
    after = read_manifest(Store(address))
    assert set(Store(address).names(OBJECTS)) == before.places | after.places
    write(tmp_path / "a", NEW | {"log": b"abc"})
    uploader.upload()
    kept = set(Store(address).names(OBJECTS))
    assert kept == after.places | read_manifest(Store(address)).places
    assert not before.places & kept


def test_a_reader_whose_folder_is_replaced_begins_again(address, tmp_path, monkeypatch):
    uploader = uploaded(address, tmp_path / "a", OLD)
    read, rounds = Store.read, iter((OLD | {"x": b"1"}, NEW))

    def replaced(self, name):
        if name.startswith(OBJECTS) and (files := next(rounds, None)):
            # Twice, so that the objects of the reader's manifest are gone.
            for version in (files | {"y": b"1"}, files):
                write(tmp_path / "a", version)
                uploader.upload()
        return read(self, name)

    monkeypatch.setattr(Store, "read", replaced)
    assert content_of(fetch(address, tmp_path / "cache")) == NEW


@pytest.mark.parametrize("damaged", [b"1" * 999, b"3" * 1000])
def test_damaged_objects_are_refused(damaged, address, tmp_path):
    uploaded(address, tmp_path / "a", OLD)
    store = Store(address)
    store.write(read_manifest(store).files["part/weights"].place("part/weights"), damaged)
    with pytest.raises(StoreError, match="part/weights is damaged: .* 1,000 bytes"):
        fetch(address, tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob("config.json"))


def test_missing_objects_are_named(address, tmp_path):
    uploaded(address, tmp_path / "a", OLD)
    store = Store(address)
    store.remove(read_manifest(store).files["log"].place("log"))
    with pytest.raises(StoreError, match="Cannot read .*/log: the object or bucket does not exist"):
        fetch(address, tmp_path / "cache")


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"files": {"../outside": {"size": 1, "sha256": "0" * 64}}},
        {"files": {"/outside": {"size": 1, "sha256": "0" * 64}}},
        {"files": {"a": {"size": -1, "sha256": "0" * 64}}},
        {"files": {"a": {"size": 1, "sha256": "../../x"}}},
        {"files": []},
    ],
)
def test_damaged_and_hostile_manifests_are_refused(change, tmp_path):
    store = Store("memory://bucket/hostile")
    content = {"format": 1, "files": {}, "earlier": []} | change
    store.write(MANIFEST, json.dumps(content).encode())
    with pytest.raises(StoreError, match="is damaged|has format 2"):
        fetch(store.address, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_one_file_is_replaced(address, tmp_path):
    uploaded(address, tmp_path / "a", OLD)
    store = Store(address)
    replace_file(store, read_manifest(store), "log", b"abc")
    assert content_of(fetch(address, tmp_path / "cache")) == OLD | {"log": b"abc"}
    assert read_manifest(store).files["log"] == Entry.of(b"abc")
