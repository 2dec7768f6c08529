"""A preset is written completely or not at all, and replaces nothing but a preset."""

import os

import keras
import numpy as np
import pytest

from tests.support.disks import fill, small_disk
from tests.support.preset_files import same_predictions
from zoo.networks import DCGANCritic
from zoo.presets import save_bundle
from zoo.tasks import ImageClassifier, from_preset


@pytest.mark.parametrize("part", ["../evil", "/evil", "a/b", "", ".", "Generator"])
def test_parts_stay_inside(tmp_path, generator, part):
    with pytest.raises(ValueError, match="sub-folder"):
        save_bundle(tmp_path / "preset", root=generator, parts={part: generator})
    assert not any(tmp_path.iterdir())


def test_a_failed_save_leaves_the_old_preset(copy, monkeypatch, classifier, generator, critic):
    before = {p: p.read_bytes() for p in copy.rglob("*") if p.is_file()}
    siblings = set(os.listdir(copy.parent))

    def fail(network):
        raise OSError("disk full")

    monkeypatch.setattr(DCGANCritic, "as_functional", fail)  # The critic is the last part.
    parts = {"generator": generator, "critic": critic}
    for target in (copy, copy.parent / "new"):
        with pytest.raises(OSError, match="disk full"):
            save_bundle(target, root=classifier, parts=parts)
    assert {p: p.read_bytes() for p in copy.rglob("*") if p.is_file()} == before
    assert set(os.listdir(copy.parent)) == siblings


@pytest.mark.parametrize("leave", [0, 5_000, 100_000])
def test_a_full_disk_is_one_error_and_leaves_the_old_preset(tmp_path, generator, critic, leave):
    with small_disk(tmp_path / "disk") as disk:
        generator.save_to_preset(disk / "preset")
        filler = fill(disk, leave=leave)
        before = {p: p.read_bytes() for p in disk.rglob("*") if p.is_file()}
        for target in (disk / "preset", disk / "new"):
            with pytest.raises(OSError, match="No space left on device") as caught:
                save_bundle(target, root=generator, parts={"critic": critic})
            assert str(disk) in str(caught.value.filename)
        assert {p: p.read_bytes() for p in disk.rglob("*") if p.is_file()} == before
        assert not list(disk.glob(".*"))
        filler.unlink()
        save_bundle(disk / "preset", root=generator, parts={"critic": critic})
        assert from_preset(disk / "preset").generate(1, seed=0).shape[0] == 1


def test_a_failed_exchange_puts_the_old_preset_back(copy, monkeypatch, generator):
    real = os.rename

    def fail(source, target):
        if os.fspath(source).endswith("new"):
            raise OSError("no")
        real(source, target)

    monkeypatch.setattr(os, "rename", fail)
    with pytest.raises(OSError, match="no"):
        save_bundle(copy, root=generator)
    assert isinstance(from_preset(copy), ImageClassifier)


def test_an_earlier_preset_is_replaced_as_a_whole(copy, generator):
    (copy / "README.md").write_text("The old card.")
    generator.save_to_preset(copy)
    names = {"config.json", "metadata.json", "model.weights.h5", "task.json"}
    assert set(os.listdir(copy)) == names
    assert os.listdir(copy.parent) == [copy.name]


def test_other_folders_are_not_replaced(copy, tmp_path, generator):
    for name in ("notes.txt", "config.json"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / name).write_text("{}")
        with pytest.raises(ValueError, match=f"contains other files than a preset's .{name}"):
            generator.save_to_preset(folder)
        assert os.listdir(folder) == [name]
    (copy / "thesis.tex").write_text("...")
    with pytest.raises(ValueError, match=r"thesis\.tex"):
        generator.save_to_preset(copy)
    with pytest.raises(ValueError, match="is a file"):
        generator.save_to_preset(copy / "thesis.tex")


def test_invalid_metadata_and_roots_are_refused(tmp_path, generator):
    with pytest.raises(ValueError, match="may not set files, format"):
        generator.save_to_preset(tmp_path / "p", metadata={"format": 7, "files": {}})
    with pytest.raises(ValueError, match="JSON values.*float32"):
        generator.save_to_preset(tmp_path / "p", metadata={"error": np.float32(0.1)})
    with pytest.raises(ValueError, match="received a Dense"):
        save_bundle(tmp_path / "p", root=keras.layers.Dense(2))
    assert not any(tmp_path.iterdir())


def test_a_check_that_fails_leaves_nothing(classifier, tmp_path):
    def refuse(folder):
        assert same_predictions(from_preset(folder), classifier)
        raise ValueError("not good enough")

    with pytest.raises(ValueError, match="not good enough"):
        save_bundle(tmp_path / "preset", root=classifier, finish=refuse)
    assert not any(tmp_path.iterdir())
