"""The folder of XLA's persistent cache: one per kind of device, set only if it can be used."""

import os

import pytest
import tensorflow as tf

from training.compilation import keep_compiled

OPTION = "--tf_xla_persistent_cache_directory="


@pytest.fixture
def folder_of(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def folder(*gpus: dict[str, object]) -> str:
        monkeypatch.setenv("TF_XLA_FLAGS", "")
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: list(gpus))
        monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda gpu: gpu)
        keep_compiled()
        _, found, place = os.environ["TF_XLA_FLAGS"].partition(OPTION)
        assert found and os.path.isdir(place.split()[0])
        return place.split()[0]

    return folder


def test_each_kind_of_device_has_its_folder(folder_of):
    large = {"device_name": "Large", "compute_capability": (9, 0)}
    small = {"device_name": "Small", "compute_capability": (8, 6)}
    folders = [folder_of(), folder_of(large), folder_of(small), folder_of(large, large)]
    assert len(set(folders)) == 4
    assert folder_of(large) == folders[1]


def test_a_folder_of_the_user_is_left_alone(monkeypatch):
    monkeypatch.setenv("TF_XLA_FLAGS", f"{OPTION}/somewhere")
    keep_compiled()
    assert os.environ["TF_XLA_FLAGS"].count(OPTION) == 1
    assert "/somewhere" in os.environ["TF_XLA_FLAGS"]
