"""Feature extraction in one pass over the images, on all devices of a strategy."""

import os
import pathlib
import sys
from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf

from training.metrics.feature_networks import FeatureNetwork
from training.metrics.sources import Source
from training.metrics.statistics import AllFeatures, Statistic, new_statistic, stored_statistic


def extract(
    source: Source,
    network: FeatureNetwork,
    *,
    strategy: tf.distribute.Strategy | None = None,
    batch_size: int | None = None,
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Yields the index of the first row, features `[b, d]` and logits `[b, K]` of each batch.

    A batch is split evenly over the strategy's devices of this process. A progress bar is shown
    if standard error is a terminal.

    Args:
        source: the images.
        network: the feature network.
        strategy: the distribution strategy; the current one by default.
        batch_size: int, images per batch on all devices together; the network's by default.
    """
    strategy = strategy or tf.distribute.get_strategy()

    @tf.function(reduce_retracing=True)
    def step(rows: dict[str, tf.Tensor]) -> tuple:
        return strategy.run(lambda part: network(source.images(part)), (rows,))

    replicas = strategy.num_replicas_in_sync
    size = batch_size or network.batch_size * replicas
    size = -(-min(size, source.count) // replicas) * replicas
    with _Progress(f"features of {source.name}", source.count) as progress:
        for start in range(0, source.count, size):
            stop = min(start + size, source.count)
            # All batches are padded to one size, so that the step is traced once.
            outputs = step(_spread(_filled(source.rows(start, stop), size), strategy))
            features, logits = (
                np.concatenate([part.numpy() for part in strategy.experimental_local_results(out)])
                for out in outputs
            )
            yield start, features[: stop - start], logits[: stop - start]
            progress.show(stop)


def _filled(rows: dict[str, np.ndarray], size: int) -> dict[str, np.ndarray]:
    """Repeats the last row until there are `size` rows."""
    places = np.minimum(np.arange(size), len(next(iter(rows.values()))) - 1)
    return {name: values[places] for name, values in rows.items()}


def _spread(rows: dict[str, np.ndarray], strategy: tf.distribute.Strategy) -> dict[str, tf.Tensor]:
    """Gives each device the same number of consecutive rows."""
    replicas = strategy.num_replicas_in_sync
    if replicas == 1:
        return {name: tf.constant(values) for name, values in rows.items()}

    def share(name: str, replica: int) -> tf.Tensor:
        each = len(rows[name]) // replicas
        return tf.constant(rows[name][replica * each : (replica + 1) * each])

    return {
        name: strategy.experimental_distribute_values_from_function(
            lambda context, name=name: share(name, context.replica_id_in_sync_group)
        )
        for name in rows
    }


class _Progress:
    """A progress bar on standard error; nothing if standard error is not a terminal."""

    def __init__(self, what: str, total: int):
        self.what = what
        self.total = total
        self.shown = sys.stderr.isatty()

    def __enter__(self) -> "_Progress":
        return self

    def show(self, done: int) -> None:
        if self.shown:
            bar = "#" * (30 * done // self.total)
            print(f"\r{self.what} [{bar:<30}] {done:,}/{self.total:,}", end="", file=sys.stderr)

    def __exit__(self, *error: object) -> None:
        if self.shown:
            print(file=sys.stderr)


def gather(
    source: Source,
    network: FeatureNetwork,
    kinds: Sequence[str],
    *,
    cache: pathlib.Path | None = None,
    strategy: tf.distribute.Strategy | None = None,
) -> dict[str, Statistic]:
    """Returns statistics of a source's features. Reads them from the cache if possible.

    A cache file is named `SOURCE.NETWORK.KIND.npz`. The names of the source and of the network
    contain checksums, so other images, weights or features have other files. Moments are also
    computed from cached features, without the network.

    Args:
        source: the images.
        network: the feature network.
        kinds: the kinds of statistics.
        cache: folder of the cache; None for no cache.
        strategy: the distribution strategy that runs the network.

    Returns:
        Statistics by kind.
    """
    found = {}
    for kind in kinds:
        stored = _read(cache, source, network, kind)
        if stored is not None:
            found[kind] = stored
    missing = {kind: new_statistic(kind, total=source.count) for kind in kinds if kind not in found}
    if not missing:
        return found
    for first_row, features, logits in _features(source, network, missing, cache, strategy):
        for statistic in missing.values():
            statistic.update(features, logits, first_row=first_row)
    for kind, statistic in missing.items():
        _write(cache, source, network, kind, statistic)
    return found | missing


def _features(
    source: Source,
    network: FeatureNetwork,
    missing: dict[str, Statistic],
    cache: pathlib.Path | None,
    strategy: tf.distribute.Strategy | None,
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Yields the features, from the cache if the missing statistics need no logits."""
    if set(missing) == {"moments"}:
        kept = _read(cache, source, network, AllFeatures.kind)
        if isinstance(kept, AllFeatures):
            size = network.batch_size
            for start in range(0, source.count, size):
                yield start, kept.features[start : start + size], np.empty((0, 0))
            return
    yield from extract(source, network, strategy=strategy)


def _path(cache: pathlib.Path, source: Source, network: FeatureNetwork, kind: str) -> pathlib.Path:
    return cache / f"{source.name}.{network.name}.{kind}.npz"


def _read(
    cache: pathlib.Path | None, source: Source, network: FeatureNetwork, kind: str
) -> Statistic | None:
    if cache is None:
        return None
    path = _path(cache, source, network, kind)
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return stored_statistic(kind, {name: arrays[name] for name in arrays.files})
    except FileNotFoundError:
        return None
    except Exception as error:  # NumPy, zipfile and zlib raise many types for damaged files.
        print(f"warning: {path} is damaged ({error}); it is computed again", file=sys.stderr)
        return None


def _write(
    cache: pathlib.Path | None,
    source: Source,
    network: FeatureNetwork,
    kind: str,
    statistic: Statistic,
) -> None:
    if cache is None:
        return
    path = _path(cache, source, network, kind)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            np.savez(file, **statistic.arrays())  # type: ignore[arg-type]
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        print(f"warning: cannot write {path}: {error.strerror}", file=sys.stderr)
