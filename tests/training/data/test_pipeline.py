import hashlib

import numpy as np
import pytest
import tensorflow as tf

from tests.support.devices import replicas
from training.data.image_data import Split
from training.data.pipeline import Stream, evaluation_batches, training_dataset
from zoo.errors import UserError

DEFAULT = tf.distribute.get_strategy()


def global_batches(streams, steps, strategy=DEFAULT, **options):
    """Returns the first global batches: `{stream: {key: [critic_steps, batch_size, ...]}}`."""
    options = {"batch_size": 12, "seed": 0} | options
    iterator = iter(training_dataset(streams, strategy=strategy, **options))
    return [assemble(next(iterator), strategy, options) for _ in range(steps)]


def assemble(element, strategy, options):
    index = [part.numpy() for part in strategy.experimental_local_results(element["index"])]
    assert np.concatenate(index).tolist() == list(range(options["batch_size"]))

    def join(value):
        parts = [part.numpy() for part in strategy.experimental_local_results(value)]
        chunks = options.get("critic_steps", 1)
        return np.concatenate([p.reshape(chunks, -1, *p.shape[1:]) for p in parts], axis=1)

    return {
        name: {key: join(value) for key, value in batch.items()}
        for name, batch in element.items()
        if name != "index"
    }


def values(batches, name="real") -> np.ndarray:
    """Returns the first pixel of every image, in the order of the stream."""
    return np.concatenate([batch[name]["images"][..., 0, 0, 0].reshape(-1) for batch in batches])


def assert_equal(some, others):
    assert len(some) == len(others)
    for first, second in zip(some, others, strict=True):
        tf.nest.map_structure(np.testing.assert_array_equal, first, second)


class Workers:
    """A stub of a strategy with several hosts, which returns the pipeline of one host."""

    def __init__(self, workers: int, replicas: int, worker: int):
        self.num_replicas_in_sync = replicas
        self._context = tf.distribute.InputContext(workers, worker, replicas)

    def distribute_datasets_from_function(self, function):
        return function(self._context)


def test_every_epoch_visits_every_row_once(numbered):
    seen = values(global_batches({"real": Stream(numbered)}, 33))  # 396 positions: three epochs
    epochs = [seen[start : start + 130].tolist() for start in (0, 130, 260)]
    for epoch in epochs:
        assert sorted(epoch) == list(range(130))
    assert epochs[0] != epochs[1] != epochs[2]


def test_labels_stay_with_their_images(numbered):
    for batch in global_batches({"real": Stream(numbered, with_labels=True)}, 3):
        pixels = batch["real"]["images"][..., 0, 0, 0]
        np.testing.assert_array_equal(batch["real"]["labels"], pixels % 7)


def test_element(numbered):
    dataset = training_dataset(
        {"real": Stream(numbered, with_labels=True)},
        batch_size=12,
        seed=0,
        critic_steps=2,
        strategy=DEFAULT,
    )
    assert isinstance(dataset, tf.data.Dataset)
    assert dataset.element_spec == {
        "index": tf.TensorSpec([12], tf.int64),
        "real": {
            "images": tf.TensorSpec([24, 6, 5, 1], tf.uint8),
            "labels": tf.TensorSpec([24], tf.int64),
        },
    }


def test_the_weak_view_stays_bit_equal(numbered):
    """The digest of November 2026: runs from before resume to the same images."""
    streams = {
        "real": Stream(numbered, with_labels=True),
        "some": Stream(numbered, np.array([3, 5, 8, 100]), with_plain=True),
    }
    options = {"batch_size": 12, "critic_steps": 2, "shift": 2, "flip": True}
    dataset = training_dataset(streams, seed=3, first_step=1, strategy=DEFAULT, **options)
    digest = hashlib.sha256()
    for element in dataset.take(3).as_numpy_iterator():
        for name in streams:
            for _, value in sorted(element[name].items()):
                digest.update(value.tobytes())
    assert digest.hexdigest().startswith("1609cfd1b1dbb1fad7c8f962b51d0209")


