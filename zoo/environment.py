"""Environment settings for TensorFlow, which every command applies before it imports TensorFlow."""

import os
import platform

from zoo.native_log import quiet_tensorflow


def prepare_tensorflow() -> None:
    """Filters TensorFlow's native log out of stderr, and enables oneDNN's kernels."""
    quiet_tensorflow()
    use_onednn()


def use_onednn() -> None:
    """Sets `TF_ENABLE_ONEDNN_OPTS=1` on x86 processors, unless the variable is already set.

    By default, TensorFlow uses oneDNN's kernels only on processors with AVX512-VNNI. They are also
    faster with AVX2; `benchmarks/README.md` reports by how much. They round differently, so a run
    with `TF_ENABLE_ONEDNN_OPTS=0` gives different numbers. TensorFlow reads the variable when it is
    imported.
    """
    if platform.machine() in ("x86_64", "AMD64"):
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
