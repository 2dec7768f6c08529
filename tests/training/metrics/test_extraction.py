"""Tests of feature extraction: devices, cache and checksums."""

import numpy as np
import pytest
import tensorflow as tf

from tests.support.metric_cases import linear_generator, noise_data
from training.distribute import mirrored
from training.metrics.extraction import extract, gather
from training.metrics.feature_networks import load_feature_network
from training.metrics.sources import GeneratedImages, RealImages

KINDS = ("moments", "features", "class_scores")


@pytest.fixture(scope="module")
def network():
    return load_feature_network("digits", data="noise")


@pytest.fixture(scope="module")
def real():
    return RealImages.of_split(noise_data(count=53), "test")


def rows_of(source, network, **options):
    parts = list(extract(source, network, **options))
    assert [part[0] for part in parts] == list(
        np.cumsum([0, *(len(part[1]) for part in parts[:-1])])
    )
    return [np.concatenate([part[i] for part in parts]) for i in (1, 2)]


@pytest.mark.parametrize("kind", ["real", "generated"])
def test_several_devices_give_what_one_gives(kind, real, network):
    """The number of images is prime, so no batch size divides it."""
    source = real
    if kind == "generated":
        source = GeneratedImages.of(linear_generator(side=8), seed=5, count=53)
    strategy = mirrored(("CPU:0", "CPU:1"))
    spread = load_feature_network("digits", data="noise", strategy=strategy)
    one = rows_of(source, network)
    two = rows_of(source, spread, strategy=strategy, batch_size=20)
    assert one[0].shape == (53, 128) and one[1].shape == (53, 10)
    for left, right in zip(one, two, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-5, atol=1e-6)


def test_generated_images_are_those_of_their_seeds(network):
    generator = linear_generator(side=8, num_classes=3)
    source = GeneratedImages.of(generator, seed=5, count=7)
    images = generator.generate(7, seed=5)
    expected = network(tf.constant(images))[0].numpy()
    found = rows_of(source, network, batch_size=4)[0]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_what_is_cached_is_used_and_never_for_other_images(tmp_path, real, network, monkeypatch):
    first = gather(real, network, KINDS, cache=tmp_path)
    assert len(list(tmp_path.iterdir())) == 3
    from training.metrics import extraction

    def fail(*arguments, **options):
        raise AssertionError("the network was used")

    monkeypatch.setattr(extraction, "extract", fail)
    again = gather(real, network, KINDS, cache=tmp_path)
    for kind in KINDS:
        for name, array in first[kind].arrays().items():
            np.testing.assert_array_equal(again[kind].arrays()[name], array)
    # Moments are computed from cached features.
    next(tmp_path.glob("*.moments.npz")).unlink()
    moments = gather(real, network, ["moments"], cache=tmp_path)["moments"]
    np.testing.assert_allclose(moments.mean, first["moments"].mean, rtol=1e-6, atol=1e-9)
    changed = np.array(real.array)
    changed[0, 0, 0] ^= 1
    with pytest.raises(AssertionError, match="network was used"):
        gather(RealImages(f"x-{changed[0, 0, 0]}", changed), network, KINDS, cache=tmp_path)


def test_names_carry_checksums():
    data = noise_data()
    train, test = (RealImages.of_split(data, name).name for name in ("train", "test"))
    assert train.startswith("noise-train-60-") and train.split("-")[3] != test.split("-")[3]
    generator = linear_generator()
    name = GeneratedImages.of(generator, seed=1, count=9).name
    generator.network.kernel.assign(generator.network.kernel * 1.001)
    assert name != GeneratedImages.of(generator, seed=1, count=9).name
    assert name.endswith("-seed1-9")


def test_a_damaged_cache_file_is_computed_again(tmp_path, real, network, capsys):
    first = gather(real, network, ["moments"], cache=tmp_path)["moments"]
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:100])
    again = gather(real, network, ["moments"], cache=tmp_path)["moments"]
    np.testing.assert_array_equal(first.scatter, again.scatter)
    assert "damaged" in capsys.readouterr().err
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_the_progress_bar_is_shown_on_a_terminal_only(real, network, capsys, monkeypatch):
    list(extract(real, network, batch_size=20))
    assert "features of" not in capsys.readouterr().err
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    list(extract(real, network, batch_size=20))
    printed = capsys.readouterr().err
    assert "features of noise-test-53" in printed and "53/53" in printed and "40/53" in printed
