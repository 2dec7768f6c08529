"""What is measured: models, networks, and the ways to run a step."""

import dataclasses
import os
from typing import Any

from training.recipe_file import override
from training.recipes import find

IMAGE_SHAPE = (32, 32, 3)
BATCH = int(os.environ.get("BENCHMARK_BATCH", "64"))
"""Images of one step; a process reads its own from the variable."""
CLASSES = 10
MODELS = (
    "gan",
    "lsgan",
    "wgan_gp",
    "ls_gan",
    "lgan",
    "clsgan",
    "hinge",
    "ragan",
    "f_gan",
    "r3gan",
)
COMPARES_WITH_REAL = ("ragan", "r3gan")
"""Models whose generator also needs the scores of the real images."""
NETWORKS = {
    "dcgan": {"generator_filters": 256, "critic_filters": 64},
    # A quarter of the paper's width: a step of the whole takes half a minute on two cores.
    "resnet": {"generator_filters": 32, "critic_filters": 32},
}


@dataclasses.dataclass(frozen=True)
class Case:
    """A model with its networks.

    Attributes:
        model: the model's name.
        network: `"dcgan"` or `"resnet"`. CLS-GAN's critic is the paper's classifier in both.
        options: fields of the recipe that differ from what all frameworks do alike.
    """

    model: str
    network: str
    options: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def name(self) -> str:
        """What it is called in tables."""
        return f"{self.model}, {self.network}"


CASES = [Case(model, network) for network in NETWORKS for model in MODELS]


@dataclasses.dataclass(frozen=True)
class Contender:
    """A way to run the step.

    Attributes:
        name: what it is called in tables.
        kind: `"ours"`, `"keras"` or `"torch"`.
        onednn: whether TensorFlow uses oneDNN's kernels; None leaves it TensorFlow's choice.
        bfloat16: whether networks compute in bfloat16.
        compiled: whether XLA, or `torch.compile`, compiles the step.
        steps_per_call: steps that TensorFlow takes before Python sees them.
        channels_last: PyTorch's memory layout.
        graph: whether PyTorch replays the step as a CUDA graph.
        devices: logical devices of the one card, or of the CPU, that MirroredStrategy uses.
    """

    name: str
    kind: str
    onednn: bool | None = None
    bfloat16: bool = False
    compiled: bool = False
    steps_per_call: int = 1
    channels_last: bool = False
    graph: bool = False
    devices: int = 1


CONTENDERS = [
    Contender("ours", "ours", onednn=True),
    Contender("ours, XLA", "ours", onednn=True, compiled=True),
    Contender("ours, 10 steps a call", "ours", onednn=True, steps_per_call=10),
    Contender("ours, without oneDNN", "ours", onednn=False),
    Contender("ours, bfloat16", "ours", onednn=True, bfloat16=True),
    Contender("ours, bfloat16, XLA", "ours", onednn=True, bfloat16=True, compiled=True),
    Contender("ours, bfloat16, 10 steps a call", "ours", True, True, False, 10),
    Contender("plain Keras", "keras"),
    Contender("Keras with oneDNN", "keras", onednn=True),
    Contender("PyTorch", "torch"),
    Contender("PyTorch, channels last", "torch", channels_last=True),
    Contender("PyTorch, compiled", "torch", compiled=True),
    Contender("PyTorch, bfloat16", "torch", bfloat16=True),
    Contender("PyTorch, bfloat16, channels last", "torch", bfloat16=True, channels_last=True),
    Contender("PyTorch, bfloat16, compiled", "torch", bfloat16=True, compiled=True),
]


GPU_CONTENDERS = [
    Contender("ours", "ours", compiled=True),
    Contender("ours, 50 steps a call", "ours", compiled=True, steps_per_call=50),
    Contender("ours, bfloat16, 50 steps a call", "ours", True, True, True, 50),
    Contender("ours, without XLA", "ours"),
    Contender("two devices, 10 steps a call", "ours", compiled=True, steps_per_call=10, devices=2),
    Contender("two devices, without XLA", "ours", devices=2),
    Contender("plain Keras", "keras"),
    Contender("Keras with XLA", "keras", compiled=True),
    Contender("Keras with XLA, 10 steps a call", "keras", compiled=True, steps_per_call=10),
    Contender("PyTorch", "torch"),
    Contender("PyTorch, channels last", "torch", channels_last=True),
    Contender("PyTorch, bfloat16, channels last", "torch", bfloat16=True, channels_last=True),
    Contender("PyTorch, compiled", "torch", compiled=True, channels_last=True),
    Contender("PyTorch, compiled, bfloat16", "torch", None, True, True, 1, True),
    Contender("PyTorch, CUDA graph", "torch", channels_last=True, graph=True),
    Contender("PyTorch, CUDA graph, bfloat16", "torch", None, True, False, 1, True, True),
]
"""On a GPU float32 products and convolutions use TF32 in all of them."""


def recipe_of(case: Case) -> Any:
    """Makes the model's recipe, with what all frameworks here do alike.

    One critic step to a generator step, fresh latents, batch normalisation in the generator only,
    no average of the weights, no schedules and no dropout; rates, optimizer, penalty and loss are
    the recipe's own.
    """
    semi = case.model == "clsgan"
    network = "clsgan" if semi else case.network
    recipe = find(case.model, data="cifar10", name="paper" if semi else "")
    changes: dict[str, Any] = {
        "network": network,
        "batch_size": BATCH,
        "critic_steps": 1,
        "latent": "normal",
        "latent_dim": 128,
        "shared_latents": False,
        "generator_normalization": "batch",
        "critic_normalization": "none",
        "ema": None,
        "ema_half_life": None,
        "burn_in": None,
        "final_penalty_weight": None,
        "final_beta_2": None,
        "learning_rate_decay": "none",
        "decay_factor": None,
        "decay_every": None,
        **NETWORKS[case.network],
    }
    if semi:
        # The paper's own objective; its critic at a third of the paper's width.
        changes |= {
            "generator_network": case.network,
            "critic_filters": 32,
            "labels": 1000,
            "classes_by_average": False,
            "unlabelled_ramp": 0.0,
            "unlabelled_cross_entropy": 0.0,
            "confidence": 0.0,
            "dropout": 0.0,
        }
    else:
        changes |= {"generator_batches": 1}
    return override(recipe, changes | case.options, source="benchmarks.train_step")
