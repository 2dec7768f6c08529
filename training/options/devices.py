"""Options of the devices, and of how they compute."""

import dataclasses
from typing import Literal

from zoo.options import Count, NotNegativeCount, Options


@dataclasses.dataclass(frozen=True, kw_only=True)
class DeviceOptions(Options):
    """Devices, precision and compilation."""

    precision: Literal["float32", "mixed_bfloat16", "mixed_float16", "auto"] = "float32"
    """Precision of the networks' arithmetic; weights, losses and penalties stay float32. `auto` is
    mixed_bfloat16 on processors and GPUs with bfloat16 instructions, else float32, and float32 on
    several hosts. A resumed run keeps its precision."""
    deterministic: bool = False
    """Make two runs of one seed, and a killed and resumed one, bit-equal on a GPU too. A step then
    takes several times as long there. On CPUs runs are bit-equal without it."""
    jit: Literal["auto", "on", "off"] = "auto"
    """Compile the step with XLA. `auto` does so on GPUs, one or several, and on one CPU tries both
    if the run has 500 steps or more. A resumed run keeps its setting."""
    rematerialise: bool = False
    """Store only the input of each block of DCGAN and ResNet networks, and compute the rest again
    for the gradient: less memory, more time, the same numbers up to rounding."""
    steps_per_call: Count | Literal["auto"] = "auto"
    """Steps that TensorFlow takes before it returns to Python. Reports, checkpoints and the length
    of the run must be multiples of it. `auto` is 1 on CPUs; on GPUs it is the largest number that
    divides all three, up to 100, fewer for large batches."""
    input: Literal["auto", "host", "device"] = "auto"
    """Where training images are gathered and augmented. `host` does so in the input pipeline;
    `device` keeps them in the memory of each device, up to 2 GiB. `auto` is device if GPUs of one
    host train and the images have at most 2 GiB."""
    strategy: Literal["auto", "single", "mirrored", "multi_worker", "tpu"] = "auto"
    """Distribution strategy of TensorFlow: `auto` is mirrored over all GPUs, or single without
    GPUs; multi_worker reads the hosts from TF_CONFIG or the variables of a
    platform (docs/distributed.md)."""
    devices: NotNegativeCount = 0
    """Number of devices of this host that train together; 0 for all GPUs, or one CPU."""
    virtual_devices: Count = 1
    """Split the CPU into this many logical devices, to try several devices without a GPU."""

    def check(self) -> None:
        super().check()
        if self.strategy == "tpu" and self.deterministic:
            raise ValueError(
                "`deterministic` chooses kernels of CPUs and GPUs, and has no effect with "
                "`strategy` tpu: leave `deterministic` out."
            )
        if self.strategy == "tpu" and self.precision == "mixed_float16":
            raise ValueError(
                "`precision` mixed_float16 is not available with `strategy` tpu: TPUs compute in "
                "bfloat16. Give `precision` mixed_bfloat16."
            )
        if self.strategy in ("multi_worker", "tpu") and self.input == "device":
            raise ValueError(
                "`input` device is for CPUs and GPUs of one host, and `strategy` is "
                f"{self.strategy}: give `input` host."
            )

    @property
    def known_steps_per_call(self) -> int:
        """`steps_per_call`; 1 if `auto` is still to be decided."""
        return 1 if self.steps_per_call == "auto" else self.steps_per_call
