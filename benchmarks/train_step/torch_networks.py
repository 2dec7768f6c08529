"""The networks of the cases in PyTorch, and the zoo's weights put into them.

Images are `[B, C, H, W]` here. Where the zoo lays out `[H, W, C]` as one vector, so do these, so
that the weights of dense layers fit.
"""

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

_KERNELS_STRIDES = ((3, 1), (3, 1), (4, 2), (3, 1), (3, 1), (4, 2), (3, 1), (3, 1), (1, 1))


class DCGANGenerator(nn.Module):
    """Dense, then (batch norm, ReLU, 4x4 up-convolution) to 32 x 32, tanh."""

    def __init__(self, inputs: int, filters: int):
        super().__init__()
        self.filters = filters
        self.project = nn.Linear(inputs, 16 * filters, bias=False)
        channels = [filters, filters // 2, filters // 4, 3]
        self.ups = nn.ModuleList(
            nn.ConvTranspose2d(channels[i], channels[i + 1], 4, 2, 1, bias=False) for i in range(3)
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(c, eps=1e-5) for c in channels[:3])

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        x = self.project(z).view(-1, 4, 4, self.filters).permute(0, 3, 1, 2)
        for norm, up in zip(self.norms, self.ups, strict=True):
            x = up(functional.relu(norm(x)))
        return torch.tanh(x)


class DCGANCritic(nn.Module):
    """4x4 stride-2 convolutions with LeakyReLU(0.2) from 32 x 32 to 4 x 4, then dense."""

    def __init__(self, filters: int):
        super().__init__()
        channels = [3, filters, 2 * filters, 4 * filters]
        self.downs = nn.ModuleList(
            nn.Conv2d(channels[i], channels[i + 1], 4, 2, 1, bias=False) for i in range(3)
        )
        self.score = nn.Linear(16 * channels[3], 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for down in self.downs:
            x = functional.leaky_relu(down(x), 0.2)
        return self.score(x.permute(0, 2, 3, 1).flatten(1))[:, 0]


class Block(nn.Module):
    """The residual block of `zoo.networks.resnet`."""

    def __init__(self, filters: int, *, resample: str, norm: bool):
        super().__init__()
        self.resample = resample
        self.norm_1 = _slow_norm(filters) if norm else nn.Identity()
        self.norm_2 = _slow_norm(filters) if norm else nn.Identity()
        self.convolution_1 = nn.Conv2d(filters, filters, 3, padding=1)
        self.convolution_2 = nn.Conv2d(filters, filters, 3, padding=1)
        self.shortcut = nn.Conv2d(filters, filters, 1) if resample != "none" else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        residual = functional.relu(self.norm_1(x))
        if self.resample == "up":
            residual = functional.interpolate(residual, scale_factor=2)
        residual = self.convolution_1(residual)
        residual = self.convolution_2(functional.relu(self.norm_2(residual)))
        if self.shortcut is None:
            return x + residual
        if self.resample == "up":
            return functional.interpolate(self.shortcut(x), scale_factor=2) + residual
        return self.shortcut(functional.avg_pool2d(x, 2)) + functional.avg_pool2d(residual, 2)


def _slow_norm(filters: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(filters, eps=1e-3, momentum=0.01)


class ResNetGenerator(nn.Module):
    """Dense, three blocks that double, norm, ReLU, convolution, tanh."""

    def __init__(self, inputs: int, filters: int):
        super().__init__()
        self.filters = filters
        self.project = nn.Linear(inputs, 16 * filters)
        self.blocks = nn.ModuleList(Block(filters, resample="up", norm=True) for _ in range(3))
        self.norm = _slow_norm(filters)
        self.output = nn.Conv2d(filters, 3, 3, padding=1)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        x = self.project(z).view(-1, 4, 4, self.filters).permute(0, 3, 1, 2)
        for block in self.blocks:
            x = block(x)
        return torch.tanh(self.output(functional.relu(self.norm(x))))


class ResNetCritic(nn.Module):
    """Two residual halvings, two plain blocks, ReLU, mean over positions, dense."""

    def __init__(self, filters: int):
        super().__init__()
        self.first_1 = nn.Conv2d(3, filters, 3, padding=1)
        self.first_2 = nn.Conv2d(filters, filters, 3, padding=1)
        self.first_shortcut = nn.Conv2d(3, filters, 1)
        kinds = ("down", "none", "none")
        self.blocks = nn.ModuleList(Block(filters, resample=kind, norm=False) for kind in kinds)
        self.score = nn.Linear(filters, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = functional.avg_pool2d(self.first_2(functional.relu(self.first_1(images))), 2)
        x = x + self.first_shortcut(functional.avg_pool2d(images, 2))
        for block in self.blocks:
            x = block(x)
        return self.score(functional.relu(x).mean(dim=(2, 3)))[:, 0]


class Classifier(nn.Module):
    """The CLS-GAN paper's nine convolutions, mean over positions, a logit a class."""

    def __init__(self, filters: int, classes: int):
        super().__init__()
        channels = [3] + [filters] * 3 + [2 * filters] * 6
        self.convolutions = nn.ModuleList(
            nn.Conv2d(channels[i], channels[i + 1], kernel, stride, padding=(kernel - 1) // 2)
            for i, (kernel, stride) in enumerate(_KERNELS_STRIDES)
        )
        self.predictions = nn.Linear(2 * filters, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for convolution in self.convolutions:
            x = functional.leaky_relu(convolution(x), 0.2)
        return self.predictions(x.mean(dim=(2, 3)))


def slots(network: nn.Module) -> list[tuple[str, Any, tuple[int, ...]]]:
    """Lists this network's weights in Keras' order, each with the order of its axes there."""
    found: list[tuple[str, Any, tuple[int, ...]]] = []
    for name, layer in network.named_modules():
        if isinstance(layer, nn.BatchNorm2d):
            parts = (layer.weight, layer.bias, layer.running_mean, layer.running_var)
            found += [(name, part, (0,)) for part in parts]
        elif isinstance(layer, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)):
            axes = (1, 0) if isinstance(layer, nn.Linear) else (3, 2, 0, 1)
            found.append((name, layer.weight, axes))
            if layer.bias is not None:
                found.append((name, layer.bias, (0,)))
    return found


def load(network: nn.Module, weights: list[np.ndarray]) -> None:
    """Puts the weights of a Keras network into this one, layer by layer in Keras' order.

    Raises:
        ValueError: the networks do not have the same weights.
    """
    mine = slots(network)
    if len(mine) != len(weights):
        raise ValueError(f"{len(mine)} weights here, {len(weights)} there.")
    for (name, target, axes), weight in zip(mine, weights, strict=True):
        values = torch.from_numpy(np.ascontiguousarray(weight.transpose(axes)))
        if target.shape != values.shape:
            raise ValueError(f"{name} is {tuple(target.shape)} here, {tuple(values.shape)} there.")
        target.data.copy_(values)
