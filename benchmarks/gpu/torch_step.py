"""PyTorch's step on a GPU: eager, channels last, autocast, `torch.compile` and CUDA graphs."""

import contextlib
import functools
import json
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Callable

import numpy as np
import torch

from benchmarks.gpu.builders import Makers, case_of
from benchmarks.gpu.specs import Spec
from benchmarks.train_step import cases, torch_steps

STEPS = 10
"""Steps of one call, after which the host waits for the device."""
WARMUP = 3
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


class Step(torch_steps.Step):
    """The benchmark's step with networks, images and noise on the GPU.

    Nothing is copied to the host in a step. That is faster than the usual `loss.item()`.
    """

    def __init__(self, case: cases.Case, contender: cases.Contender, reference: dict):
        super().__init__(case, contender, reference)
        layout = torch.channels_last if contender.channels_last else torch.contiguous_format
        self.generator.to(DEVICE, memory_format=layout)
        self.critic.to(DEVICE, memory_format=layout)
        self.images = {
            name: values.to(DEVICE, memory_format=layout) for name, values in self.images.items()
        }
        self.labels = None if self.labels is None else self.labels.to(DEVICE)
        self.optimizers = {
            name: torch.optim.Adam(
                network.parameters(),
                lr=self.constants[f"{name}_rate"],
                betas=(self.constants["beta_1"], self.constants["beta_2"]),
                eps=self.constants["epsilon"],
                fused=True,
                capturable=DEVICE == "cuda",
            )
            for name, network in (("generator", self.generator), ("critic", self.critic))
        }

    def draw(self) -> dict[str, torch.Tensor]:
        """Draws what a step needs, on the device."""
        size = (cases.BATCH, self.latent_dim)
        drawn = {"generator_latent": torch.randn(size, device=DEVICE)}
        drawn["interpolate"] = torch.rand(cases.BATCH, device=DEVICE)
        for stream in self.images:
            drawn[f"{stream}_latent"] = torch.randn(size, device=DEVICE)
            drawn[f"{stream}_class"] = torch.randint(cases.CLASSES, (cases.BATCH,), device=DEVICE)
        return drawn

    def _precision(self) -> contextlib.AbstractContextManager:
        if not self.contender.bfloat16:
            return contextlib.nullcontext()
        # A CUDA graph cannot hold the cache of weights cast before it was captured.
        return torch.autocast(DEVICE, dtype=torch.bfloat16, cache_enabled=False)

    def __call__(self) -> None:
        """Takes one step without waiting for it."""
        drawn = self.draw()
        for name, loss_of in (("critic", self.critic_loss), ("generator", self.generator_loss)):
            optimizer = self.optimizers[name]
            optimizer.zero_grad(set_to_none=True)
            for parameter in self.critic.parameters():
                parameter.requires_grad_(name == "critic")
            loss_of(drawn).backward()
            optimizer.step()


def _wait() -> None:
    if DEVICE == "cuda":
        torch.cuda.synchronize()


def _graph(step: Step) -> Callable[[], None]:
    """Captures a step as a CUDA graph; returns what replays it."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(WARMUP):
            step()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def build(spec: Spec) -> Makers:
    """Returns what builds each mode: words of `eager`, `channels_last`, `bfloat16`, `graph`."""
    # TensorFlow's defaults on a GPU: TF32 for convolutions and for matrix products.
    torch.backends.cudnn.allow_tf32 = spec.tf32
    torch.backends.cuda.matmul.allow_tf32 = spec.tf32
    torch.backends.cudnn.benchmark = True
    reference = _reference(spec)
    steps: list[Step] = []

    def make(mode: str) -> Callable[[], None]:
        contender = cases.Contender(
            mode,
            "torch",
            bfloat16="bfloat16" in mode,
            compiled="compiled" in mode,
            channels_last=mode != "eager",
        )
        step = Step(case_of(spec), contender, reference)
        take = _graph(step) if "graph" in mode else step

        def call() -> None:
            for _ in range(STEPS):
                take()
            _wait()

        # A graph does not own its step's tensors: without this they could be freed.
        steps.append(step)
        return call

    return {mode: functools.partial(make, mode) for mode in spec.modes}


def _reference(spec: Spec) -> dict[str, np.ndarray]:
    """Gets weights, images and constants from this project's model, made in another process.

    TensorFlow in this process would take GPU memory of its own.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "reference.npz"
        words = [spec.model, spec.network, str(spec.batch), str(int(spec.tiny)), str(path)]
        subprocess.run(
            [sys.executable, "-m", "benchmarks.gpu.torch_reference", json.dumps(words)],
            check=True,
            capture_output=True,
        )
        with np.load(path) as numbers:
            return dict(numbers)
