"""PyTorch's step on a GPU: eager, channels last, autocast, `torch.compile` and CUDA graphs."""

import contextlib
from collections.abc import Callable

import torch

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


class Calls:
    """Takes several steps in a call, as they are or as a CUDA graph, then waits for the device.

    Args:
        case: model and networks.
        contender: how.
        reference: weights, images, labels and constants.
        tf32: whether float32 products and convolutions use TF32, as TensorFlow does by default.
    """

    steps = STEPS

    def __init__(
        self, case: cases.Case, contender: cases.Contender, reference: dict, *, tf32: bool = True
    ):
        torch.backends.cudnn.allow_tf32 = tf32
        torch.backends.cuda.matmul.allow_tf32 = tf32
        torch.backends.cudnn.benchmark = True
        # A graph does not own its step's tensors, so the step is stored too.
        self.step = Step(case, contender, reference)
        self.take = _graph(self.step) if contender.graph else self.step

    def __call__(self) -> None:
        for _ in range(STEPS):
            self.take()
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