def test_starts_at_any_step(numbered):
    streams = {"real": Stream(numbered), "some": Stream(numbered, np.array([3, 5, 8]), True)}
    options = {"critic_steps": 2, "shift": 1, "flip": True}
    whole = global_batches(streams, 9, **options)
    assert_equal(whole[6:], global_batches(streams, 3, first_step=6, **options))
    far = global_batches(streams, 1, first_step=10**12, **options)
    assert far[0]["real"]["images"].shape == (2, 12, 6, 5, 1)


def test_plain_images_are_those_before_augmentation(numbered):
    options = {"critic_steps": 2, "shift": 2, "rotate": 20.0}
    both = global_batches({"real": Stream(numbered, with_plain=True)}, 2, **options)
    without = global_batches({"real": Stream(numbered)}, 2, critic_steps=2)
    for shown, as_it_is in zip(both, without, strict=True):
        np.testing.assert_array_equal(shown["real"]["plain"], as_it_is["real"]["images"])
        assert not np.array_equal(shown["real"]["plain"], shown["real"]["images"])


def test_critic_steps_are_consecutive_batches(numbered):
    streams = {"real": Stream(numbered)}
    one, three = global_batches(streams, 6), global_batches(streams, 2, critic_steps=3)
    assert three[0]["real"]["images"].shape == (3, 12, 6, 5, 1)
    np.testing.assert_array_equal(values(one), values(three))


def test_order_depends_on_seed_and_stream(numbered):
    streams = {"real": Stream(numbered), "other": Stream(numbered)}
    batches = global_batches(streams, 3)
    assert not np.array_equal(values(batches), values(batches, "other"))
    assert not np.array_equal(values(batches), values(global_batches(streams, 3, seed=1)))
    np.testing.assert_array_equal(
        values(batches), values(global_batches({"real": Stream(numbered)}, 3))
    )


def test_only_the_given_rows(numbered):
    rows = np.array([4, 9, 11, 40, 100])
    seen = values(global_batches({"real": Stream(numbered, rows)}, 5))
    assert [sorted(seen[i : i + 5]) for i in range(0, 60, 5)] == [rows.tolist()] * 12


@pytest.mark.parametrize("count", [1, 2, 4])
def test_replicas_share_the_same_global_batches(numbered, count):
    streams = {"real": Stream(numbered), "some": Stream(numbered, np.array([3, 5, 8]), True)}
    strategy = replicas(count)
    options = {"batch_size": 10, "critic_steps": 2, "shift": 2, "flip": True, "first_step": 3}
    assert_equal(
        global_batches(streams, 3, **options),
        global_batches(streams, 3, strategy=strategy, **options),
    )


def test_earlier_replicas_take_the_remainder(numbered):
    strategy = replicas(4)
    dataset = training_dataset({"real": Stream(numbered)}, batch_size=10, seed=0, strategy=strategy)
    index = strategy.experimental_local_results(next(iter(dataset))["index"])
    assert [part.numpy().tolist() for part in index] == [[0, 1, 2], [3, 4, 5], [6, 7], [8, 9]]


def test_each_host_makes_its_own_replicas_parts(numbered):
    streams = {"real": Stream(numbered)}
    options = {"batch_size": 10, "seed": 0, "critic_steps": 2, "shift": 1, "first_step": 5}
    parts = []
    for worker in range(2):
        dataset = training_dataset(streams, strategy=Workers(2, 4, worker), **options)
        parts.append(list(dataset.take(4).as_numpy_iterator()))
    for step, expected in enumerate(global_batches(streams, 2, **options)):
        elements = [parts[w][2 * step + local] for w in range(2) for local in range(2)]
        index = np.concatenate([element["index"] for element in elements])
        assert index.tolist() == list(range(10))
        images = [element["real"]["images"].reshape(2, -1, 6, 5, 1) for element in elements]
        np.testing.assert_array_equal(np.concatenate(images, 1), expected["real"]["images"])


