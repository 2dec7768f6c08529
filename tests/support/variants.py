"""Every registered model as it comes, and with those settings that keep state of their own."""

from tests.support.cases import REGISTERED, SMALL_CLSGAN, tiny_recipe
from training.options.networks import CriticNetworkOptions
from training.options.penalty import ARGUMENTS
from training.recipe import Recipe
from training.recipes import recipes
from zoo.penalties import PENALTIES

PLAIN = {"critic_normalization": "none"}
"""What a penalty needs that looks at one image after another."""

_DEFAULTS = recipes("clsgan")[""].flat()
DEFAULT_CLSGAN: dict[str, object] = {
    **{name: _DEFAULTS[name] for name in SMALL_CLSGAN},
    "adapt": False,
    "shift": 1,
    "distribution_alignment": True,
    "adversarial_every": 2,
}
"""The default recipe of CLS-GAN for small images with few labels."""

VARIANTS: dict[str, tuple[str, dict[str, object]]] = {
    "lgan, max_gp, buffer appended": (
        "lgan",
        {**PLAIN, "penalty": "max_gp", "penalty_buffer": 3, "penalty_buffer_mode": "append"},
    ),
    "lgan, max_al, buffer replaced": (
        "lgan",
        {
            **PLAIN,
            "penalty": "max_al",
            "penalty_weight": 1.0,
            "penalty_buffer": 3,
            "multiplier_rate": 0.1,
        },
    ),
    "wgan_gp, dragan": ("wgan_gp", {**PLAIN, "penalty": "dragan"}),
    "ls_gan, all pairs, direct": ("ls_gan", {**PLAIN, "pairs": "all", "penalty": "direct"}),
    "hinge, spectral norm, label maps": (
        "hinge",
        {
            **PLAIN,
            "conditional": "embedding",
            "label_dim": 2,
            "spectral_norm": True,
            "generator_batches": 2,
        },
    ),
    "lsgan, projection, conditional batch norm": (
        "lsgan",
        {
            **PLAIN,
            "conditional": "projection",
            "generator_normalization": "conditional_batch",
            "spectral_norm": True,
        },
    ),
    "hinge, differentiable augmentation, bcr": (
        "hinge",
        {
            "differentiable_augmentation": "color,translation,cutout,flip",
            "penalty": "bcr",
            "upsampling": "bilinear",
        },
    ),
    "r3gan, own network, lazy penalty": (
        "r3gan",
        {
            "network": "r3gan",
            "generator_filters": 12,
            "penalty_every": 3,
            "final_penalty_weight": 0.1,
            "burn_in": 0.9,
        },
    ),
    "clsgan, residual": ("clsgan", {"network": "residual"}),
    "clsgan, default recipe": ("clsgan", DEFAULT_CLSGAN),
    "clsgan, gp on the true class's loss": (
        "clsgan",
        {**PLAIN, "penalty": "gp", "penalty_weight": 0.1, "shared_latents": True},
    ),
    "clsgan, all terms, fakes in every second step": (
        "clsgan",
        {
            "critic_normalization": "batch",
            "unlabelled_cross_entropy": 0.5,
            "confidence": 0.34,
            "mean_teacher": 2.0,
            "consistency": 0.3,
            "virtual_adversarial": 0.2,
            "entropy": 0.1,
            "class_balance": 0.2,
            "feature_matching": 0.5,
            "adversarial_start": 0.25,
            "adversarial_ramp": 0.25,
            "adversarial_every": 2,
        },
    ),
}
"""Model and changes of what has a buffer, a multiplier, noise or power iterations of its own."""

LOW_PRECISION: dict[str, tuple[str, dict[str, object]]] = {
    f"{model}, float16": (model, {"precision": "mixed_float16"}) for model in ("lsgan", "clsgan")
}
"""What has a loss scale."""


def _penalised(model: str, penalty: str) -> tuple[str, dict[str, object]]:
    options = dict.fromkeys(ARGUMENTS)
    small = {"network": "mlp", "depth": 1, "generator_normalization": "none"}
    return model, {**options, **small, **PLAIN, "penalty": penalty}


PENALISED = {
    f"{model}, {penalty} alone": _penalised(model, penalty)
    for model in REGISTERED
    if isinstance(tiny_recipe(model).networks, CriticNetworkOptions)
    for penalty in PENALTIES
}
"""Every penalty, with its own defaults, on every model with one score an image; small networks."""

_CHANGES = VARIANTS | LOW_PRECISION | PENALISED


def recipe_of(case: str, **changes: object) -> Recipe:
    """The tiny recipe of a registered model, or of one of the cases above."""
    model, own = _CHANGES.get(case, (case, {}))
    recipe = tiny_recipe(model, **(own | changes))
    recipe.check()
    return recipe
