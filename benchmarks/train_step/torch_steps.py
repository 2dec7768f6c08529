"""The same step in PyTorch, as its users write it: two optimizers, autograd, autocast."""

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from benchmarks.train_step import torch_networks as networks
from benchmarks.train_step.cases import (
    BATCH,
    CLASSES,
    COMPARES_WITH_REAL,
    NETWORKS,
    Case,
    Contender,
    recipe_of,
)

Numbers = dict[str, np.ndarray]
_GENERATORS: dict[str, Any] = {"dcgan": networks.DCGANGenerator, "resnet": networks.ResNetGenerator}
_CRITICS: dict[str, Any] = {"dcgan": networks.DCGANCritic, "resnet": networks.ResNetCritic}


def relativistic_average(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Computes RaGAN's loss if `left` should have the larger scores."""
    more = functional.softplus(right.mean() - left)
    return more + functional.softplus(right - left.mean())


SCORE_LOSSES: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "gan": lambda real, fake: functional.softplus(-real) + functional.softplus(fake),
    "hinge": lambda real, fake: functional.relu(1.0 - real) + functional.relu(1.0 + fake),
    "f_gan": lambda real, fake: torch.exp(fake - 1.0) - real,
    "ragan": relativistic_average,
}
"""The critic's losses that need the scores alone."""


