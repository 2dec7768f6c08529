"""Presets on object stores: saved whole or not at all, loaded with their parts."""

import uuid

import numpy as np
import pytest

from tests.support.object_store import Faults, s3_server
from tests.support.preset_files import same_predictions
from tests.support.small_tasks import make_classifier
from zoo.presets import handles, load_network, save_bundle
from zoo.presets.trainer import load_trainer
from zoo.storage.address import StoreError
from zoo.storage.lock import StoreLock
from zoo.storage.store import Store
from zoo.tasks import ImageClassifier, ImageGenerator, from_preset


@pytest.fixture(scope="module")
def server():
    with s3_server():
        yield


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(handles, "CACHE", tmp_path / "cache")
    return tmp_path / "cache"


@pytest.fixture
def address():
    return f"memory://bucket/{uuid.uuid4().hex}/pets"


def test_a_bundle_with_its_parts(server, classifier, generator, critic, cache):
    address = f"s3://bucket/{uuid.uuid4().hex}"
    parts = {"generator": generator, "critic": critic}
    assert save_bundle(f"{address}/", root=classifier, parts=parts) == f"{address}/"
    assert same_predictions(ImageClassifier.from_preset(address), classifier)
    assert same_predictions(from_preset(address), classifier)
    images = ImageGenerator.from_preset(address).generate(2, seed=0)
    np.testing.assert_array_equal(images, generator.generate(2, seed=0))
    assert isinstance(from_preset(f"{address}/generator"), ImageGenerator)
    assert load_network(f"{address}/critic").count_params() == critic.count_params()
    other = make_classifier(pooling="max")
    other.save_to_preset(address)
    assert same_predictions(from_preset(address), other)
    with pytest.raises(ValueError, match="No complete run or preset exists at .*critic"):
        load_network(f"{address}/critic")


@pytest.mark.parametrize("writes", range(5))
def test_it_is_whole_or_absent_after_a_fault(writes, address, classifier, monkeypatch):
    faults = Faults(monkeypatch)
    faults.fail_after(writes)
    with pytest.raises(ValueError, match="the network is down"):
        classifier.save_to_preset(address)
    with pytest.raises(ValueError, match="No complete run or preset"):
        from_preset(address)
    faults.fail_after(None)
    classifier.save_to_preset(address)
    faults.fail_after(writes % 3)
    with pytest.raises(ValueError, match="the network is down"):
        make_classifier(pooling="max").save_to_preset(address)
    assert same_predictions(from_preset(address), classifier)


def test_other_content_is_not_replaced(address, classifier):
    Store(address).write("photos/cat.png", b"1")
    with pytest.raises(StoreError, match="something else.*photos/cat.png"):
        classifier.save_to_preset(address)
    assert Store(address).names() == ["photos/cat.png"]


def test_a_preset_that_is_being_written_is_refused(address, classifier):
    with StoreLock(Store(address)), pytest.raises(Exception, match="is being written by process"):
        classifier.save_to_preset(address)


def test_a_prefix_without_manifest_is_no_preset(address, saved):
    for name in ("config.json", "metadata.json"):
        Store(address).write(name, (saved / name).read_bytes())
    for load in (from_preset, load_trainer):
        with pytest.raises(StoreError, match="zoo-manifest.json, which is written last"):
            load(address)


def test_a_cache_that_cannot_be_written_is_named(address, classifier, tmp_path, monkeypatch):
    classifier.save_to_preset(address)
    (tmp_path / "file").touch()
    monkeypatch.setattr(handles, "CACHE", tmp_path / "file" / "cache")
    with pytest.raises(ValueError, match="cannot be written.*Set HOME"):
        from_preset(address)
