"""The optimizers of a recipe: choices, weight decay, schedules, resuming, and replicas."""

import keras
import numpy as np
import pytest

from tests.support.cases import build, tiny_data, tiny_recipe, train, weights
from tests.support.devices import replicas
from tests.support.tiny_runs import make
from training.build import build_control
from training.checkpoint import Checkpoints
from training.options.optimizers import OptimizerOptions
from training.scheduled_adam import ScheduledAdam
from training.schedules import HalfCosine, WarmUp
from zoo.errors import UserError

SGD = {
    "optimizer": "sgd",
    "beta_1": 0.0,
    "learning_rate_decay": "cosine",
    "warm_up": 0.25,
    "critic_weight_decay": 0.01,
    "generator_learning_rate": 0.05,
    "critic_learning_rate": 0.05,
}

KEYS = {"generator": "optimizer", "critic": "critic_optimizer"}


def rates(optimizer, updates):
    found = []
    for update in updates:
        optimizer.iterations.assign(update)
        found.append(float(optimizer.learning_rate))
    return found


def class_names(model):
    return [type(one).__name__ for one in (model.generator_optimizer, model.critic_optimizer)]


def test_both_networks_have_sgd_with_nesterov_momentum():
    recipe = tiny_recipe("lsgan", momentum=0.8, **SGD)
    recipe.check()
    model = build(recipe)
    for optimizer in (model.generator_optimizer, model.critic_optimizer):
        assert isinstance(optimizer, keras.optimizers.SGD)
        assert (optimizer.momentum, optimizer.nesterov) == (0.8, True)


def test_the_critic_has_its_own_optimizer():
    recipe = tiny_recipe("clsgan", critic_optimizer="sgd", momentum=0.0)
    recipe.check()
    model = build(recipe)
    assert class_names(model) == ["Adam", "SGD"]
    assert not model.critic_optimizer.nesterov
    assert type(build_control(recipe, model).optimizer).__name__ == "SGD"
    other = tiny_recipe("clsgan", optimizer="sgd", critic_optimizer="rmsprop", beta_1=0.0)
    other.check()
    assert class_names(build(other)) == ["SGD", "RMSprop"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"momentum": 0.5}, "`momentum` 0.5 has no effect with `optimizer` adam"),
        ({"optimizer": "sgd"}, "`beta_1` 0.5 has no effect with `optimizer` sgd: give `beta_1` 0"),
        ({"optimizer": "sgd", "beta_1": 0.0, "beta_2": 0.9}, "`beta_2` 0.9 has no effect"),
        ({"optimizer": "sgd", "beta_1": 0.0, "epsilon": 1.0}, "`epsilon` 1.0 has no effect"),
        (
            {"optimizer": "rmsprop", "critic_optimizer": "sgd"},
            "`beta_1` 0.5 has no effect with `optimizer` rmsprop and sgd",
        ),
        ({"warm_up": 1.0}, "`warm_up` must be a number, at least 0 and below 1"),
        ({"critic_weight_decay": -1.0}, "`critic_weight_decay` must be a number, at least 0"),
        ({"learning_rate_decay": "cosine", "decay_every": 5}, "need each other"),
        ({"critic_optimizer": "lion"}, "`critic_optimizer` must be"),
        ({"learning_rate_decay": "burn_in"}, "burn_in needs `decay_factor` alone"),
        (
            {"optimizer": "rmsprop", "beta_1": 0.0, "final_beta_2": 0.9},
            "`final_beta_2` 0.9 has no effect",
        ),
    ],
)
def test_contradictions_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        OptimizerOptions(**options).check()


def test_an_option_that_one_of_the_two_optimizers_uses_is_allowed():
    OptimizerOptions(critic_optimizer="sgd", momentum=0.5, beta_2=0.9, epsilon=1e-4).check()
    OptimizerOptions(optimizer="sgd", critic_optimizer="adam", momentum=0.5).check()


@pytest.mark.parametrize("name", ["adam", "rmsprop", "sgd"])
def test_weight_decay_shrinks_the_kernels_of_the_critic_alone(name):
    """At gradient 0 an update multiplies a kernel by 1 - rate * decay."""
    recipe = tiny_recipe(
        "clsgan",
        critic_normalization="batch",
        optimizer=name,
        beta_1=0.0,
        critic_weight_decay=0.5,
        critic_learning_rate=0.1,
    )
    model = build(recipe)
    names = set()
    for network, optimizer in (
        (model.critic, model.critic_optimizer),
        (model.generator, model.generator_optimizer),
    ):
        variables = network.trainable_variables
        for variable in variables:
            variable.assign(keras.ops.ones_like(variable))
        optimizer.apply([keras.ops.zeros_like(v) for v in variables], variables)
        for variable in variables:
            names.add(variable.name)
            decays = network is model.critic and variable.name == "kernel"
            np.testing.assert_allclose(np.array(variable), 0.95 if decays else 1.0, rtol=1e-6)
    assert names >= {"kernel", "bias", "gamma", "beta"}


