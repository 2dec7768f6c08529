"""Tests of checkpoints: contents, damage, limits; `test_kill` kills whole runs."""

import keras
import numpy as np
import pytest

from tests.support.cases import (
    REGISTERED,
    build,
    tiny_data,
    tiny_recipe,
    train,
    weights,
)
from tests.support.devices import replicas
from tests.support.tiny_runs import make
from tests.support.variants import LOW_PRECISION, VARIANTS, recipe_of
from training.build import build_control
from training.checkpoint import KEEP, Checkpoints, state_variables
from zoo.errors import UserError


def state(model):
    variables = state_variables(model)
    return {k: np.array(keras.ops.convert_to_numpy(v)) for k, v in variables.items()}


def assert_bit_equal(left, right):
    assert left.keys() == right.keys()
    for key, value in left.items():
        np.testing.assert_array_equal(value, right[key], err_msg=key)


def tracked(part, seen):
    """Collects all variables that are reachable through the attributes of a model or optimizer."""
    if id(part) in seen:
        return
    seen[id(part)] = part
    if isinstance(part, keras.Variable):
        return
    if isinstance(part, (list, tuple, set)):
        children = list(part)
    elif isinstance(part, dict):
        children = list(part.values())
    elif isinstance(part, (keras.layers.Layer, keras.optimizers.Optimizer)):
        children = list(vars(part).values())
    else:
        return
    for child in children:
        tracked(child, seen)


@pytest.mark.parametrize("case", (*REGISTERED, *VARIANTS, *LOW_PRECISION))
def test_no_variable_is_missing_from_a_checkpoint(case):
    """This includes buffers, multipliers, power iterations, averages, moments and loss scales."""
    model = make(recipe_of(case))
    seen = {}
    tracked(model, seen)
    for optimizer in model.optimizers.values():
        tracked(optimizer, seen)
    variables = [one for one in seen.values() if isinstance(one, keras.Variable)]
    saved = {id(variable) for variable in state_variables(model).values()}
    # The sums of a metric are reset at each report, so they are not part of the state.
    logs = {id(variable) for variable in model.logs.variables}
    missing = [one.path for one in variables if id(one) not in saved | logs]
    assert not missing
    assert len(variables) > 15


@pytest.mark.parametrize("count", [1, 2])
def test_the_loss_scales_of_float16_are_saved_and_restored(count, tmp_path):
    """The two optimizers have separate scales; that of the critic overflows and is halved."""
    recipe = recipe_of("lsgan", precision="mixed_float16")
    model = make(recipe, replicas(count))
    model.critic_optimizer.dynamic_scale.assign(1e30)
    train(model, recipe, tiny_data(), steps=1)
    model.generator_optimizer.dynamic_scale.assign(1024.0)
    Checkpoints(tmp_path, model).save()
    twin = make(recipe)
    Checkpoints(tmp_path, twin).restore()
    scales = [
        float(keras.ops.convert_to_numpy(one.dynamic_scale)) for one in twin.optimizers.values()
    ]
    assert scales[0] == 1024.0
    assert 1e29 < scales[1] < 1e30
    assert_bit_equal(state(model), state(twin))


def test_the_control_resumes_too(tmp_path):
    recipe, data = tiny_recipe("clsgan"), tiny_data()
    control = build_control(recipe, build(recipe))
    train(control, recipe, data, steps=2)
    Checkpoints(tmp_path, control).save()
    twin = build_control(recipe, build(recipe))
    assert Checkpoints(tmp_path, twin).restore() == 2
    assert_bit_equal(state(control), state(twin))


def test_a_checkpoint_of_two_replicas_is_resumed_with_one(tmp_path):
    recipe, data = tiny_recipe("lsgan"), tiny_data()
    mirrored = build(recipe, replicas(2))
    train(mirrored, recipe, data, steps=2)
    Checkpoints(tmp_path, mirrored).save()
    single = build(recipe)
    assert Checkpoints(tmp_path, single).restore() == 2
    assert_bit_equal(state(mirrored), state(single))
    train(mirrored, recipe, data, steps=2, first_step=2)
    train(single, recipe, data, steps=2, first_step=2)
    for left, right in zip(weights(mirrored), weights(single), strict=True):
        np.testing.assert_allclose(left, right, atol=1e-4)


@pytest.fixture
def saved(tmp_path):
    """Checkpoints of steps 0, 1 and 2; the weights of each are equal to the step."""
    model = build(tiny_recipe("lsgan"))
    checkpoints = Checkpoints(tmp_path, model)
    for step in range(3):
        model.step.assign(step)
        for variable in model.generator.variables:
            variable.assign(variable * 0 + step)
        checkpoints.save()
    return checkpoints


def truncate(path):
    path.write_bytes(path.read_bytes()[:-100])


def flip_one_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("damage", [truncate, flip_one_bit, lambda path: path.write_bytes(b"")])
def test_a_damaged_newest_checkpoint_is_reported_and_the_previous_used(saved, damage, capsys):
    newest = saved.files()[0]
    damage(newest)
    assert saved.restore() == 1
    assert float(np.max(saved.model.generator.variables[0])) == 1.0
    assert newest.name in capsys.readouterr().err
    assert newest.with_suffix(".damaged").exists()
    assert newest not in saved.files()


def test_without_an_intact_checkpoint_the_step_is_0(saved):
    for path in saved.files():
        truncate(path)
    assert saved.restore() == 0


def test_only_the_last_three_are_kept(saved):
    for step in range(3, 7):
        saved.model.step.assign(step)
        saved.save()
    assert [int(path.name.split("-")[1]) for path in saved.files()] == [6, 5, 4]
    assert KEEP == 3


def test_a_full_disk_leaves_the_earlier_checkpoints_and_no_partial_file(saved, monkeypatch):
    before = saved.files()

    def no_space(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("training.checkpoint.os.fsync", no_space)
    with pytest.raises(UserError, match="No space left"):
        saved.save()
    assert saved.files() == before
    assert not list(saved.directory.glob(".*"))


def test_another_models_checkpoint_is_refused(saved):
    other = build(tiny_recipe("lsgan", generator_filters=16))
    with pytest.raises(UserError, match="another model"):
        Checkpoints(saved.directory, other).restore()
