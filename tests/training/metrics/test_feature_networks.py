"""Tests of feature networks: shipped ones and their checksums, Inception, and safe reading."""

import json
import pathlib
import pickle
import shutil
import zipfile

import numpy as np
import pytest

from training.data import load
from training.metrics import train_features
from training.metrics.error_rate import error_rate
from training.metrics.feature_networks import load_feature_network
from training.metrics.inception import convolutions
from training.metrics.inception_weights import VARIABLE, load_inception
from training.metrics.shipped_features import FOLDER, NETWORKS, shipped
from training.metrics.torch_file import read_state_dict
from zoo.errors import UserError

DATA = pathlib.Path(__file__).parent / "data"


@pytest.mark.parametrize("name", sorted(shipped()))
def test_shipped_networks_load_and_are_small(name):
    each = shipped()[name]
    network = each.load()
    record = each.record
    assert each.path.stat().st_size < 1_000_000
    assert record["data"] == name and 0.7 < record["test_accuracy"] < 1
    images = np.zeros((2, 9, 9, 3), np.uint8)  # A different size and number of channels.
    features, logits = network.from_raw(images)
    assert features.shape == (2, 128) and logits.shape == (2, record["num_classes"])


def test_the_recorded_accuracy_is_that_of_the_stored_weights():
    import keras

    data = load("digits")
    network = shipped()["digits"].load()
    images = keras.Input(data.image_shape)
    classifier = keras.Model(images, network(images)[1])
    accuracy = 1 - error_rate(classifier, data.test)
    assert round(accuracy, 4) == shipped()["digits"].record["test_accuracy"]


def test_changed_weights_are_refused(tmp_path):
    for name in ("digits-cnn.npz", "digits-cnn.json"):
        shutil.copy(FOLDER / name, tmp_path)
    path = tmp_path / "digits-cnn.npz"
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match="SHA-256"):
        shipped(tmp_path)["digits"].load()


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_network_is_trained_by_the_command(kind, tmp_path, capsys):
    arguments = ["--data", "digits", "--epochs", "2", "--out", str(tmp_path), "--network", kind]
    assert train_features.main(arguments) == 0
    record = json.loads((tmp_path / f"digits-{kind}.json").read_text())
    assert record["test_accuracy"] > 0.3 and record["epochs"] == 2
    trained = shipped(tmp_path)["digits"]
    assert trained.name.startswith(f"digits-{kind}-")
    features, logits = trained.load().from_raw(np.zeros((2, 9, 9, 3), np.uint8))
    assert features.shape == (2, 128) and logits.shape == (2, 10)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [f"digits-{kind}.json", f"digits-{kind}.npz"]
    capsys.readouterr()


def test_no_epochs_are_refused(capsys):
    assert train_features.main(["--data", "digits", "--epochs", "0"]) == 2
    assert "--epochs" in capsys.readouterr().err


def test_the_network_of_the_data_is_the_default_and_others_are_named():
    assert load_feature_network(None, data="digits").name.startswith("digits-cnn-")
    for name in ("cifar10", "cifar10-residual"):
        assert load_feature_network(name, data="digits").name.startswith("cifar10-residual-")
    with pytest.raises(UserError, match="no feature network 'cifar10-cnn'"):
        load_feature_network("cifar10-cnn", data="digits")
    with pytest.raises(UserError, match="No feature network was trained on svhn.*digits"):
        load_feature_network(None, data="svhn")
    with pytest.raises(UserError, match="no feature network 'vgg'"):
        load_feature_network("vgg", data="digits")
    with pytest.raises(UserError, match="no effect"):
        load_feature_network("digits", data="digits", inception=pathlib.Path("x.pth"))


def test_a_missing_inception_file_is_reported_with_its_name_and_source(monkeypatch, tmp_path):
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(UserError) as refused:
        load_feature_network("inception", data="cifar10")
    printed = str(refused.value)
    for needed in ("pt_inception-2015-12-05-6726825d.pth", "6726825d...", "pytorch-fid", VARIABLE):
        assert needed in printed
    with pytest.raises(UserError, match="no file .*gone.pth"):
        load_feature_network(None, data="cifar10", inception=tmp_path / "gone.pth")
    other = tmp_path / "other.pth"
    other.write_bytes(b"something else")
    monkeypatch.setenv(VARIABLE, str(other))
    with pytest.raises(UserError, match="expected 6726825d"):
        load_feature_network("inception", data="cifar10")


def test_a_state_dict_of_another_network_is_refused():
    with pytest.raises(UserError, match="Conv2d_1a_3x3.conv.weight must have the shape"):
        load_inception(DATA / "tiny_zip.pth", sha256_prefix="")


def test_the_inception_has_as_many_convolutions_as_the_reference():
    assert len(convolutions()) == 94


@pytest.mark.parametrize("name", ["tiny_zip.pth", "tiny_stream.pth"])
def test_both_formats_of_state_dicts_are_read(name):
    """The files are written by `metrics_peer.py tiny`."""
    state = read_state_dict(DATA / name)
    np.testing.assert_array_equal(state["0.weight"], [[0, 2, 4], [1, 3, 5]])
    assert state["0.bias"].shape == (2,) and state["0.bias"].dtype == np.float32
    np.testing.assert_array_equal(state["1.running_var"], [1, 1])
    assert state["1.num_batches_tracked"].dtype == np.int64


class Harmful:
    def __reduce__(self):
        return pathlib.Path.touch, (pathlib.Path("harm"),)


def test_code_in_a_pickle_is_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plain = tmp_path / "plain.pth"
    plain.write_bytes(pickle.dumps(Harmful()))
    archive = tmp_path / "archive.pth"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("x/data.pkl", pickle.dumps({"a": Harmful()}))
    for path in (plain, archive):
        with pytest.raises(UserError, match="which no state dict needs"):
            read_state_dict(path)
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("name", ["tiny_zip.pth", "tiny_stream.pth"])
def test_damaged_files_are_refused(tmp_path, name):
    content = (DATA / name).read_bytes()
    path = tmp_path / name
    for cut in (0, 10, len(content) // 2, len(content) - 30):
        path.write_bytes(content[:cut])
        with pytest.raises(UserError, match="not a PyTorch state dict"):
            read_state_dict(path)


@pytest.mark.parametrize("name", ["a" * 5000, "a\x00b", "missing.pth", "."])
def test_names_that_cannot_be_files_are_refused(name):
    from training.metrics.inception_weights import find_weights

    with pytest.raises(UserError, match="There is no file .* with the Inception weights") as error:
        find_weights(pathlib.Path(name))
    assert len(str(error.value)) < 1000
