"""Comparison with golden values of torch-fidelity, which `metrics_peer.py` writes."""

import json
import pathlib

import numpy as np
import pytest

from tests.support import metrics_peer
from training.metrics import fid, inception_score, kid, precision_recall
from training.metrics.inception import Inception, resize_like_tensorflow_1
from training.metrics.inception_weights import assign, load_inception
from training.metrics.statistics import ClassScores, Moments

DATA = pathlib.Path(__file__).parent / "data"


def moments(features: np.ndarray, *, batch: int) -> Moments:
    gathered = Moments()
    for start in range(0, len(features), batch):
        gathered.update(features[start : start + batch], np.empty((0, 0)), first_row=start)
    return gathered


def ours(name: str) -> dict[str, float]:
    fake, real, logits = metrics_peer.features(name)
    scores = ClassScores(total=len(logits))
    for start in range(0, len(logits), 7):
        scores.update(fake, logits[start : start + 7], first_row=start)
    size = min(len(fake), len(real), 100)
    distance = kid.kernel_distance(fake, real, subsets=13, subset_size=size)
    precision, recall = precision_recall.precision_recall(fake, real)
    mean, deviation = inception_score.inception_score(scores)
    return {
        "frechet_inception_distance": fid.frechet_distance(
            moments(real, batch=11), moments(fake, batch=64)
        ),
        "kernel_inception_distance_mean": distance[0],
        "kernel_inception_distance_std": distance[1],
        "inception_score_mean": mean,
        "inception_score_std": deviation,
        "precision": precision,
        "recall": recall,
    }


def check_metrics(golden: dict[str, dict[str, float]]) -> None:
    assert golden.keys() == metrics_peer.SIZES.keys()
    for name, expected in golden.items():
        values = ours(name)
        assert 0 < values["precision"] <= 1 and 0 < values["recall"] <= 1
        del expected["f_score"]
        assert values.keys() == expected.keys()
        for key, value in values.items():
            assert value == pytest.approx(expected[key], rel=1e-6, abs=1e-12), (name, key)


def check_inception(network: Inception, golden: dict[str, np.ndarray], *, step: int) -> None:
    images = metrics_peer.images()
    features, logits = (each.numpy() for each in network.from_raw(images))
    with_bias = logits + network.predictions.bias.numpy()
    found = {"2048": features, "logits_unbiased": logits, "logits": with_bias}
    for name, values in found.items():
        expected = golden[f"out_{name}"]
        assert np.abs(expected).max() > 0.1
        np.testing.assert_allclose(values[:, ::step], expected, rtol=1e-4, atol=1e-4, err_msg=name)
    pixels = resize_like_tensorflow_1(images).numpy()
    stride = 23 if step > 1 else 1
    np.testing.assert_allclose(pixels[:, ::stride, ::stride], golden["pixels"], atol=1e-4)


def test_fid_kid_is_and_precision_recall_equal_the_golden_values():
    check_metrics(json.loads((DATA / "peer.json").read_text()))


def test_inception_equals_the_golden_values_of_the_same_random_weights():
    """The weights are those of `metrics_peer.random_tensor`."""
    network = Inception()
    with np.load(DATA / "inception.npz") as golden:
        assign(network, random_state(network), source="random")
        check_inception(network, dict(golden), step=16)


def random_state(network: Inception) -> dict[str, np.ndarray]:
    """Returns the random state dict, with the names and layout of PyTorch."""
    shapes = {"fc.weight": (1008, 2048), "fc.bias": (1008,)}
    for key, convolution in network.convolutions.items():
        height, width, channels, filters = convolution.kernel.shape
        shapes[f"{key}.conv.weight"] = (filters, channels, height, width)
        for name in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"{key}.bn.{name}"] = (filters,)
    return {name: metrics_peer.random_tensor(name, shape) for name, shape in shapes.items()}


@pytest.mark.peer
def test_metrics_equal_those_the_peer_computes_now(tmp_path):
    metrics_peer.run("metrics", tmp_path / "peer.json")
    check_metrics(json.loads((tmp_path / "peer.json").read_text()))


@pytest.mark.peer
@pytest.mark.parametrize("suffix", [".pth", ".old"])
def test_inception_of_the_same_file_equals_the_peers(tmp_path, suffix):
    """Compares features, logits and resized pixels, for both formats of the weights file."""
    weights = tmp_path / f"weights{suffix}"
    metrics_peer.run("inception", tmp_path / "out.npz", weights)
    network, digest = load_inception(weights, sha256_prefix="")
    assert len(digest) == 64
    with np.load(tmp_path / "out.npz") as golden:
        check_inception(network, dict(golden), step=1)
