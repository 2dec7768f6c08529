"""What every command does before it imports TensorFlow."""

import os
import platform

from zoo.native_log import quiet_tensorflow


def prepare_tensorflow() -> None:
    """Keeps TensorFlow's native log off the screen and has it use the fast kernels."""
    quiet_tensorflow()
    use_onednn()


def use_onednn() -> None:
    """Has TensorFlow use oneDNN's kernels on x86 processors, unless the user said otherwise.

    TensorFlow's own default is to use them only where there are AVX512-VNNI instructions. With AVX2
    alone they are faster too, `benchmarks/README.md` says how much. They round differently, so
    `TF_ENABLE_ONEDNN_OPTS=0` gives a run of its own. TensorFlow reads the variable when it is
    imported.
    """
    if platform.machine() in ("x86_64", "AMD64"):
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
