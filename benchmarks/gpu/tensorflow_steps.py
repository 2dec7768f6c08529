"""Steps in TensorFlow: this project's, plain Keras', the pure prototype, and two replicas."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from benchmarks.gpu.builders import Makers, case_of, random_images, steps_of
from benchmarks.gpu.joint_groups import joint_groups
from benchmarks.gpu.pure_step import PureStep
from benchmarks.gpu.specs import Spec
from benchmarks.train_step import cases, changes, plain_keras
from benchmarks.train_step.ours import make_batch, make_model
from training.compilation import allow_on_cpus
from training.data.augmentation import Augmentation
from training.data.device_images import DeviceImages
from training.data.image_data import Split
from training.data.pipeline import Stream, training_dataset
from training.data.rendering import device_source
from training.data.views import ONLY_WEAK
from training.steps_per_call import stacked
from zoo.randomness import Noise

IMAGES, TINY_IMAGES = 20_000, 64
WEAK = Augmentation(shift=2, flip=True)


def _several(function: Callable[..., Any], steps: int) -> Callable[..., Any]:
    """Calls a traced function several times in one graph, so that XLA compiles its step once."""

    def call(*arguments: Any) -> Any:
        for _ in tf.range(steps - 1):
            function(*arguments)
        return function(*arguments)

    return function if steps == 1 else tf.function(call, reduce_retracing=True)


def _finished(function: Callable[..., Any], *arguments: Any) -> Callable[[], None]:
    def call() -> None:
        found = function(*arguments)
        float(next(iter(found.values())) if isinstance(found, dict) else found[0])

    return call


def _streams(model: Any, spec: Spec, *, on_device: bool = False) -> dict[str, Stream]:
    images = random_images(TINY_IMAGES if spec.tiny else IMAGES)
    labels = np.arange(len(images), dtype=np.int64) % cases.CLASSES
    split = Split(images, labels)
    device_images = DeviceImages(images) if on_device else None
    return {
        name: Stream(split, with_labels=name == "labelled", device_images=device_images)
        for name in model.streams
    }


def _ours(spec: Spec) -> Makers:
    model = make_model(case_of(spec), bfloat16=spec.bfloat16)
    if spec.change:
        find = {"joint_groups": joint_groups}
        (find.get(spec.change) or getattr(changes, spec.change))(model)
    fixed = tf.data.Dataset.from_tensors(make_batch(model)).repeat()

    @functools.cache
    def streams_of(*, on_device: bool) -> dict[str, Stream]:
        return _streams(model, spec, on_device=on_device)

    @functools.cache
    def step_of(*, jit: bool, steps: int, on_device: bool = False) -> Callable[[Any], Any]:
        model.jit_compile, model.steps_per_execution = jit, steps
        model.source = None
        if on_device:
            streams, strategy = streams_of(on_device=True), tf.distribute.get_strategy()
            model.source = device_source(streams, WEAK, ONLY_WEAK, strategy)
        model.make_train_function(force=True)
        return model.train_function

    def make(mode: str) -> Callable[[], None]:
        data, on_device = fixed, "device" in mode
        if "data" in mode or on_device:
            data = training_dataset(
                streams_of(on_device=on_device),
                batch_size=spec.batch,
                seed=0,
                shift=WEAK.shift,
                flip=WEAK.flip,
                strategy=tf.distribute.get_strategy(),
            )
        if mode.startswith("loop"):
            step = step_of(jit=True, steps=steps_of(mode), on_device=on_device)
            return _finished(step, iter(stacked(data, model)))
        step = step_of(jit=not mode.startswith("no_xla"), steps=1)
        return _finished(_several(step, steps_of(mode)), iter(data))

    return {mode: functools.partial(make, mode) for mode in spec.modes}


def _keras(spec: Spec) -> Makers:
    step = plain_keras.Step(case_of(spec), cases.Contender("plain Keras", "keras"))

    def make(mode: str) -> Callable[[], None]:
        step.model.jit_compile = True
        step.model.steps_per_execution = steps_of(mode)
        step.model.make_train_function(force=True)
        return _finished(step.model.train_function, step.iterator)

    return {mode: functools.partial(make, mode) for mode in spec.modes}


def data_and_index(model: Any) -> tuple[Any, tf.Tensor]:
    """Makes a batch as tensors; returns it, and its rows' positions."""
    batch = tf.nest.map_structure(tf.constant, make_batch(model))
    index = tf.cast(batch.pop("index"), tf.int64)
    return batch, index


def gathered(
    streams: dict[str, Any], *, seed: int, batch: int, step: tf.Tensor
) -> tuple[Any, tf.Tensor]:
    """Draws and augments a batch on the device, as a function of seed and step."""
    index = tf.range(batch, dtype=tf.int64)
    data = {}
    for number, (name, source) in enumerate(streams.items()):
        noise = Noise(seed, step, index, f"/rows/{name}")
        count = source["images"].shape[0]
        rows = tf.cast(tf.floor(noise.uniform() * count), tf.int32)
        data[name] = {key: tf.gather(values, rows) for key, values in source.items()}
        images = data[name]["images"]
        draws = WEAK.draws(
            tuple(images.shape[1:]),
            key=np.array([0, 0, 0, number]),
            step=step,
            index=index,
            batch_size=batch,
            batches=1,
        )
        data[name]["images"] = WEAK.shown(images, draws, on_device=True)
    return data, index


