"""The recipes: one small file a (model, data set), found by its name.

`training/recipes/MODEL.py` has the model's recipe class and its `RECIPE` for any data set;
`MODEL_DATA.py` the one for a data set, `MODEL_NAME.py` one that is asked for by `--recipe NAME`.
"""

import dataclasses
import difflib
import importlib
import pkgutil
import re

from training.errors import UserError
from training.recipe import Recipe

MODELS = {
    "clsgan": "ConditionalLossSensitiveGAN: semi-supervised image classification (Qi, 2017)",
    "lsgan": "LeastSquaresGAN: least squares (Mao et al., 2017)",
}
ALIASES = {
    "cls-gan": "clsgan",
    "cls_gan": "clsgan",
    "conditional_loss_sensitive_gan": "clsgan",
    "least_squares_gan": "lsgan",
}


def model_name(name: str) -> str:
    """Returns the canonical name of a model, or raises UserError with the nearest names."""
    lower = name.lower()
    if ALIASES.get(lower, lower) in MODELS:
        return ALIASES.get(lower, lower)
    near = difflib.get_close_matches(lower, [*MODELS, *ALIASES], n=2)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    raise UserError(f"Unknown model {name!r}.{hint} Models: {', '.join(MODELS)}.")


def available(model: str) -> list[str]:
    """Lists what may follow `--recipe` (data sets and named variants) for a model."""
    prefix = f"{model}_"
    names = [module.name for module in pkgutil.iter_modules(__path__)]
    return sorted(name.removeprefix(prefix) for name in names if name.startswith(prefix))


def find(model: str, *, data: str | None = None, name: str = "") -> Recipe:
    """Finds the recipe to start from.

    Args:
        model: str, a model's name or alias.
        data: str, the data set asked for; None for the recipe's own.
        name: str, a named recipe; empty for the one for the data set, or else the model's.

    Raises:
        UserError: unknown model or recipe name.
    """
    model = model_name(model)
    choices = available(model)
    if name and name not in choices:
        near = difflib.get_close_matches(name, choices, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise UserError(f"{model} has no recipe {name!r}.{hint} Recipes: {', '.join(choices)}.")
    by_data = re.sub(r"\W", "_", data or "digits")
    wanted = name or (by_data if by_data in choices else "")
    module = f"{model}_{wanted}" if wanted else model
    recipe: Recipe = importlib.import_module(f"training.recipes.{module}").RECIPE
    return dataclasses.replace(recipe, recipe=name, data=recipe.data if data is None else data)
