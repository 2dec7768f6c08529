"""What the speed measurements compare: one process per specification, one row per mode."""

import dataclasses
from typing import Any

MODELS = (("lsgan", "dcgan"), ("wgan_gp", "resnet"), ("clsgan", "dcgan"))
BATCHES = (64, 512)
NO_COMMAND_BUFFERS = {"XLA_FLAGS": "--xla_gpu_enable_command_buffer="}
LOOPS_IN_COMMAND_BUFFERS = {"XLA_FLAGS": "--xla_gpu_enable_command_buffer=+WHILE,+CONDITIONAL"}
UNROLLED = {
    "XLA_FLAGS": "--xla_gpu_enable_command_buffer=+WHILE,+CONDITIONAL "
    "--xla_gpu_command_buffer_unroll_loops=true"
}
KEEP_AUTOTUNING = "--xla_gpu_per_fusion_autotune_cache_dir="
EXCLUDE = "--xla_gpu_exclude_nondeterministic_ops=true"


@dataclasses.dataclass(frozen=True)
class Spec:
    """One process of a measurement.

    Attributes:
        kind: `"ours"`, `"keras"`, `"pure"`, `"replicas"` or `"torch"`: a function in `builders`.
        model: the model's name.
        network: `"dcgan"` or `"resnet"`.
        batch: images in one step's global batch.
        modes: ways to call the step, each `NAME` or `NAME:STEPS`, with the steps of one call.
        label: what differs from the usual settings, for the table.
        options: fields of the recipe to change.
        bfloat16: whether networks compute in bfloat16.
        tf32: whether float32 products may use TF32.
        deterministic: whether TensorFlow's op determinism is on.
        change: name of a function that changes the model, in `changes` or `joint_groups`.
        local_statistics: whether batch statistics stay on their replica.
        environment: variables of the process. `XLA_FLAGS` are added to those that are set.
        tiny: whether networks and batches are so small that a CPU can rehearse.
    """

    kind: str
    model: str
    network: str
    batch: int
    modes: tuple[str, ...]
    label: str = ""
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    bfloat16: bool = False
    tf32: bool = True
    deterministic: bool = False
    change: str = ""
    local_statistics: bool = False
    environment: dict[str, str] = dataclasses.field(default_factory=dict)
    tiny: bool = False

    @property
    def name(self) -> str:
        """The specification's name in tables."""
        words = [self.kind, self.model, self.network, str(self.batch), self.label]
        return " ".join(word for word in words if word)


LAYER = {"generator_normalization": "layer"}


def _replicas() -> list[Spec]:
    """Lists two logical devices with XLA and without, and one device with the same code."""
    specs = []
    for model, network in MODELS[1:]:
        for batch in BATCHES:
            base = Spec("replicas", model, network, batch, ("two:10",), options=LAYER)
            specs += [
                dataclasses.replace(base, modes=("zoo_xla:10",), label="two, ours with XLA"),
                dataclasses.replace(base, modes=("zoo:3",), label="two, ours without XLA"),
                dataclasses.replace(base, modes=("today_xla:10",), label="two, batch norm, XLA"),
                dataclasses.replace(base, modes=("today:3",), label="two, batch norm, no XLA"),
                dataclasses.replace(base, label="two, prototype"),
                dataclasses.replace(base, modes=("one:10",), label="one, prototype"),
            ]
    return specs


def _steps() -> list[Spec]:
    """Lists this project, plain Keras and PyTorch, all with TF32 in float32."""
    calls: dict[int, tuple[str, ...]] = {}
    calls[64] = ("loop:50", "loop_data:50", "call:1", "call:50", "no_xla:3")
    calls[512] = ("loop:20", "loop_data:20", "call:1", "call:20", "no_xla:1")
    eager = ("eager", "channels_last", "bfloat16", "graph", "bfloat16_graph")
    specs = []
    for model, network in MODELS:
        for batch in BATCHES:
            keras = ("call:1", "call:10") if batch == 64 else ("call:10",)
            specs += [
                Spec("ours", model, network, batch, calls[batch]),
                Spec("keras", model, network, batch, keras),
                Spec("torch", model, network, batch, eager),
            ]
    for model, network in MODELS:
        loop = Spec("ours", model, network, 64, ("loop:50",))
        specs += [
            dataclasses.replace(
                loop, label="loops in command buffers", environment=LOOPS_IN_COMMAND_BUFFERS
            ),
            dataclasses.replace(loop, label="loops unrolled", environment=UNROLLED),
        ]
    # PyTorch cannot compile a gradient of a gradient, so WGAN-GP is not here.
    for model, network, batch in (("lsgan", "dcgan", 64), ("clsgan", "dcgan", 64)):
        modes = ("compiled", "bfloat16_compiled")
        environment = {"TORCHINDUCTOR_COMPILE_THREADS": "4"}
        specs.append(
            Spec("torch", model, network, batch, modes, "compiled", environment=environment)
        )
    return specs


def _means() -> list[Spec]:
    """Lists means of going faster, precision and determinism, beside the base."""
    specs = []
    for model, network in MODELS:
        base = Spec("ours", model, network, 64, ("loop:50",))
        large = dataclasses.replace(base, batch=512, modes=("loop:20",))
        specs += [
            dataclasses.replace(base, label="base"),
            dataclasses.replace(base, label="bfloat16", bfloat16=True),
            dataclasses.replace(large, label="bfloat16", bfloat16=True),
            dataclasses.replace(base, label="no TF32", tf32=False),
            Spec("pure", model, network, 64, ("loop:50", "gather:50")),
            Spec("pure", model, network, 512, ("loop:10", "gather:10"), "bfloat16", bfloat16=True),
        ]
        joint = "joint_groups" if model == "clsgan" else "joint_pass"
        if model != "lsgan":
            specs += [
                dataclasses.replace(base, label="one pass", change=joint),
                dataclasses.replace(base, label="deterministic", deterministic=True),
            ]
    base = Spec("ours", "clsgan", "dcgan", 64, ("loop:50",))
    together = dataclasses.replace(base, batch=512, modes=("loop:20",), change="joint_groups")
    return [
        *specs,
        dataclasses.replace(together, label="one pass"),
        dataclasses.replace(base, label="no command buffers", environment=NO_COMMAND_BUFFERS),
        dataclasses.replace(base, label="exclude", environment={"XLA_FLAGS": EXCLUDE}),
    ]


def _input() -> list[Spec]:
    """Lists this project's loop on a constant batch, and with images from host and from device."""
    return [
        Spec("ours", model, network, batch, (f"loop:{n}", f"loop_data:{n}", f"loop_device:{n}"))
        for model, network in (MODELS[0], MODELS[2])
        for batch, n in zip(BATCHES, (50, 20), strict=True)
    ]


WAVES = {"replicas": _replicas(), "steps": _steps(), "means": _means(), "input": _input()}


def tiny(spec: Spec) -> Spec:
    """Returns a specification that a CPU can run: tiny networks, two steps in one call."""
    modes = tuple(f"{name}:2" if steps else name for name, _, steps in map(_parts, spec.modes))
    return dataclasses.replace(spec, batch=8, modes=tuple(dict.fromkeys(modes)), tiny=True)


def _parts(mode: str) -> tuple[str, str, str]:
    return mode.partition(":")
