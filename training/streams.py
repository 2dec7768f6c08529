"""Image streams of a run: which training images a model sees, and which of them with a label."""

from typing import Any

import numpy as np

from training.data.augmentation import Augmentation
from training.data.device_images import DeviceImages
from training.data.image_data import ImageData, Split
from training.data.label_maps import LabelMap, make_label_map
from training.data.pipeline import Stream, training_dataset
from training.data.rendering import device_source
from training.data.views import StrongView
from training.recipe import Recipe
from zoo.errors import UserError
from zoo.models.trainer import StatelessTrainer


def label_map_of(recipe: Recipe, data: ImageData) -> LabelMap | None:
    """Chooses the training images that have a label; None for models that choose none.

    Raises:
        UserError: the number of labels does not fit the data.
    """
    if not recipe.supervision.chooses_labels:
        return None
    if recipe.supervision.labels_are_given and data.unlabelled is None:
        raise UserError(
            f"--labels given is for data that also have images without a label, and {data.name} "
            "has none. Put them into a folder `unlabelled` next to the class folders, or save them "
            "as `x_unlabelled` in the .npz file. To hide some of the labels, give their number: "
            "--labels 1000."
        )
    return make_label_map(
        data.train.labels,
        data=data.name,
        num_classes=data.num_classes,
        count=recipe.supervision.label_count,
        seed=recipe.run.seed,
    )


def streams_of(recipe: Recipe, data: ImageData, label_map: LabelMap | None) -> dict[str, Stream]:
    """Returns the streams of training images by name.

    The images are on the devices if `input` is `device`; streams of the same split share them.

    Args:
        recipe: a checked recipe.
        data: the images.
        label_map: from `label_map_of`.

    Raises:
        UserError: a strong view for a model that has no unlabelled images.
    """
    strong = strong_view(recipe).changes_images
    on_device = recipe.devices.input == "device"
    device_images = DeviceImages(data.train.images) if on_device else None
    if label_map is None:
        if strong:
            raise UserError(
                f"--strong and --cutout are for models that learn from labels; {recipe.model} does "
                "not. Leave these options out."
            )
        with_labels = recipe.networks.needs_labels
        return {"real": Stream(data.train, with_labels=with_labels, device_images=device_images)}
    streams = {
        "labelled": Stream(
            data.train,
            indices=label_map.indices,
            with_labels=True,
            strong_share=recipe.data.strong_labelled,
            device_images=device_images,
        )
    }
    if recipe.supervision.semi_supervised:
        split, rows = _without_label(data, label_map)
        plain = recipe.objective.reads_plain_images
        streams["unlabelled"] = Stream(
            split,
            indices=rows,
            with_plain=plain,
            multiple=recipe.supervision.unlabelled_multiple,
            strong_share=1.0 if strong else 0.0,
            device_images=(
                DeviceImages(split.images)
                if on_device and split is not data.train
                else device_images
            ),
        )
    return streams


def _without_label(data: ImageData, label_map: LabelMap) -> tuple[Split, np.ndarray | None]:
    """Returns the images whose label is hidden or not given: a split, and its rows or `None`."""
    hidden = np.setdiff1d(np.arange(len(data.train)), label_map.indices)
    if data.unlabelled is None:
        return data.train, hidden
    if not len(hidden):
        return data.unlabelled, None
    return Split(np.concatenate([data.train.images[hidden], data.unlabelled.images])), None


def unused_images(recipe: Recipe, data: ImageData) -> str:
    """Returns a warning if a run leaves the images without a label out; else an empty text."""
    if data.unlabelled is None or recipe.supervision.semi_supervised:
        return ""
    return (
        f"{len(data.unlabelled):,} images of {data.name} without a label are not used. "
        "--model clsgan --labels given learns from them."
    )


def strong_view(recipe: Recipe) -> StrongView:
    """Returns the strong view of a recipe; without its options it changes nothing."""
    return StrongView(strength=recipe.data.strong, cutout=recipe.data.cutout)


def batches(
    recipe: Recipe, model: StatelessTrainer, streams: dict[str, Stream], *, first_step: int = 0
) -> Any:
    """Returns the dataset of all batches of a model from one step on.

    If the images are on the devices, the dataset has their plans, and the model gets the source
    that makes batches from them.

    Args:
        recipe: a checked recipe.
        model: the model to train; its streams are taken from `streams`.
        streams: from `streams_of`.
        first_step: int, number of steps that were taken before.

    Raises:
        UserError: the images do not fit into the memory of a device.
        ValueError: the model takes another number of images per sample from one of its streams.
    """
    for name in model.streams:
        taken = model.stream_multiples.get(name, 1)
        if streams[name].multiple != taken:
            raise ValueError(
                f"The stream {name!r} has {streams[name].multiple} images per sample, and the "
                f"model takes {taken}: set its `stream_multiples`."
            )
    chosen = {name: streams[name] for name in model.streams}
    shown = recipe.data
    weak = Augmentation(shift=shown.shift, flip=shown.flip, rotate=shown.rotate, zoom=shown.zoom)
    source = device_source(chosen, weak, strong_view(recipe), model.distribute_strategy)
    if source != model.source:
        model.source, model.train_function = source, None
    return training_dataset(
        chosen,
        batch_size=recipe.run.batch_size,
        seed=recipe.run.seed,
        first_step=first_step,
        critic_steps=model.batches_per_step,
        shift=shown.shift,
        flip=shown.flip,
        rotate=shown.rotate,
        zoom=shown.zoom,
        strong=strong_view(recipe),
        strategy=model.distribute_strategy,
    )
