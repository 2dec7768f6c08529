"""The folder of XLA's persistent cache: one per kind of device, set only if it can be used."""

import os

import pytest
import tensorflow as tf

from training import compilation
from training.compilation import keep_compiled
from training.processor import graphics_cards

OPTION = "--tf_xla_persistent_cache_directory="


@pytest.fixture
def folder_of(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def folder(*cards: str) -> str:
        monkeypatch.setenv("TF_XLA_FLAGS", "")
        monkeypatch.setattr(compilation, "graphics_cards", lambda: list(cards))
        keep_compiled()
        _, found, place = os.environ["TF_XLA_FLAGS"].partition(OPTION)
        assert found and os.path.isdir(place.split()[0])
        return place.split()[0]

    return folder


def test_each_kind_of_device_has_its_folder(folder_of):
    large, small = "0x10de:0x2330", "0x10de:0x1eb8"
    folders = [folder_of(), folder_of(large), folder_of(small), folder_of(large, large)]
    assert len(set(folders)) == 4
    assert folder_of(large) == folders[1]


def test_the_cards_are_those_of_linux(tmp_path):
    for name, kind, device in (("0", "0x030200", "0x2330"), ("1", "0x020000", "0x1af4")):
        (tmp_path / name).mkdir()
        for file, text in {"class": kind, "vendor": "0x10de", "device": device}.items():
            (tmp_path / name / file).write_text(f"{text}\n")
    assert graphics_cards(tmp_path) == ["0x10de:0x2330"]
    assert graphics_cards(tmp_path / "missing") == []


def test_the_folder_is_chosen_before_tensorflow_lists_its_devices(monkeypatch):
    """TensorFlow reads the variable once, when it lists its devices: a later value is lost."""
    monkeypatch.setenv("TF_XLA_FLAGS", "")
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda *_: pytest.fail("listed"))
    keep_compiled()


def test_a_folder_of_the_user_is_left_alone(monkeypatch):
    monkeypatch.setenv("TF_XLA_FLAGS", f"{OPTION}/somewhere")
    keep_compiled()
    assert os.environ["TF_XLA_FLAGS"].count(OPTION) == 1
    assert "/somewhere" in os.environ["TF_XLA_FLAGS"]
