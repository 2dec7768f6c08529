"""Tiny runs by the code that runs real ones: with samples, reports and checkpoints."""

import pathlib

import tensorflow as tf

from tests.support.cases import tiny_data
from training.build import build_for
from training.callbacks.saving import StopRequest
from training.recipe import Recipe
from training.run_folder import RunFolder
from training.stage_training import StageTraining
from training.stages import Stage
from training.streams import label_map_of, streams_of
from zoo.models.trainer import StatelessTrainer


def make(recipe: Recipe, strategy: tf.distribute.Strategy | None = None) -> StatelessTrainer:
    """Builds the recipe's model for the tiny data."""
    return build_for(recipe, tiny_data(), strategy or tf.distribute.get_strategy())


def run(recipe: Recipe, model: StatelessTrainer, folder: pathlib.Path) -> None:
    """Trains to the recipe's last step, from the folder's newest checkpoint on."""
    data, run_folder = tiny_data(), RunFolder(folder)
    run_folder.create(recipe)
    streams = streams_of(recipe, data, label_map_of(recipe, data))
    StageTraining(recipe, data, run_folder, StopRequest()).train(Stage(model, streams))
