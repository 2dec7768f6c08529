"""Training images on the device: the same images, the same training, and what is refused."""

import dataclasses
import functools
import types

import numpy as np
import pytest
import tensorflow as tf

from tests.support.cases import build, tiny_data, tiny_recipe, train, weights
from tests.support.devices import replicas
from tests.support.tiny_runs import make, run
from tests.support.variants import recipe_of
from training import input_place
from training.data.image_data import Split
from training.distribute import make_strategy
from training.input_place import with_input
from training.options.devices import DeviceOptions
from training.streams import batches, label_map_of, streams_of
from training.waiting import Waiting
from zoo.errors import UserError

WEAK = {"shift": 2, "flip": True}
WARPED = {**WEAK, "rotate": 20.0, "zoom": 0.2}
STRONG = {**WEAK, "strong": 0.5, "cutout": 0.25, "strong_labelled": 0.5, "unlabelled_batches": 3}
SMALL = {
    "network": "mlp",
    "depth": 1,
    "critic_normalization": "none",
    "generator_normalization": "none",
}
DEFAULT = tf.distribute.get_strategy()


def elements(recipe, *, place, steps=3, first_step=0, count=1, data=None, jit=None):
    """Returns the batches of some steps, as the step gets them; one per step and replica."""
    data = data or tiny_data()
    recipe = recipe.with_options(input=place)
    streams = streams_of(recipe, data, label_map_of(recipe, data))
    model = types.SimpleNamespace(
        streams=tuple(streams),
        stream_multiples={name: stream.multiple for name, stream in streams.items()},
        batches_per_step=recipe.step.critic_steps,
        distribute_strategy=replicas(count),
        source=None,
    )
    dataset = batches(recipe, model, streams, first_step=first_step)
    assert (model.source is not None) == (place == "device")
    strategy, iterator = model.distribute_strategy, iter(dataset)
    draw = model.source or (lambda element: element)
    draw = tf.function(draw, jit_compile=jit)

    @tf.function
    def batch(element):
        return strategy.run(draw, args=(element,))

    local = strategy.experimental_local_results
    found = []
    for _ in range(steps):
        per_replica = batch(next(iterator))
        for number in range(count):
            part = tf.nest.map_structure(lambda v, n=number: local(v)[n].numpy(), per_replica)
            found.append(part)
    return found


def assert_equal(some, others):
    assert len(some) == len(others)
    for one, other in zip(some, others, strict=True):
        tf.nest.map_structure(np.testing.assert_array_equal, one, other)


@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("lsgan", {}),
        ("lsgan", {**WARPED, "critic_steps": 2}),
        ("clsgan", {**STRONG, "rotate": 0.0, "zoom": 0.0}),
        ("clsgan", {**WARPED, "confidence": 0.5, "mean_teacher": 1.0}),
    ],
)
@pytest.mark.parametrize("count", [1, 4])
def test_batches_are_bit_equal_to_those_of_the_host(model, options, count):
    """Ten images of a batch are 3, 3, 2 and 2 on four replicas."""
    recipe = tiny_recipe(model, **options)
    host, device = (elements(recipe, place=place, count=count) for place in ("host", "device"))
    assert_equal(host, device)
    assert host[0][next(iter(recipe_streams(model)))]["images"].dtype == np.uint8


def recipe_streams(model):
    return ("labelled", "unlabelled") if model == "clsgan" else ("real",)


def test_any_step_is_the_first():
    recipe = tiny_recipe("clsgan", **STRONG)
    whole = elements(recipe, place="device", steps=4)
    assert_equal(whole[2:], elements(recipe, place="device", steps=2, first_step=2))


def test_xla_changes_a_pixel_by_one_grey_level_at_most():
    """Shifts and flips are exact; XLA rounds warps and colours in another way."""
    exact = tiny_recipe("clsgan", **WEAK, rotate=0.0, zoom=0.0)
    assert_equal(elements(exact, place="host"), elements(exact, place="device", jit=True))
    recipe = tiny_recipe("clsgan", **{**STRONG, **WARPED})
    host = elements(recipe, place="host", steps=8)
    device = elements(recipe, place="device", steps=8, jit=True)
    pairs = [
        (one[name]["images"].astype(int), other[name]["images"].astype(int))
        for one, other in zip(host, device, strict=True)
        for name in recipe_streams("clsgan")
    ]
    differences = np.concatenate([np.abs(a - b).ravel() for a, b in pairs])
    assert differences.max() <= 1 and differences.mean() < 1e-3


def test_a_memory_map_is_copied(tmp_path):
    data = tiny_data()
    np.save(tmp_path / "images.npy", data.train.images)
    mapped = Split(np.load(tmp_path / "images.npy", mmap_mode="r"), data.train.labels)
    recipe = tiny_recipe("lsgan", **WEAK)
    on_disk = dataclasses.replace(data, train=mapped)
    assert_equal(elements(recipe, place="host"), elements(recipe, place="device", data=on_disk))


@functools.cache
def trained(place, *, count=1, several=1, jit=False):
    recipe = recipe_of("lsgan", input=place, batch_size=8, **SMALL, **WEAK)
    model = build(recipe, replicas(count))
    model.jit_compile, model.steps_per_execution = jit, several
    logs = train(model, recipe, tiny_data(), steps=6)
    assert (model.source is not None) == (place == "device")
    return weights(model), logs


