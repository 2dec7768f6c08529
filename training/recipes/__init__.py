"""Recipes by model: `training/recipes/MODEL.py` holds `RECIPES`, the model's recipes by name.

The name is that of a data set, or of a variant that is chosen by `--recipe`. The name `""` is the
recipe for any other data.
"""

import difflib
import importlib
import re

from training.recipe import Recipe
from zoo.errors import UserError
from zoo.models import MODELS, model_name


def recipes(model: str) -> dict[str, Recipe]:
    """Returns the recipes of a model by name.

    Args:
        model: str, a name in `zoo.models.MODELS`.
    """
    return importlib.import_module(f"training.recipes.{model}").RECIPES


def available(model: str) -> list[str]:
    """Lists what may follow `--recipe` (data sets and named variants) for a model."""
    return sorted(name for name in recipes(model) if name)


def find(model: str, *, data: str | None = None, name: str = "") -> Recipe:
    """Finds the recipe to start from.

    Args:
        model: str, a model's name or alias; `MODEL_RECIPE`, such as `lsgan_gp`, names both.
        data: str, the data set to train on; None for the recipe's own.
        name: str, a named recipe; empty for the recipe of the data set, or else the model's.

    Raises:
        UserError: unknown model or recipe name.
    """
    model, name = _split(model, name)
    known = recipes(model)
    if name and name not in known:
        choices = available(model)
        near = difflib.get_close_matches(name, choices, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise UserError(f"{model} has no recipe {name!r}.{hint} Recipes: {', '.join(choices)}.")
    by_data = re.sub(r"\W", "_", data or "digits")
    recipe = known[name or (by_data if by_data in known else "")]
    recipe = recipe.with_options(recipe=name)
    return recipe if data is None else recipe.with_options(data=data)


def _split(model: str, name: str) -> tuple[str, str]:
    """Returns the names of model and recipe, given both or `MODEL_RECIPE`."""
    try:
        return model_name(model), name
    except ValueError as error:
        for base in sorted(MODELS, key=len, reverse=True):
            recipe = model.lower().removeprefix(f"{base}_")
            if not name and recipe != model.lower() and recipe in recipes(base):
                return base, recipe
        raise UserError(str(error)) from None
