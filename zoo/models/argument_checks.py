"""Checks of a model's arguments: objective, penalty, step and optimizers."""

import keras

from zoo.augmentation import NONE
from zoo.models.objective import Objective
from zoo.networks.autoencoder import AutoEncoderCritic
from zoo.options import NotNegative, StepOptions, check_value
from zoo.penalties.penalty import Penalty


def check_parts(
    objective: Objective,
    objective_class: type[Objective],
    critic: keras.Model,
    penalty: Penalty | None,
    step: StepOptions,
) -> None:
    """Checks the parts of a model, and prepares the penalty for the critic.

    Args:
        objective: options with the losses.
        objective_class: the class that the objective must have.
        critic: the network that the penalty applies to.
        penalty: a penalty, or None.
        step: options of the step.

    Raises:
        ValueError: a part of another class, or an option that is not allowed.
    """
    if not isinstance(objective, objective_class):
        raise ValueError(
            f"`objective` must be a zoo.models.{objective_class.__name__}, received {objective!r}."
        )
    if not isinstance(step, StepOptions):
        raise ValueError(f"`step` must be a zoo.StepOptions, received {step!r}.")
    if not isinstance(penalty, Penalty | None):
        raise ValueError(
            "`penalty` must be None or made by zoo.penalties.make_penalty(name, options), "
            f"received {penalty!r}."
        )
    objective.check()
    objective.check_critic(takes_labels=getattr(critic, "takes_labels", False))
    if objective.needs_auto_encoder and not isinstance(critic, AutoEncoderCritic):
        raise ValueError(
            f"{objective_class.__name__} compares errors of reconstruction, so `critic` must be a "
            f"zoo.networks.AutoEncoderCritic, received a {type(critic).__name__}."
        )
    step.check()
    objective.check_step(step)
    shape = getattr(critic, "image_shape", None)
    if step.differentiable_augmentation != NONE and shape is not None and len(shape) != 3:
        raise ValueError(
            f"`differentiable_augmentation` changes images, and this critic takes points of shape "
            f"{shape}: give `differentiable_augmentation` none."
        )
    if penalty is not None:
        penalty.prepare(critic)


def check_learning_rate(name: str, optimizer: keras.optimizers.Optimizer) -> None:
    """Raises ValueError if the current learning rate is negative or not finite."""
    rate = float(keras.ops.convert_to_numpy(optimizer.learning_rate))
    check_value(f"{name}.learning_rate", rate, NotNegative)
