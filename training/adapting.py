"""Options that the default recipe of CLS-GAN chooses by the images, the labels and the device."""

from collections.abc import Mapping
from typing import Any

from training.data.image_data import ImageData
from training.recipe import Recipe
from training.recipes import recipes

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


def free_options(recipe: Recipe) -> frozenset[str]:
    """Returns the names of the options that are chosen automatically.

    These are the options of `choices`, unless the user gave them, or the recipe sets them to
    something else than the default recipe. A recipe without `adapt` has none.
    """
    if not recipe.supervision.adapt:
        return frozenset()
    # The recipe for any data: that of a data set may set some of the options itself.
    default, options = recipes(recipe.model)[""].flat(), recipe.flat()
    names = choices(image_shape=(8, 8, 1), labels_per_class=1, on_gpu=False)
    return frozenset(
        name for name in names if name not in recipe.given and options[name] == default[name]
    )


def with_stored_choices(recipe: Recipe, stored: Mapping[str, Any]) -> Recipe:
    """Returns a recipe with the choices of a run that has begun.

    Args:
        recipe: the recipe to resume with.
        stored: the content of the run's `recipe.json`.
    """
    free = free_options(recipe)
    return recipe.with_options(**{name: stored[name] for name in free if name in stored})


def adapted(recipe: Recipe, data: ImageData, *, on_gpu: bool) -> Recipe:
    """Returns a recipe with the options that follow from the data and the device.

    Args:
        recipe: a checked recipe.
        data: labelled images.
        on_gpu: bool, whether a GPU trains.

    Raises:
        UserError: the networks do not support the shape of the data.
    """
    free = free_options(recipe)
    if not free:
        return recipe
    recipe.check_size(data.image_shape)
    count = recipe.supervision.label_count or len(data.train.images)
    chosen = choices(
        image_shape=data.image_shape,
        labels_per_class=count / data.num_classes,
        on_gpu=on_gpu,
    )
    if not recipe.supervision.semi_supervised:
        free -= {"unlabelled_batches", "distribution_alignment"}
    if not recipe.flat()["classes_by_average"]:
        # No class of an unlabelled image is found by the average, so none is aligned.
        free -= {"distribution_alignment"}
    return recipe.with_options(**{name: chosen[name] for name in free})
