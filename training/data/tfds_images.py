"""Reading of the images and labels of a prepared TensorFlow Datasets set."""

import dataclasses
import pathlib
from collections.abc import Iterator

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from training.cache import cache_folder
from training.data.array_cache import SPLITS, Allocate, cached_splits
from training.data.content_digest import content_digest
from training.data.data_checks import copies_in_arrays
from training.data.image_data import ImageData, Split
from training.data.resizing import resize_image
from training.data.splitting import hold_out
from training.data.tfds_builders import prepared_builder
from training.data.tfds_features import image_key, label_key
from zoo.errors import UserError

DEFAULT_MEMORY_LIMIT = 2 * 2**30
_LABEL_BATCH = 4096
_IMAGE_BATCH = 256
_IMAGE_BATCH_BYTES = 32 * 2**20


def load_tfds(
    name: str,
    *,
    image_size: int | None = None,
    data_dir: str | None = None,
    manual_dir: str | None = None,
    memory_limit: int = DEFAULT_MEMORY_LIMIT,
) -> ImageData:
    """Loads an image set of TensorFlow Datasets, and prepares it first if needed.

    A missing validation or test split is held out of the train split by
    `training.data.splitting.hold_out`.

    Args:
        name: `set[/config][:version]`.
        image_size: side of the resulting images in pixels, or `None` to keep their size.
        data_dir: folder of prepared sets; the default folder of TFDS if `None`.
        manual_dir: folder of the set's original files, to prepare it from.
        memory_limit: larger image arrays, in bytes, are memory-mapped files. All arrays are
            written to the cache `arrays` (see `training.cache`) at the first use.

    Raises:
        UserError: if the set cannot be found or prepared, has no images or no train split, is
            damaged, or its images differ in size and `image_size` is `None`.
    """
    builder = prepared_builder(name, data_dir=data_dir, manual_dir=manual_dir)
    reader = _Reader(builder, image_key(builder), label_key(builder), image_size)
    if "train" not in builder.info.splits:
        present = ", ".join(builder.info.splits)
        raise UserError(f"{name} has no train split; it has: {present}. Choose another data set.")
    try:
        splits = _read_splits(reader, memory_limit)
    except tf.errors.OpError as error:
        raise UserError(
            f"The prepared data in {builder.data_dir} is damaged: {error.message}. Delete this "
            "folder; the next run prepares it again."
        ) from error
    except OSError as error:
        raise UserError(
            f"The prepared data in {builder.data_dir} cannot be read: {error.strerror or error}. "
            "Change the permissions, or prepare the set in another folder with --data-dir."
        ) from error
    config = builder.info.config_name
    return ImageData(
        name=f"{builder.name}/{config}" if config else builder.name,
        train=splits["train"],
        validation=splits["validation"],
        test=splits["test"],
        class_names=reader.class_names if splits["train"].labels is not None else (),
        warnings=tuple(copies_in_arrays(splits)),
    )


