"""Train k, save, restore into a new model, train k: bit-equal to 2k; damage is found."""

import keras
import numpy as np
import pytest

from tests.cases import CLASSES, REGISTERED, SHAPE, build, tiny_data, tiny_recipe, train, weights
from tests.devices import replicas
from training.checkpoint import KEEP, Checkpoints, _state
from training.errors import UserError


def state(model):
    return {k: np.array(keras.ops.convert_to_numpy(v)) for k, v in _state(model).items()}


def assert_bit_equal(left, right):
    assert left.keys() == right.keys()
    for key, value in left.items():
        np.testing.assert_array_equal(value, right[key], err_msg=key)


@pytest.mark.parametrize("name", REGISTERED)
def test_a_resumed_run_is_bit_equal_to_one_that_went_through(name, tmp_path):
    """Adam's moments, averages, noise, dropout and the place in the data, all as if never left."""
    recipe, data = tiny_recipe(name, shift=1), tiny_data()
    through = build(recipe)
    train(through, recipe, data, steps=4)
    Checkpoints(tmp_path, through).save()
    train(through, recipe, data, steps=4, first_step=4)

    resumed = build(tiny_recipe(name, shift=1))
    first = Checkpoints(tmp_path, resumed).restore()
    assert first == 4
    train(resumed, recipe, data, steps=4, first_step=first)
    assert_bit_equal(state(through), state(resumed))


def test_the_control_resumes_too(tmp_path):
    recipe, data = tiny_recipe("clsgan"), tiny_data()
    control = recipe.build_control(image_shape=SHAPE, class_names=CLASSES)
    train(control, recipe, data, steps=2)
    Checkpoints(tmp_path, control).save()
    twin = recipe.build_control(image_shape=SHAPE, class_names=CLASSES)
    assert Checkpoints(tmp_path, twin).restore() == 2
    assert_bit_equal(state(control), state(twin))


def test_a_checkpoint_of_two_replicas_goes_on_with_one(tmp_path):
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
    """A model with checkpoints of steps 0, 1 and 2, whose weights are those numbers."""
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
def test_a_damaged_newest_checkpoint_is_named_and_the_one_before_used(saved, damage, capsys):
    newest = saved.files()[0]
    damage(newest)
    assert saved.restore() == 1
    assert float(np.max(saved.model.generator.variables[0])) == 1.0
    assert newest.name in capsys.readouterr().err
    assert newest.with_suffix(".damaged").exists()
    assert newest not in saved.files()


def test_all_damaged_starts_anew(saved):
    for path in saved.files():
        truncate(path)
    assert saved.restore() == 0


def test_only_the_last_three_are_kept(saved):
    for step in range(3, 7):
        saved.model.step.assign(step)
        saved.save()
    assert [int(path.name.split("-")[1]) for path in saved.files()] == [6, 5, 4]
    assert KEEP == 3


def test_a_full_disk_keeps_the_last_good_checkpoint_and_leaves_no_part(saved, monkeypatch):
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
