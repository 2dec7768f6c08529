"""Options that the default recipe of CLS-GAN chooses by the images, the labels and the device."""

from collections.abc import Mapping
from typing import Any

from training.recipe import Recipe
from training.recipes import find

FEW_LABELS = 25
"""Labels per class up to which the classes of unlabelled images are aligned: with so few labels,
pseudo-labels drift towards the classes that are easy."""
LARGE_SIDE = 48
"""Side in pixels from which a CPU trains half the width."""


def choices(
    *, image_shape: tuple[int, ...], labels_per_class: float, on_gpu: bool
) -> Mapping[str, Any]:
    """Returns the options that follow from the data and the device.

    - Images move by up to an eighth of their side. Colour images are mirrored too, and their strong
      view is as strong as possible. Grey images are often drawings, whose mirror image may be of
      another class.
    - A GPU trains four times the width of a CPU, on more unlabelled images per labelled one.
    - Few labels per class need aligned classes.

    Args:
        image_shape: (H, W, C).
        labels_per_class: float, labelled images per class.
        on_gpu: bool, whether a GPU trains.
    """
    *sides, channels = image_shape
    side, colour = min(sides), channels == 3
    width = 64 if on_gpu else 16
    if not on_gpu and side >= LARGE_SIDE:
        width //= 2
    return {
        "shift": max(round(side / 8), 1),
        "flip": colour,
        "strong": 1.0 if colour else 0.6,
        "critic_filters": width,
        "generator_filters": 4 * width,
        "unlabelled_batches": 5 if on_gpu else 2,
        "distribution_alignment": labels_per_class <= FEW_LABELS,
    }


def adapted(
    recipe: Recipe, *, image_shape: tuple[int, ...], num_classes: int, images: int, on_gpu: bool
) -> Recipe:
    """Returns a recipe with the options that follow from the data and the device.

    Options that the user gave, or that the recipe sets to something else than the default recipe,
    stay as they are. Recipes without `adapt` stay as they are.

    Args:
        recipe: a checked recipe.
        image_shape: (H, W, C).
        num_classes: int, number of classes.
        images: int, number of training images.
        on_gpu: bool, whether a GPU trains.
    """
    if not recipe.supervision.adapt:
        return recipe
    default, options = find(recipe.model).flat(), recipe.flat()
    labels = recipe.supervision.label_count or images
    chosen = choices(
        image_shape=image_shape, labels_per_class=labels / num_classes, on_gpu=on_gpu
    )
    free = {
        name: value
        for name, value in chosen.items()
        if name not in recipe.given and options[name] == default[name]
    }
    if not recipe.supervision.semi_supervised:
        free.pop("distribution_alignment", None)
    return recipe.with_options(**free)