def _pure(spec: Spec) -> Makers:
    model = make_model(case_of(spec), bfloat16=spec.bfloat16)
    pure = PureStep(model, global_batch=spec.batch)
    fixed, index = data_and_index(model)
    held: dict[str, Any] = {"state": pure.read(), "step": tf.constant(0, tf.int64)}

    @tf.function(jit_compile=True)
    def loop(state: Any, step: tf.Tensor, count: tf.Tensor, data: Any) -> Any:
        return pure.many(state, step, count, lambda _: (data, index))

    @tf.function(jit_compile=True)
    def gather(state: Any, step: tf.Tensor, count: tf.Tensor, data: Any) -> Any:
        draw = functools.partial(gathered, data, seed=0, batch=spec.batch)
        return pure.many(state, step, count, lambda now: draw(step=now))

    def make(mode: str) -> Callable[[], None]:
        count = tf.constant(steps_of(mode), tf.int64)
        function, data = loop, fixed
        if mode.startswith("gather"):
            function, data = gather, {}
            for name, stream in _streams(model, spec).items():
                data[name] = {"images": tf.constant(stream.split.images)}
                if stream.with_labels:
                    data[name]["labels"] = tf.constant(stream.split.labels)

        def call() -> None:
            held["state"], held["step"], loss = function(held["state"], held["step"], count, data)
            float(loss)

        return call

    return {mode: functools.partial(make, mode) for mode in spec.modes}


@functools.cache
def two_devices() -> tf.distribute.MirroredStrategy:
    """Returns the strategy of both logical devices, always the same one."""
    kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
    return tf.distribute.MirroredStrategy([f"{kind}:0", f"{kind}:1"])


def share(strategy: tf.distribute.Strategy, data: Any, index: tf.Tensor) -> Any:
    """Distributes a batch over replicas, in equal consecutive parts."""
    count = strategy.num_replicas_in_sync

    def of_replica(context: Any) -> Any:
        size, number = index.shape[0] // count, context.replica_id_in_sync_group
        rows = slice(number * size, (number + 1) * size)
        return tf.nest.map_structure(lambda values: values[rows], data | {"index": index})

    return strategy.experimental_distribute_values_from_function(of_replica)


def pure_on(
    strategy: tf.distribute.Strategy, spec: Spec, *, optimizer: str = "adam", jit: bool = True
) -> tuple[Any, Callable[[Any], Any]]:
    """Builds a model under a strategy; returns it, and its traced pure step."""
    with strategy.scope():
        model = make_model(case_of(spec), bfloat16=spec.bfloat16)
        pure = PureStep(model, global_batch=spec.batch, optimizer=optimizer, jit=jit)
    if spec.local_statistics:
        for layer in model.generator._flatten_layers():
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.synchronized = False

    def on_replica(data: Any) -> tf.Tensor:
        return pure.on_replica({k: v for k, v in data.items() if k != "index"}, data["index"])

    @tf.function
    def step(data: Any) -> Any:
        return strategy.experimental_local_results(strategy.run(on_replica, args=(data,)))[0]

    return model, step


def zoo_on(
    strategy: tf.distribute.Strategy, spec: Spec, *, jit: bool = False, steps: int = 1
) -> tuple[Any, Callable[[Any], Any], Any]:
    """Builds a model under a strategy; returns it, its own steps of a call, and an iterator."""
    if jit:
        allow_on_cpus()
    with strategy.scope():
        model = make_model(case_of(spec), bfloat16=spec.bfloat16)
    data, index = data_and_index(model)
    parts = strategy.experimental_local_results(share(strategy, data, index))

    def pipeline(_: Any) -> tf.data.Dataset:
        sets = [tf.data.Dataset.from_tensors(part) for part in parts]
        return functools.reduce(lambda a, b: a.concatenate(b), sets).repeat()

    with strategy.scope():
        model.jit_compile, model.steps_per_execution = jit, steps
        model.make_train_function(force=True)
    return model, model.train_function, iter(strategy.distribute_datasets_from_function(pipeline))


def _replicas(spec: Spec) -> Makers:
    def make(mode: str) -> Callable[[], None]:
        steps = steps_of(mode)
        if mode.startswith(("zoo", "today")):
            options = spec.options if mode.startswith("zoo") else {}
            changed = dataclasses.replace(spec, options=options)
            jit = "xla" in mode
            _, step, iterator = zoo_on(two_devices(), changed, jit=jit, steps=steps)
            return _finished(step, iterator)
        strategy = two_devices() if mode.startswith("two") else tf.distribute.get_strategy()
        model, step = pure_on(strategy, spec)
        return _finished(_several(step, steps), share(strategy, *data_and_index(model)))

    return {mode: functools.partial(make, mode) for mode in spec.modes}


BUILDERS: dict[str, Callable[[Spec], Makers]] = {
    "ours": _ours,
    "keras": _keras,
    "pure": _pure,
    "replicas": _replicas,
}
