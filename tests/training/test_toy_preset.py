"""A trained toy makes points: the commands that want images say so, and write nothing."""

import pytest

import zoo
from export.__main__ import main as export
from training.sample import main as sample
from zoo.networks import MLPGenerator
from zoo.tasks import ImageGenerator


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("toy") / "preset"
    ImageGenerator(MLPGenerator((2,), latent_dim=3, units=4)).save_to_preset(folder)
    return folder


@pytest.mark.parametrize("command", [sample, export])
def test_points_are_refused_with_code_2(command, toy, tmp_path, capsys):
    out = tmp_path / "out"
    arguments = [str(toy), "--out", f"{out}.png"] if command is sample else [str(toy), str(out)]
    assert command(arguments) == 2
    assert "makes points of shape (2,), not images" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_network_can_still_be_loaded(toy):
    assert zoo.load_network(toy).image_shape == (2,)
