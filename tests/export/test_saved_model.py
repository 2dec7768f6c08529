"""Versions that `python -m export` publishes, and its errors."""

import os

import numpy as np
import pytest
import tensorflow as tf

from export import saved_model
from export.__main__ import main
from export.verify import (
    VerificationError,
)
from tests.export.conftest import SHAPE
from tests.support.devices import replicas
from tests.support.random_weights import randomize
from zoo.networks import DCGANGenerator
from zoo.tasks import ImageGenerator


def test_a_run_becomes_two_served_models(exported):
    directory, printed = exported
    assert sorted(os.listdir(directory)) == ["digits", "digits_generator"]
    for name in os.listdir(directory):
        assert os.listdir(directory / name) == ["1"]
        assert {"saved_model.pb", "variables"} <= set(os.listdir(directory / name / "1"))
        assert str(directory / name / "1") in printed
    for line in (
        "in  images        uint8    [B, 8, 8, 3]",
        "out probabilities float32  [B, 3]",
        "in  seed          int64    [B]",
        "MB)",
    ):
        assert line in printed


def test_versions_are_numbered_upwards(tmp_path, generator, unchecked):
    (tmp_path / "g" / "7").mkdir(parents=True)
    assert saved_model.save(generator, tmp_path, name="g") == tmp_path / "g" / "8"
    assert saved_model.save(generator, tmp_path, name="g") == tmp_path / "g" / "9"
    assert os.listdir(tmp_path) == ["g"]


def test_a_model_built_under_a_strategy_is_exported(tmp_path, unchecked):
    with replicas(2).scope():
        task = randomize(ImageGenerator(DCGANGenerator(SHAPE, latent_dim=5, base_filters=4)))
    loaded = tf.saved_model.load(str(saved_model.save(task, tmp_path, name="g")))
    assert {"serving_default", "generate", "generate_png"} < set(loaded.signatures)
    images = loaded.signatures["generate"](seed=tf.constant([3, 4], tf.int64))["images"]
    assert np.abs(images.numpy().astype(int) - task.generate(2, seed=3)).max() <= 1


def test_a_failing_check_publishes_nothing(run, tmp_path, monkeypatch, capsys):
    def fail_at_the_second(folder, task):
        if isinstance(task, ImageGenerator):
            raise VerificationError("images differ")

    monkeypatch.setattr(saved_model, "verify", fail_at_the_second)
    (tmp_path / "clsgan-digits" / "3").mkdir(parents=True)
    assert main([str(run), str(tmp_path)]) == 1
    assert "nothing was published: images differ" in capsys.readouterr().err
    assert os.listdir(tmp_path) == ["clsgan-digits"]
    assert os.listdir(tmp_path / "clsgan-digits") == ["3"]


def test_a_crash_while_writing_leaves_no_files(tmp_path, generator, monkeypatch):
    def crash(artefact, folder, signatures):
        os.makedirs(folder)
        raise KeyboardInterrupt

    monkeypatch.setattr(tf.saved_model, "save", crash)
    with pytest.raises(KeyboardInterrupt):
        saved_model.save(generator, tmp_path, name="g")
    assert os.listdir(tmp_path) == []


def test_the_default_name_is_that_of_the_run_or_preset(run, tmp_path, unchecked):
    names = [path.parent.name for path in saved_model.save_preset(run, tmp_path)]
    assert names == ["clsgan-digits", "clsgan-digits_generator"]
    (path,) = saved_model.save_preset(run / "preset" / "generator", tmp_path)
    assert path.parent.name == "generator"


def test_mistakes_exit_with_2(run, tmp_path, capsys):
    unfinished = tmp_path / "unfinished"
    (unfinished / "checkpoints").mkdir(parents=True)
    file = tmp_path / "file"
    file.write_text("")
    (tmp_path / "models" / "m" / "notes").mkdir(parents=True)
    for arguments, message in (
        ([tmp_path, tmp_path / "out"], "has no config.json"),
        ([tmp_path / "nowhere", tmp_path / "out"], "no such folder"),
        ([unfinished, tmp_path / "out"], "is not finished"),
        ([run / "preset" / "critic", tmp_path / "out"], "zoo.load_network"),
        ([run, file], "is a file"),
        ([run, file / "out"], "Not a directory"),
        ([run, tmp_path, "--name", "file"], "is a file"),
        ([run, tmp_path / "out", "--name", "../up"], "part of its URL"),
        ([run, tmp_path / "models", "--name", "m"], "notes"),
    ):
        assert main([str(argument) for argument in arguments]) == 2
        captured = capsys.readouterr()
        assert message in captured.err and captured.out == ""
    assert not (tmp_path / "out").exists()
    with pytest.raises(SystemExit, match="2"):
        main([])
