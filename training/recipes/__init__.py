"""The recipes: one small file a (model, data set), found by its name.

`training/recipes/MODEL.py` has the model's recipe class and its `RECIPE` for any data set;
`MODEL_DATA.py` the one for a data set, `MODEL_NAME.py` one that is asked for by `--recipe NAME`.
"""

import dataclasses
import difflib
import importlib
import pkgutil
import re

from training.recipe import Recipe
from zoo.errors import UserError

MODELS = {
    "gan": "ClassicGAN: the original, non-saturating or minimax (Goodfellow et al., 2014)",
    "lsgan": "LeastSquaresGAN: least squares (Mao et al., 2017)",
    "wgan": "WassersteinGAN with weight clipping (Arjovsky et al., 2017)",
    "wgan_gp": "WassersteinGAN with a gradient penalty (Gulrajani et al., 2017)",
    "ls_gan": "LossSensitiveGAN: loss-sensitive (Qi, 2017)",
    "glsgan": "GeneralizedLossSensitiveGAN: from LS-GAN to WGAN (Qi, 2017)",
    "clsgan": "ConditionalLossSensitiveGAN: semi-supervised image classification (Qi, 2017)",
    "lgan": "LipschitzGAN: six objectives under the MaxGP penalty (Zhou et al., 2019)",
    "hinge": "HingeGAN: margin loss (Lim and Ye, 2017)",
}
ALIASES = {
    "classic_gan": "gan",
    "least_squares_gan": "lsgan",
    "wasserstein_gan": "wgan",
    "wgan-gp": "wgan_gp",
    "ls-gan": "ls_gan",
    "loss_sensitive_gan": "ls_gan",
    "gls-gan": "glsgan",
    "gls_gan": "glsgan",
    "generalized_loss_sensitive_gan": "glsgan",
    "cls-gan": "clsgan",
    "cls_gan": "clsgan",
    "conditional_loss_sensitive_gan": "clsgan",
    "lipschitz_gan": "lgan",
    "hinge_gan": "hinge",
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
    names = [module.name for module in pkgutil.iter_modules(__path__)]
    mine = (name for name in names if name not in MODELS and _model_of(name) == model)
    return sorted(name.removeprefix(f"{model}_") for name in mine)


def _model_of(module: str) -> str:
    """The model whose recipe a module is: `wgan_gp_digits` is one of wgan_gp, not of wgan."""
    return max((name for name in MODELS if module.startswith(f"{name}_")), key=len, default="")


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