@pytest.mark.parametrize(("several", "jit"), [(1, False), (3, False), (3, True)])
def test_training_is_bit_equal_to_that_with_host_input(several, jit):
    """With XLA the position advances inside of the compiled loop."""
    host, device = (trained(place, several=several, jit=jit) for place in ("host", "device"))
    tf.nest.map_structure(np.testing.assert_array_equal, host, device)


@pytest.mark.parametrize("jit", [False, True])
def test_two_replicas_train_as_one(jit):
    """Each replica gathers the rows of its part from its own copy."""
    one, two = trained("device"), trained("device", count=2, several=2, jit=jit)
    for left, right in zip(one[0], two[0], strict=True):
        assert np.abs(left - right).max() <= 1e-4 * max(np.abs(left).max(), 1e-2)


def ends(folder):
    return sorted(path.name for path in (folder / "checkpoints").iterdir())


def test_a_run_that_resumes_is_bit_equal_to_a_whole_one_on_the_host(tmp_path):
    lengths = {"report_every": 4, "checkpoint_every": 2}
    recipe = recipe_of("lsgan", steps=8, **lengths, **SMALL, **WEAK)
    for name, steps, place in [
        ("whole", 8, "host"),
        ("parts", 4, "device"),
        ("parts", 8, "device"),
    ]:
        part = recipe.with_options(steps=steps, input=place)
        run(part, make(part), tmp_path / name)
    assert ends(tmp_path / "whole") == ends(tmp_path / "parts")


def test_the_images_are_copied_once_and_the_step_is_traced_once():
    recipe = tiny_recipe("lsgan", input="device", **SMALL)
    data = tiny_data()
    model, other = build(recipe), build(recipe)
    streams = streams_of(recipe, data, None)
    batches(recipe, model, streams)
    model.make_train_function()
    function, source = model.train_function, model.source
    variable = streams["real"].device_images._variable
    batches(recipe, model, streams, first_step=5)
    batches(recipe, other, streams)
    assert model.train_function is function and other.source == source
    assert streams["real"].device_images._variable is variable
    on_host = recipe.with_options(input="host")
    batches(on_host, model, streams_of(on_host, data, None))
    assert model.source is None and model.train_function is None


def test_images_are_neither_constants_of_the_graph_nor_weights_of_the_model():
    images = np.zeros((3_000, 8, 8, 1), np.uint8)
    data = dataclasses.replace(tiny_data(), train=Split(images, np.zeros(3_000, np.int64)))
    recipe = tiny_recipe("lsgan", input="device", **SMALL)
    model = build(recipe)
    before = len(model.variables)
    dataset = batches(recipe, model, streams_of(recipe, data, None))
    graph = tf.function(model.source).get_concrete_function(dataset.element_spec).graph
    assert graph.as_graph_def().ByteSize() < 50_000
    assert len(model.variables) == before
    sizes = [np.prod(spec.shape) for spec in tf.nest.flatten(dataset.element_spec)]
    assert sum(sizes) < 10 * recipe.run.batch_size
    waiting = Waiting()
    assert waiting.measured(dataset).element_spec == dataset.element_spec and waiting.is_measured


def decided(strategy=DEFAULT, **options):
    return with_input(tiny_recipe("lsgan", **options), tiny_data(), strategy).devices.input


def test_auto_is_the_device_on_gpus_of_one_host_if_the_images_fit(monkeypatch):
    assert decided() == decided(replicas(2)) == "host"
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: [kind])
    assert decided() == decided(replicas(2)) == "device"
    assert decided(input="host") == "host"
    monkeypatch.setattr(input_place, "on_one_host", lambda strategy: False)
    assert decided() == "host"
    monkeypatch.undo()
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: [kind])
    monkeypatch.setattr(input_place, "MOST_BYTES", 30 * 64 - 1)
    assert decided() == "host"


TWO_HOSTS = '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 0}}'


def test_what_cannot_be_is_refused(monkeypatch):
    for strategy in ("multi_worker", "tpu"):
        with pytest.raises(UserError, match=f"strategy is {strategy}: give --input host"):
            recipe_of("lsgan", input="device", strategy=strategy)
    monkeypatch.setenv("TF_CONFIG", TWO_HOSTS)
    with pytest.raises(UserError, match="TF_CONFIG names several: give --input host"):
        make_strategy(DeviceOptions(input="device"))
    monkeypatch.setattr(input_place, "MOST_BYTES", 30 * 64 - 1)
    with pytest.raises(UserError, match="30 training images .* Give --input host, or a smaller"):
        decided(input="device")


def test_images_that_do_not_fit_are_refused(monkeypatch):
    def full(*arguments, **options):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM")

    recipe = tiny_recipe("lsgan", input="device", **SMALL)
    model, streams = build(recipe), streams_of(recipe, tiny_data(), None)
    monkeypatch.setattr(tf, "Variable", full)
    with pytest.raises(
        UserError, match="do not fit into the memory of the device. Give --input host"
    ):
        batches(recipe, model, streams)