def test_shift_and_flip_have_effect(numbered):
    plain = global_batches({"real": Stream(numbered)}, 2)
    results = [plain]
    for options in ({"shift": 1}, {"flip": True}, {"shift": 1, "flip": True}):
        result = global_batches({"real": Stream(numbered)}, 2, **options)
        assert all(np.any(result[0]["real"]["images"] != r[0]["real"]["images"]) for r in results)
        results.append(result)
    first, second = (batch["real"]["images"][0] for batch in results[2])
    assert len(first) == 12
    flips = [
        [np.array_equal(image, original[:, ::-1]) for image, original in zip(*pair, strict=True)]
        for pair in (
            (first, plain[0]["real"]["images"][0]),
            (second, plain[1]["real"]["images"][0]),
        )
    ]
    assert flips[0] != flips[1]  # Every step draws new numbers.


class Poisoned:
    """A split that fails the test when its labels are read."""

    def __init__(self, images: np.ndarray):
        self.images = images

    @property
    def labels(self):
        raise AssertionError("hidden labels were read")


def test_hidden_labels_stay_hidden(numbered):
    (batch,) = global_batches({"real": Stream(Poisoned(numbered.images))}, 1)
    assert batch["real"].keys() == {"images"}
    with pytest.raises(AssertionError, match="hidden"):
        global_batches({"real": Stream(Poisoned(numbered.images), with_labels=True)}, 1)


def test_memory_map_equals_memory(numbered, tmp_path):
    np.save(tmp_path / "images.npy", numbered.images)
    mapped = Split(np.load(tmp_path / "images.npy", mmap_mode="r"), numbered.labels)
    assert isinstance(mapped.images, np.memmap)
    options = {"critic_steps": 2, "shift": 1, "flip": True}
    for strategy in (DEFAULT, replicas(2)):
        assert_equal(
            global_batches({"real": Stream(numbered, with_labels=True)}, 3, **options),
            global_batches({"real": Stream(mapped, with_labels=True)}, 3, strategy, **options),
        )


def test_images_are_not_constants_of_the_graph():
    large = Split(np.zeros((3_000, 32, 32, 3), np.uint8))
    dataset = training_dataset({"real": Stream(large)}, batch_size=4, seed=0, strategy=DEFAULT)
    while not hasattr(dataset, "_map_func"):
        dataset = dataset._input_dataset
    graph = dataset._map_func.function.graph
    assert graph.as_graph_def().ByteSize() < 100_000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch size must be at least 1"),
        ({"first_step": -1}, "first step must be at least 0; got -1"),
        ({"critic_steps": 0}, "number of critic steps must be at least 1"),
        ({"shift": -1}, "shift must be from 0 to less than the image's side of 5 pixels; got -1"),
        ({"shift": 5}, "shift"),
    ],
)
def test_arguments_out_of_range(numbered, options, message):
    with pytest.raises(UserError, match=message):
        global_batches({"real": Stream(numbered)}, 1, **options)


def test_wrong_streams(numbered):
    unlabelled = Split(numbered.images)
    for streams, message in (
        ({}, "At least one stream"),
        ({"index": Stream(numbered)}, "none may be named 'index'"),
        ({"real": Stream(unlabelled, with_labels=True)}, "'real' needs labels"),
        ({"real": Stream(numbered, np.array([], np.int64))}, "no images"),
        ({"real": Stream(numbered, np.array([130]))}, "from 0 to 129; got int64 from 130 to 130"),
        ({"real": Stream(numbered, np.array([-1]))}, "from 0 to 129; got int64 from -1"),
        ({"real": Stream(numbered, np.ones(130, bool))}, "int64"),
    ):
        with pytest.raises(UserError, match=message):
            global_batches(streams, 1)


def test_fewer_images_than_replicas(numbered):
    strategy = replicas(2)
    with pytest.raises(UserError, match="at least 2, one image for each of 2 replicas; got 1"):
        global_batches({"real": Stream(numbered)}, 1, strategy, batch_size=1)


def test_evaluation_batches_are_in_order(numbered):
    batches = list(evaluation_batches(numbered, batch_size=50))
    assert [len(images) for images, _ in batches] == [50, 50, 30]
    np.testing.assert_array_equal(np.concatenate([b[0] for b in batches]), numbered.images)
    np.testing.assert_array_equal(np.concatenate([b[1] for b in batches]), numbered.labels)
    assert next(evaluation_batches(Split(numbered.images), batch_size=50))[1] is None
    with pytest.raises(UserError, match="batch size"):
        next(evaluation_batches(numbered, batch_size=0))
