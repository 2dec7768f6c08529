"""The callbacks that write and print the progress of a run."""

import pathlib
from typing import Any

import tensorflow as tf
from tensorboard.plugins.hparams import api as hparams

from training.callbacks.counting import CountingCallback
from training.callbacks.diagnostics import Diagnostics
from training.callbacks.modes import ModeCount
from training.callbacks.samples import Samples
from training.callbacks.summaries import Summaries
from training.callbacks.throughput import ProgressFilter, Throughput
from training.callbacks.tolerating import tolerating
from training.callbacks.validation import Validation
from training.data.image_data import ImageData
from training.data.toys import MIXTURES
from training.recipe import Recipe
from training.run_folder import RunFolder
from zoo.models.trainer import StatelessTrainer

PROGRESS_VALUES = (
    "critic_loss",
    "generator_loss",
    "cross_entropy",
    "train_error",
    "gap",
    "active_hinges",
    "modes",
    "near_modes",
    "images_per_second",
    "waiting",
    "val_error",
    "score_fid",
    "score_kid",
    "score_is",
    "score_precision",
    "score_recall",
    "score_mre",
    "score_error",
)


def reporting(
    recipe: Recipe,
    data: ImageData,
    folder: RunFolder,
    model: StatelessTrainer,
    *,
    log: pathlib.Path,
    first_step: int,
) -> list[CountingCallback]:
    """Returns the callbacks that write or print. Only the chief process of a run has them.

    Args:
        recipe: the run's recipe.
        data: the data set, of which the validation split is used.
        folder: the run's folder, for sample sheets.
        model: the trained model.
        log: folder of TensorBoard's files.
        first_step: step from which a resumed run continues.
    """
    writers: list[tf.summary.SummaryWriter] = []
    tolerating(
        lambda: writers.append(_open(recipe, log, first_step=first_step)),
        what="TensorBoard's logs",
    )
    writer = writers[0] if writers else None
    images = recipe.run.batch_size * model.batches_per_step
    callbacks: list[CountingCallback] = [Throughput(images_per_step=images, first_step=first_step)]
    if model.classifier is not None:
        callbacks.append(Validation(data.validation))
    if model.sampler is not None:
        samples = folder.path / "samples"
        mixture = MIXTURES.get(data.name)
        if mixture is None:
            callbacks.append(Samples(samples, writer, first_step=first_step))
        else:
            callbacks.append(ModeCount(mixture, samples, writer, first_step=first_step))
        callbacks.append(Diagnostics(data.validation))
    if writer is not None:
        callbacks.append(Summaries(writer, data.validation, first_step=first_step))
    return [*callbacks, ProgressFilter(PROGRESS_VALUES)]


def _open(recipe: Recipe, log: pathlib.Path, *, first_step: int) -> tf.summary.SummaryWriter:
    """Creates TensorBoard's writer, and writes the options of the run.

    Raises:
        tf.errors.OpError: the files cannot be written.
    """
    writer = tf.summary.create_file_writer(str(log))
    with writer.as_default(step=first_step):
        hparams.hparams(_scalars(recipe))
    writer.flush()
    return writer


def _scalars(recipe: Recipe) -> dict[str, Any]:
    values = recipe.flat()
    return {
        key: value for key, value in values.items() if isinstance(value, (bool, int, float, str))
    }
