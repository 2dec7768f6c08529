"""Several steps of one call are the same steps, and everything falls where it did."""

import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.support.cases import tiny_recipe
from tests.support.devices import replicas
from tests.support.tiny_runs import make, run
from tests.support.variants import recipe_of
from training.steps_per_call import with_steps_per_call
from zoo.errors import UserError


def changed(case, **changes):
    return recipe_of(case, steps=20, report_every=10, checkpoint_every=5, **changes)


def ends(folder):
    """Step and content of each checkpoint; a file's name has its digest."""
    return sorted(path.name for path in (folder / "checkpoints").iterdir())


def reports(folder):
    events = EventAccumulator(str(folder / "logs" / "train"))
    events.Reload()
    points = {tag: events.Tensors(tag) for tag in ("critic_loss", "generator_loss", "kimg")}
    return {
        tag: [(event.step, event.tensor_proto.tensor_content or event.tensor_proto.float_val[0])
              for event in values]
        for tag, values in points.items()
    }  # fmt: skip


@pytest.mark.parametrize(
    ("case", "count"),
    [
        ("lsgan", 1),
        pytest.param("lsgan", 2, marks=pytest.mark.slow),
        pytest.param("clsgan", 1, marks=pytest.mark.slow),
    ],
)
def test_five_steps_a_call_are_bit_equal_to_one(case, count, tmp_path):
    for several in (1, 5):
        recipe = changed(case, steps_per_call=several)
        run(recipe, make(recipe, replicas(count)), tmp_path / str(several))
    one, five = tmp_path / "1", tmp_path / "5"
    assert ends(one) == ends(five)
    assert [name.split("-")[1] for name in ends(one)] == ["000000010", "000000015", "000000020"]
    assert reports(one) == reports(five)
    assert [step for step, _ in reports(five)["kimg"]] == [10, 20]
    grids = [sorted((folder / "samples").iterdir()) for folder in (one, five)]
    assert [path.name for path in grids[0]] == [path.name for path in grids[1]]
    for left, right in zip(*grids, strict=True):
        assert left.read_bytes() == right.read_bytes()


def test_a_loop_of_xla_resumes_bit_for_bit(tmp_path):
    small = {"network": "mlp", "depth": 1, "generator_normalization": "none"}
    recipe = changed("lsgan", critic_normalization="none", steps_per_call=5, jit="on", **small)
    for name, lengths in (("whole", [20]), ("halves", [10, 20])):
        for steps in lengths:
            part = recipe.with_options(steps=steps)
            model = make(part)
            run(part, model, tmp_path / name)
        assert model.stacks_batches
    assert ends(tmp_path / "whole") == ends(tmp_path / "halves")


def test_it_is_told_to_the_model_and_counted(tmp_path):
    """Twenty steps of five are four calls."""
    recipe = changed("lsgan", steps_per_call=5)
    model = make(recipe)
    calls = []
    model.make_train_function()
    function = model.train_function
    model.train_function = lambda iterator: calls.append(1) or function(iterator)
    run(recipe, model, tmp_path)
    assert (len(calls), int(np.array(model.step))) == (4, 20)


def test_a_run_that_stands_between_calls_is_refused(tmp_path):
    recipe = changed("lsgan")
    run(recipe_of("lsgan", steps=3), make(recipe), tmp_path)
    several = changed("lsgan", steps_per_call=5)
    with pytest.raises(UserError, match="step 3, which is not a multiple of --steps-per-call 5"):
        run(several, make(several), tmp_path)


@pytest.mark.parametrize("field", ["steps", "report_every", "checkpoint_every"])
def test_what_falls_between_calls_is_refused(field):
    with pytest.raises(UserError, match=f"--{field.replace('_', '-')} 12 must be a multiple"):
        recipe_of("lsgan", **{"steps": 20, "report_every": 10, "checkpoint_every": 5, field: 12},
                  steps_per_call=5)  # fmt: skip


def auto(**changes):
    """Returns the number that `auto` chooses for images of 32 x 32 pixels in three colours."""
    recipe = tiny_recipe("lsgan", batch_size=64, steps_per_call="auto", **changes)
    return with_steps_per_call(recipe, image_shape=(32, 32, 3)).devices.steps_per_call


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"steps": 100_000, "report_every": 300, "checkpoint_every": 500}, 100),
        ({"steps": 2_400, "report_every": 300, "checkpoint_every": 600}, 100),
        ({"steps": 19_531, "report_every": 300, "checkpoint_every": 500}, 1),
        ({"steps": 6_000, "report_every": 150, "checkpoint_every": 450}, 75),
        ({"steps": 6_000, "report_every": 1_000, "checkpoint_every": 1_000, "critic_steps": 8}, 40),
    ],
)
def test_auto_divides_all_lengths_on_a_gpu(changes, expected, monkeypatch):
    """Eight critic steps of 64 images are 1.6 MB, and a call reads at most 67 MB."""
    assert auto(**changes) == 1
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: [kind])
    assert auto(**changes) == expected


def test_a_length_in_images_is_rounded_to_whole_calls():
    recipe = recipe_of("lsgan", kimg=0.1, report_every=10, checkpoint_every=5, steps_per_call=5)
    assert recipe.with_steps(training_images=30).run.steps == 10
    assert recipe_of("lsgan", kimg=0.12).with_steps(training_images=30).run.steps == 12