def test_the_control_has_the_weight_decay_of_the_critic():
    recipe = tiny_recipe("clsgan", critic_weight_decay=0.5)
    model = build(recipe)
    assert build_control(recipe, model).optimizer.weight_decay == 0.5
    assert model.generator_optimizer.weight_decay is None


def test_cosine_decay_reaches_zero_with_the_run():
    recipe = tiny_recipe("lgan", learning_rate_decay="cosine", critic_steps=2)
    model = build(recipe)
    for optimizer, updates in ((model.generator_optimizer, 8), (model.critic_optimizer, 16)):
        expected = [1e-4 * (1 + np.cos(np.pi * share)) for share in (0.0, 0.25, 0.5, 1.0)]
        found = rates(optimizer, [0, updates // 4, updates // 2, updates])
        assert found == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("decay", ["none", "linear", "cosine", "stairs"])
def test_warm_up_rises_over_a_share_of_the_run_and_leaves_the_decay(decay):
    stairs = {"decay_factor": 0.5, "decay_every": 5} if decay == "stairs" else {}
    plain, warm = (
        build(tiny_recipe("lgan", learning_rate_decay=decay, warm_up=share, **stairs))
        for share in (0.0, 0.25)
    )
    # In eight generator steps, with two critic updates each, the rise takes two.
    for name, updates in (("generator", [0, 1, 2, 5, 8]), ("critic", [0, 2, 4, 10, 16])):
        before, after = (rates(one.optimizers[KEYS[name]], updates) for one in (plain, warm))
        assert after == pytest.approx(np.multiply(before, [0, 0.5, 1, 1, 1]))


@pytest.mark.parametrize("inner", [0.5, keras.optimizers.schedules.CosineDecay(0.5, 8)])
def test_a_warm_up_is_serialisable(inner):
    optimizer = keras.optimizers.SGD(WarmUp(inner, 4))
    twin = keras.optimizers.SGD.from_config(optimizer.get_config())
    assert rates(twin, range(9)) == rates(optimizer, range(9))


@pytest.mark.parametrize("count", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_run_with_every_setting_resumes_bit_equal(count, tmp_path):
    recipe, data = tiny_recipe("clsgan", **SGD), tiny_data()
    whole = make(recipe, replicas(count))
    train(whole, recipe, data, steps=4)
    Checkpoints(tmp_path, whole).save()
    train(whole, recipe, data, steps=4, first_step=4)
    rest = make(recipe, replicas(count))
    assert Checkpoints(tmp_path, rest).restore() == 4
    train(rest, recipe, data, steps=4, first_step=4)
    for left, right in zip(weights(whole), weights(rest), strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("model", ["lsgan", "clsgan"])
def test_two_replicas_train_as_one_with_every_setting(model):
    recipe, data = tiny_recipe(model, **SGD), tiny_data()
    results = []
    for count in (1, 2):
        trained = make(recipe, replicas(count))
        train(trained, recipe, data, steps=8)
        results.append(weights(trained))
    for left, right in zip(*results, strict=True):
        assert np.abs(left - right).max() <= 1e-4 * max(np.abs(left).max(), 1e-2)


@pytest.mark.parametrize("count", [1, 2])
def test_float16_skips_the_weight_decay_of_a_step_that_overflows(count):
    recipe = tiny_recipe("lsgan", precision="mixed_float16", **SGD | {"warm_up": 0.0})
    model = make(recipe, replicas(count))
    model.critic_optimizer.dynamic_scale.assign(1e30)
    before = [np.array(v) for v in model.critic.trainable_variables]
    train(model, recipe, tiny_data(), steps=1)
    for old, variable in zip(before, model.critic.trainable_variables, strict=True):
        np.testing.assert_array_equal(old, np.array(variable))
    model.critic_optimizer.dynamic_scale.assign(64.0)
    train(model, recipe, tiny_data(), steps=1, first_step=1)
    changed = [
        not np.array_equal(old, np.array(variable))
        for old, variable in zip(before, model.critic.trainable_variables, strict=True)
    ]
    assert any(changed) and all(np.isfinite(value).all() for value in weights(model))


BURN_IN = {
    "learning_rate_decay": "burn_in",
    "decay_factor": 0.25,
    "final_beta_2": 0.99,
    "beta_2": 0.9,
    "burn_in": 0.5,
}
EVERY_SCHEDULE = BURN_IN | {
    "network": "mlp",
    "depth": 1,
    "penalty_every": 2,
    "final_penalty_weight": 0.1,
    "ema_half_life": 3.0,
}


def test_rates_and_beta_2_move_over_the_burn_in_of_each_optimizer():
    """Eight generator steps with two critic updates each: the burn-in takes 4 and 8 updates."""
    model = build(tiny_recipe("lgan", critic_steps=2, **BURN_IN))
    for optimizer, updates in ((model.generator_optimizer, 4), (model.critic_optimizer, 8)):
        found = rates(optimizer, [0, updates // 2, updates, 2 * updates])
        assert found == pytest.approx([2e-4, 1.25e-4, 5e-5, 5e-5])
        schedule = optimizer.beta_2_schedule
        moved = [float(schedule(update)) for update in (0, updates // 2, updates)]
        assert moved == pytest.approx([0.9, 0.945, 0.99])


def test_adam_with_a_constant_schedule_is_adam():
    settings = {"beta_1": 0.5, "epsilon": 1e-3}
    plain = keras.optimizers.Adam(0.1, beta_2=0.8, **settings)
    scheduled = ScheduledAdam(0.1, beta_2_schedule=HalfCosine(0.8, 0.8, 3), **settings)
    results = []
    for optimizer in (plain, ScheduledAdam.from_config(scheduled.get_config())):
        variable = keras.Variable([1.0, -2.0])
        optimizer.build([variable])
        for gradient in ([0.3, -1.0], [0.1, 2.0], [-0.4, 0.0]):
            optimizer.apply([keras.ops.convert_to_tensor(gradient)], [variable])
        results.append(np.array(variable))
    np.testing.assert_allclose(results[0], results[1], rtol=1e-6)


def test_adam_corrects_by_the_current_beta_2():
    """beta 2 is 0.8, then 0.4: v = 0.2 and 0.68; corrections 0.2 and 1 - 0.4²; beta 1 is 0."""
    optimizer = ScheduledAdam(
        1.0, beta_1=0.0, beta_2_schedule=HalfCosine(0.8, 0.4, 1), epsilon=1e-8
    )
    variable = keras.Variable([0.0])
    optimizer.build([variable])
    for _ in range(2):
        optimizer.apply([keras.ops.ones((1,))], [variable])
    expected = -1.0 - np.sqrt((1 - 0.4**2) / 0.68)
    np.testing.assert_allclose(np.array(variable), [expected], rtol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (BURN_IN | {"burn_in": None}, "burn_in is reached at the end of the burn-in"),
        ({"burn_in": 0.5}, "--burn-in 0.5 has no effect"),
        ({"final_beta_2": 0.9}, "give --burn-in too"),
    ],
)
def test_a_burn_in_and_its_options_need_each_other(options, message):
    with pytest.raises(UserError, match=message):
        tiny_recipe("lsgan", **options).check()


@pytest.mark.parametrize("count", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_every_schedule_of_the_burn_in_resumes_bit_equal(count, tmp_path):
    recipe, data = tiny_recipe("r3gan", **EVERY_SCHEDULE), tiny_data()
    recipe.check()
    whole = make(recipe, replicas(count))
    train(whole, recipe, data, steps=3)
    Checkpoints(tmp_path, whole).save()
    train(whole, recipe, data, steps=3, first_step=3)
    rest = make(recipe, replicas(count))
    assert Checkpoints(tmp_path, rest).restore() == 3
    train(rest, recipe, data, steps=3, first_step=3)
    for left, right in zip(weights(whole), weights(rest), strict=True):
        np.testing.assert_array_equal(left, right)


def test_two_replicas_train_as_one_through_a_burn_in():
    recipe, data = tiny_recipe("r3gan", epsilon=1e-3, **EVERY_SCHEDULE), tiny_data()
    results = []
    for count in (1, 2):
        trained = make(recipe, replicas(count))
        train(trained, recipe, data, steps=6)
        results.append(weights(trained))
    for left, right in zip(*results, strict=True):
        assert np.abs(left - right).max() <= 1e-4 * max(np.abs(left).max(), 1e-2)