class Step:
    """Runs the step on one batch that stays in memory, from the weights of `ours.Step.reference`.

    Args:
        case: model and networks.
        contender: how.
        reference: weights, images, labels and constants.
    """

    steps = 1

    def __init__(self, case: Case, contender: Contender, reference: Numbers):
        self.case = case
        self.contender = contender
        self.constants = {
            name.removeprefix("constant/"): float(value)
            for name, value in reference.items()
            if name.startswith("constant/")
        }
        recipe = recipe_of(case)
        self.semi = case.model == "clsgan"
        self.latent_dim = recipe.networks.latent_dim
        inputs = recipe.networks.latent_dim + (CLASSES if self.semi else 0)
        generator = _GENERATORS[case.network](inputs, NETWORKS[case.network]["generator_filters"])
        critic: Any = (
            networks.Classifier(recipe.networks.critic_filters, CLASSES)
            if self.semi
            else _CRITICS[case.network](recipe.networks.critic_filters)
        )
        for network, name in ((generator, "generator"), (critic, "critic")):
            networks.load(network, _numbered(reference, name))
            if contender.channels_last:
                for parameter in network.parameters():
                    _set_channels_last(parameter)
        self.generator, self.critic = generator, critic
        self.optimizers = {
            name: torch.optim.Adam(
                network.parameters(),
                lr=self.constants[f"{name}_rate"],
                betas=(self.constants["beta_1"], self.constants["beta_2"]),
                eps=self.constants["epsilon"],
                fused=True,
            )
            for name, network in (("generator", generator), ("critic", critic))
        }
        self.images = {
            name.removeprefix("images/"): self._images(values)
            for name, values in reference.items()
            if name.startswith("images/")
        }
        labels = reference.get("labels")
        self.labels = None if labels is None else torch.from_numpy(labels)
        parts: list[Callable] = [self._critic_loss, self._generator_loss]
        if contender.compiled:
            parts = [torch.compile(part) for part in parts]
        self.critic_loss, self.generator_loss = parts

    def _images(self, values: np.ndarray) -> torch.Tensor:
        images = torch.from_numpy(values).permute(0, 3, 1, 2).float() / 127.5 - 1.0
        layout = torch.channels_last if self.contender.channels_last else torch.contiguous_format
        return images.contiguous(memory_format=layout)

    def __call__(self) -> None:
        self.take(self.draw())

    def draw(self) -> dict[str, torch.Tensor]:
        """Draws what a step needs."""
        drawn = {"generator_latent": torch.randn(BATCH, self.latent_dim)}
        drawn["interpolate"] = torch.rand(BATCH)
        for stream in self.images:
            drawn[f"{stream}_latent"] = torch.randn(BATCH, self.latent_dim)
            drawn[f"{stream}_class"] = torch.randint(CLASSES, (BATCH,))
        return drawn

    def take(self, drawn: dict[str, torch.Tensor]) -> tuple[float, float]:
        """Takes a critic step and a generator step; returns their losses."""
        losses: list[torch.Tensor] = []
        for name, loss_of in (("critic", self.critic_loss), ("generator", self.generator_loss)):
            optimizer = self.optimizers[name]
            optimizer.zero_grad(set_to_none=True)
            for parameter in self.critic.parameters():
                parameter.requires_grad_(name == "critic")
            loss = loss_of(drawn)
            loss.backward()
            optimizer.step()
            losses.append(loss)
        return losses[0].item(), losses[1].item()

    def _precision(self) -> contextlib.AbstractContextManager:
        if not self.contender.bfloat16:
            return contextlib.nullcontext()
        return torch.autocast("cpu", dtype=torch.bfloat16)

    def _score(self, images: torch.Tensor) -> torch.Tensor:
        with self._precision():
            scores = self.critic(images)
        return scores.float()

    def _generate(self, latent: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        if labels is not None:
            latent = torch.cat([latent, functional.one_hot(labels, CLASSES).float()], dim=1)
        with self._precision():
            images = self.generator(latent)
        return images.float()

    def _critic_loss(self, drawn: dict[str, torch.Tensor]) -> torch.Tensor:
        if self.semi:
            return self._semi_supervised_loss(drawn)
        real = self.images["real"]
        with torch.no_grad():
            fake = self._generate(drawn["real_latent"], None)
        c_real, c_fake = self._score(real), self._score(fake)
        of, model = self.constants, self.case.model
        if model in SCORE_LOSSES:
            return SCORE_LOSSES[model](c_real, c_fake).mean()
        if model == "r3gan":
            squares = sum(self._norms(points) ** 2 for points in (real, fake))
            penalty = 0.5 * of["penalty_weight"] * squares.mean()
            return functional.softplus(c_fake - c_real).mean() + penalty
        if model == "lsgan":
            distances = (c_real - of["real_target"]) ** 2 + (c_fake - of["fake_target"]) ** 2
            return 0.5 * distances.mean()
        if model == "ls_gan":
            delta = of["margin_scale"] * (real - fake).abs().mean(dim=(1, 2, 3))
            return functional.relu(delta + c_real - c_fake).mean()
        u = drawn["interpolate"][:, None, None, None]
        norms = self._norms(u * real + (1.0 - u) * fake)
        if model == "wgan_gp":
            return (c_fake - c_real).mean() + of["penalty_weight"] * ((norms - 1.0) ** 2).mean()
        pair = functional.softplus(c_fake) + functional.softplus(-c_real)
        return pair.mean() + of["penalty_weight"] * norms.max() ** 2

    def _norms(self, points: torch.Tensor) -> torch.Tensor:
        """Computes the critic's gradient norm at each point."""
        points = points.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(self._score(points).sum(), points, create_graph=True)
        return ((gradient**2).sum(dim=(1, 2, 3)) + 1e-12).sqrt()

    def _semi_supervised_loss(self, drawn: dict[str, torch.Tensor]) -> torch.Tensor:
        total = torch.zeros(())
        assert self.labels is not None
        for stream, real in self.images.items():
            classes = self.labels if stream == "labelled" else drawn[f"{stream}_class"]
            with torch.no_grad():
                fake = self._generate(drawn[f"{stream}_latent"], classes)
            losses = [_class_losses(self._score(images)) for images in (real, fake)]
            if stream == "labelled":
                l_real, l_fake = (_of_class(each, self.labels) for each in losses)
                total = total + l_real.mean()
            else:
                l_real, l_fake = (each.min(dim=1).values for each in losses)
            delta = self.constants["margin_scale"] * (real - fake).abs().mean(dim=(1, 2, 3))
            total = total + functional.relu(delta + l_real - l_fake).mean()
        return total

    def _generator_loss(self, drawn: dict[str, torch.Tensor]) -> torch.Tensor:
        scores = self._score(self._generate(drawn["generator_latent"], self.labels))
        model = self.case.model
        if model == "clsgan":
            return _of_class(_class_losses(scores), self.labels).mean()
        if model == "gan":
            return functional.softplus(-scores).mean()
        if model in COMPARES_WITH_REAL:
            c_real = self._score(self.images["real"])
            if model == "ragan":
                return relativistic_average(scores, c_real).mean()
            return functional.softplus(c_real - scores).mean()
        if model == "lsgan":
            return 0.5 * ((scores - self.constants["generator_target"]) ** 2).mean()
        return scores.mean() if model == "ls_gan" else -scores.mean()


def losses_of_reference(case: Case, reference: Numbers) -> tuple[float, float]:
    """Takes the step that the reference took, from its weights and its noise."""
    step = Step(case, Contender("check", "torch"), reference)
    drawn: dict[str, Any] = {
        name: torch.from_numpy(values)
        for name, values in reference.items()
        if name == "interpolate" or name.endswith(("_latent", "_class"))
    }
    return step.take(drawn)


def _set_channels_last(parameter: nn.Parameter) -> None:
    if parameter.dim() == 4:
        parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)


def _class_losses(logits: torch.Tensor) -> torch.Tensor:
    return functional.softplus(torch.logsumexp(logits, dim=1, keepdim=True)) - logits


def _of_class(losses: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
    assert labels is not None
    return losses.gather(1, labels[:, None])[:, 0]


def _numbered(reference: Numbers, name: str) -> list[np.ndarray]:
    count = sum(key.startswith(f"{name}/") for key in reference)
    return [reference[f"{name}/{i}"] for i in range(count)]