@dataclasses.dataclass(frozen=True)
class _Reader:
    """Reads the features of a set one at a time, in the order of the prepared files."""

    builder: tfds.core.DatasetBuilder
    image_key: str
    label_key: str | None
    image_size: int | None

    @property
    def class_names(self) -> tuple[str, ...]:
        return tuple(self.builder.info.features[self.label_key].names)

    def count(self, split: str) -> int:
        return self.builder.info.splits[split].num_examples

    def labels(self, split: str) -> np.ndarray | None:
        """Returns the labels of a split without decoding images; `None` if they are hidden."""
        if self.label_key is None:
            return None
        batches = self._feature(split, self.label_key).batch(_LABEL_BATCH).as_numpy_iterator()
        labels = np.concatenate([np.asarray(batch, np.int64) for batch in batches])
        return None if labels.min() < 0 else labels

    def image_shape(self) -> tuple[int, int, int]:
        """Returns height, width and channels after resizing; reads one image if needed."""
        shape = self._images("train").element_spec.shape
        if not shape.is_fully_defined():
            shape = next(iter(self._images("train").take(1))).shape
        height, width, channels = shape.as_list()
        return height, width, channels

    def declared_shape(self) -> tuple[int | None, ...]:
        """Returns height, width and channels before resizing, if all images have the same."""
        return tuple(self.builder.info.features[self.image_key].shape)

    def image_batches(self, split: str, shape: tuple[int, int, int]) -> Iterator[np.ndarray]:
        """Yields `uint8` arrays `[b, *shape]` with all images of a split."""
        images = self._images(split)
        size = 1  # Images of different sizes cannot be batched.
        if images.element_spec.shape.is_fully_defined():
            size = max(1, min(_IMAGE_BATCH, _IMAGE_BATCH_BYTES // int(np.prod(shape))))
        for batch in images.batch(size).prefetch(2).as_numpy_iterator():
            if batch.shape[1:] != shape:
                raise UserError(
                    f"The images of {self.builder.name} differ in size ({_sides(shape)}, "
                    f"{_sides(batch.shape[1:])}, ...). Give --image-size to resize them to one "
                    "size."
                )
            yield batch

    def _images(self, split: str) -> tf.data.Dataset:
        images = self._feature(split, self.image_key)
        size = self.image_size
        if size is None:
            return images
        return images.map(
            lambda image: resize_image(image, size),
            num_parallel_calls=tf.data.AUTOTUNE,
            deterministic=True,
        )

    def _feature(self, split: str, key: str) -> tf.data.Dataset:
        examples = self.builder.as_dataset(
            split=split,
            decoders=tfds.decode.PartialDecoding({key: True}),
            # Files are read one after the other, so that row numbers do not depend on the machine.
            read_config=tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False),
        )
        return examples.map(lambda example: example[key], num_parallel_calls=1)


def _sides(shape: tuple[int, ...]) -> str:
    return f"{shape[0]}x{shape[1]}"


@dataclasses.dataclass(frozen=True)
class _Part:
    """The source of one split: sorted rows of a split of the TFDS set."""

    source: str
    rows: np.ndarray
    labels: np.ndarray | None


def _plan(reader: _Reader) -> dict[str, _Part]:
    """Decides the rows of each split from the counts and labels alone."""
    labels = {name: reader.labels(name) for name in SPLITS if name in reader.builder.info.splits}
    held_out = [name for name in ("test", "validation") if name not in labels]
    chosen = hold_out(reader.count("train"), labels["train"], parts=len(held_out))
    plan = {}
    for name, rows in zip([*held_out, "train"], chosen, strict=True):
        train_labels = labels["train"]
        plan[name] = _Part("train", rows, None if train_labels is None else train_labels[rows])
    for name in labels.keys() - {"train"}:
        plan[name] = _Part(name, np.arange(reader.count(name)), labels[name])
    return plan


def _read_splits(reader: _Reader, memory_limit: int) -> dict[str, Split]:
    shape = reader.image_shape()

    def build(allocate: Allocate) -> dict[str, Split]:
        plan = _plan(reader)
        images = {name: allocate(name, (len(part.rows), *shape)) for name, part in plan.items()}
        for source in sorted({part.source for part in plan.values()}):
            start = 0
            for batch in reader.image_batches(source, shape):
                for name, part in plan.items():
                    if part.source == source:
                        low, high = np.searchsorted(part.rows, [start, start + len(batch)])
                        images[name][low:high] = batch[part.rows[low:high] - start]
                start += len(batch)
        return {name: Split(images[name], part.labels) for name, part in plan.items()}

    present = [name for name in SPLITS if name in reader.builder.info.splits]
    size = sum(map(reader.count, present)) * int(np.prod(shape))
    return cached_splits(
        _cache_entry(reader, shape),
        build,
        mapped=size > memory_limit,
        size=size,
        source=pathlib.Path(reader.builder.data_dir),
    )


def _cache_entry(reader: _Reader, shape: tuple[int, int, int]) -> pathlib.Path:
    """Returns the folder of the decoded arrays; equal contents have one folder.

    Images that have the requested size already are stored once, as they are.
    """
    prepared = pathlib.Path(reader.builder.data_dir)
    cache = cache_folder("arrays")
    config = reader.builder.info.config_name
    parts = [reader.builder.name, *([config] if config else []), prepared.name]
    parts.append("x".join(map(str, shape)))
    digest = content_digest(prepared, memory=cache_folder("digests"))
    as_they_are = cache / "-".join([*parts, digest])
    if reader.image_size is None or reader.declared_shape() == shape or as_they_are.is_dir():
        return as_they_are
    return cache / "-".join([*parts, "resized", digest])
