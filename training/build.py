"""Builds the compiled model of a recipe."""

from collections.abc import Callable
from typing import Any, TypeVar

import keras
import tensorflow as tf

from training.data.image_data import ImageData
from training.recipe import Recipe, as_flags
from zoo.errors import UserError
from zoo.models import MODELS, AdversarialModel, SupervisedClassifier
from zoo.models.semi_supervised import UNLABELLED
from zoo.models.trainer import StatelessTrainer

Trainer = TypeVar("Trainer", bound=StatelessTrainer)


def build_model(
    recipe: Recipe, *, image_shape: tuple[int, ...], class_names: tuple[str, ...]
) -> AdversarialModel:
    """Creates the model of a recipe and compiles it.

    Args:
        recipe: a checked recipe, its length in steps.
        image_shape: (H, W, C), or (dimensions,) for points.
        class_names: names of the classes of the data; may be empty.

    Raises:
        ValueError: options that do not fit the images.
    """
    semi_supervised = recipe.supervision.semi_supervised
    recipe.check_size(image_shape)
    generator, critic = recipe.networks.make(
        image_shape=image_shape, class_names=class_names, semi_supervised=semi_supervised
    )
    model_class = MODELS[recipe.model].model
    objective = recipe.objective if semi_supervised else recipe.objective.without_unlabelled()
    known: dict[str, Any] = {
        "seed": recipe.run.seed,
        "run_steps": recipe.run.steps,
        "semi_supervised": semi_supervised,
    }
    model = model_class(
        generator,
        critic,
        objective,
        penalty=recipe.penalty.make(),
        step=recipe.step,
        **{name: known[name] for name in model_class.own_arguments if name in known},
    )
    if semi_supervised:
        model.stream_multiples = {UNLABELLED: recipe.supervision.unlabelled_multiple}
    optimizers = recipe.optimizers
    model.compile(
        optimizers.make(
            optimizers.generator_learning_rate,
            steps=objective.generator_steps(recipe.run.steps),
            burn_in=recipe.step.burn_in_steps(objective.generator_steps(recipe.run.steps)),
        ),
        optimizers.make(
            optimizers.critic_learning_rate,
            steps=recipe.run.steps,
            updates_per_step=recipe.step.critic_steps,
            burn_in=recipe.step.burn_in_steps(recipe.run.steps),
            critic=critic,
        ),
    )
    return model


def build_control(
    recipe: Recipe, model: AdversarialModel, *, with_unlabelled_terms: bool = False
) -> SupervisedClassifier:
    """Creates the control of a model and compiles it with the critic's optimizer.

    Args:
        recipe: the recipe of the model.
        model: the model that the control is compared with.
        with_unlabelled_terms: bool, whether the control learns from unlabelled images too, by the
            terms of the model that need no generator.

    Raises:
        ValueError: the model has no control.
    """
    control = model.make_control(with_unlabelled_terms=with_unlabelled_terms)
    optimizers = recipe.optimizers
    control.compile(
        optimizers.make(
            optimizers.critic_learning_rate,
            steps=recipe.run.steps,
            burn_in=recipe.step.burn_in_steps(recipe.run.steps),
            critic=control.network,
        )
    )
    return control


def build_under(
    strategy: tf.distribute.Strategy, recipe: Recipe, build: Callable[[], Trainer]
) -> Trainer:
    """Builds a trainer under a strategy, from the seed of the run, in its precision.

    Args:
        strategy: where the variables are created.
        recipe: the recipe of the run.
        build: creates the trainer.

    Raises:
        UserError: the models refuse an option.
    """
    keras.utils.set_random_seed(recipe.run.seed)
    keras.config.set_dtype_policy(recipe.devices.precision)
    try:
        with strategy.scope():
            model = build()
    except ValueError as error:
        raise UserError(as_flags(recipe, str(error))) from None
    finally:
        keras.config.set_dtype_policy("float32")
    model.jit_compile = recipe.devices.jit == "on"
    model.rematerialise = recipe.devices.rematerialise
    model.steps_per_execution = recipe.devices.known_steps_per_call
    return model


def build_for(
    recipe: Recipe, data: ImageData, strategy: tf.distribute.Strategy
) -> AdversarialModel:
    """Builds the model of a recipe for some data, under a strategy; see `build_under`."""
    return build_under(
        strategy,
        recipe,
        lambda: build_model(
            recipe, image_shape=data.image_shape, class_names=tuple(data.class_names)
        ),
    )
