"""Addresses and errors of object stores: one sentence, before anything is done."""

import importlib
import sys

import pytest

from zoo.storage.address import StoreError, checked, is_remote
from zoo.storage.store import MissingObjectError, Store

REGISTRY = importlib.import_module("fsspec.registry")._registry


def test_addresses():
    assert is_remote("gs://bucket/run") and is_remote("memory://run")
    for local in ("runs/lsgan", "/tmp/a", "file:///a", "kaggle://a/b/c/d", "ram://a", "clsgan"):
        assert not is_remote(local)
    assert checked("s3://bucket/run//") == "s3://bucket/run"
    for wrong in ("s3://", "s3:///run", "s3://bucket/../run", "s3://bucket//run"):
        with pytest.raises(StoreError, match="type s3://BUCKET/FOLDER"):
            checked(wrong)


def test_objects(address):
    store = Store(address)
    store.write("a/b", b"1")
    assert store.read("a/b") == b"1" and store.names() == ["a/b"] == store.names("a")
    assert store.create("a/c", b"2") and not store.create("a/c", b"3")
    assert store.read("a/c") == b"2"
    store.remove("a/b")
    store.remove("a/b")
    assert store.names() == ["a/c"]
    with pytest.raises(MissingObjectError, match="Cannot read .*/a/b: the object or bucket"):
        store.read("a/b")


def test_unknown_schemes_are_refused():
    with pytest.raises(StoreError, match="nonsense:// is not a known scheme.*s3://BUCKET"):
        Store("nonsense://bucket/run")


@pytest.mark.parametrize(
    ("address", "package", "install"),
    [
        ("s3://bucket/run", "s3fs", r"pip install 'lipschitz-gan-zoo\[objects\]'"),
        ("gs://bucket/run", "gcsfs", "pip install gcsfs"),
        ("s3://bucket/run", "fsspec", r"pip install 'lipschitz-gan-zoo\[objects\]'"),
    ],
)
def test_missing_packages_are_named_with_the_command(address, package, install, monkeypatch):
    # fsspec keeps the classes that it has loaded.
    monkeypatch.delitem(REGISTRY, "s3", raising=False)
    for module in (package, f"{package}.core"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(StoreError, match=f"needs a package that is not installed.*{install}"):
        Store(address)


def test_a_missing_bucket_is_named(server):
    with pytest.raises(StoreError, match="Cannot write s3://nowhere/run/a: the object or bucket"):
        Store("s3://nowhere/run").write("a", b"1")
