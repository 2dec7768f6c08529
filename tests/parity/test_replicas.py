"""Replica parity: one replica, several replicas and two processes give the same run."""

import functools

import keras
import numpy as np
import pytest

from tests.support.cases import (
    REGISTERED,
    SHAPE,
    build,
    slow_but,
    tiny_data,
    tiny_recipe,
    train,
    weights,
)
from tests.support.devices import replicas
from tests.support.hosts import outputs, start_hosts
from tests.support.parity_runs import OPTIMIZERS, STEPS, TOLERANCES, read, take_steps, uneven
from tests.support.variants import PENALISED, VARIANTS, recipe_of
from zoo.networks import DCGANCritic, DCGANGenerator

EVERYWHERE = slow_but((*REGISTERED, *VARIANTS), quick=["lsgan", "wgan_gp"])


@functools.cache
def on_replicas(case, count, optimizer="sgd"):
    recipe = uneven(case) if optimizer == "sgd" else recipe_of(case)
    return take_steps(recipe, replicas(count), optimizer)


def assert_equal_runs(one, many, tolerance):
    """Compares weights with an absolute tolerance, because updates may cancel to a small weight."""
    for left, right in zip(one[0], many[0], strict=True):
        scale = max(np.abs(left).max(), 1e-2)
        assert np.abs(left - right).max() <= tolerance * scale
    assert one[1].keys() == many[1].keys()
    for name, value in one[1].items():
        assert many[1][name] == pytest.approx(value, rel=1e-3, abs=1e-5), name


@pytest.mark.parametrize("case", slow_but(REGISTERED, quick=["lsgan", "wgan_gp"]))
@pytest.mark.covers("2 replicas, Adam")
def test_two_replicas_equal_one_with_adam(case):
    one, two = (on_replicas(case, count, "adam") for count in (1, 2))
    assert_equal_runs(one, two, TOLERANCES["adam"])


@pytest.mark.parametrize("case", ["lsgan", "clsgan"])
@pytest.mark.covers("2 replicas, SGD")
def test_two_replicas_equal_one_with_sgd(case):
    """SGD shows any per-replica mean or per-replica noise immediately."""
    assert_equal_runs(on_replicas(case, 1), on_replicas(case, 2), TOLERANCES["sgd"])


@pytest.mark.parametrize("case", EVERYWHERE)
@pytest.mark.covers("4 replicas, SGD")
def test_uneven_shares_of_several_critic_batches_equal_one_replica(case):
    """Ten images on four replicas are split 3, 3, 2 and 2. Weights include the penalty's state."""
    assert_equal_runs(on_replicas(case, 1), on_replicas(case, 4), TOLERANCES["sgd"])


def train_on_two_hosts(cases, folder):
    """Trains all cases in one pair of processes, one after another."""
    file = folder / "results.npz"
    hosts = start_hosts(["-m", "tests.support.parity_runs", str(file), *cases])
    printed = outputs(hosts)
    assert [host.returncode for host in hosts] == [0, 0], printed
    return file


@pytest.fixture(scope="module")
def two_hosts(tmp_path_factory):
    return train_on_two_hosts(REGISTERED, tmp_path_factory.mktemp("hosts"))


@pytest.mark.slow
@pytest.mark.parametrize("case", REGISTERED)
@pytest.mark.covers("2 processes, SGD")
def test_two_processes_equal_one(case, two_hosts):
    """`tests/training/test_hosts.py` tests the command on two hosts in the normal test run."""
    assert_equal_runs(on_replicas(case, 1), read(two_hosts, case), TOLERANCES["sgd"])


@pytest.fixture(scope="module")
def two_hosts_of_variants(tmp_path_factory):
    return train_on_two_hosts(VARIANTS, tmp_path_factory.mktemp("variants"))


@pytest.mark.slow
@pytest.mark.parametrize("case", VARIANTS)
@pytest.mark.covers("2 processes, variants")
def test_two_processes_equal_one_in_a_variant(case, two_hosts_of_variants):
    assert_equal_runs(on_replicas(case, 1), read(two_hosts_of_variants, case), TOLERANCES["sgd"])


@pytest.mark.slow
@pytest.mark.parametrize("case", PENALISED)
@pytest.mark.covers("every penalty, 4 replicas")
def test_every_penalty_of_every_model_is_as_on_one_replica(case):
    assert_equal_runs(on_replicas(case, 1), on_replicas(case, 4), TOLERANCES["sgd"])


@pytest.mark.slow
def test_the_supervised_control_is_the_same_on_two_replicas():
    recipe = tiny_recipe("clsgan", dropout=0.5)
    results = []
    for count in (1, 2):
        keras.utils.set_random_seed(0)
        strategy = replicas(count)
        with strategy.scope():
            control = build(recipe).make_control()
            control.compile(OPTIMIZERS["sgd"]())
        results.append((control, train(control, recipe, tiny_data(), steps=STEPS)))
    one, two = ((weights(control), logs) for control, logs in results)
    assert_equal_runs(one, two, TOLERANCES["sgd"])


def test_plain_arrays_with_an_uneven_last_batch_equal_one_replica():
    """`fit(images)` without the pipeline: 25 images in batches of 10; the last is split 3 and 2."""
    from zoo.models import LeastSquaresGAN

    images = tiny_data().train.images[:25]
    results = []
    for count in (1, 2):
        keras.utils.set_random_seed(0)
        with replicas(count).scope():
            model = LeastSquaresGAN(
                DCGANGenerator(SHAPE, latent_dim=5, base_filters=8), DCGANCritic(SHAPE, filters=4)
            )
            model.compile(keras.optimizers.SGD(0.05), keras.optimizers.SGD(0.05))
        model.fit(images, batch_size=10, epochs=2, shuffle=False, verbose=0)
        results.append((weights(model), {}))
    assert_equal_runs(*results, 1e-5)
