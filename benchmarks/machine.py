"""A description of the machine that runs a benchmark."""

import importlib.metadata
import os
import subprocess

from training.processor import processor_fields, processor_name


def gpu_name() -> str | None:
    """Returns name and driver of the first NVIDIA GPU; None without one."""
    query = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        found = subprocess.run(query, capture_output=True, text=True, check=True).stdout.split("\n")
    except (OSError, subprocess.CalledProcessError):
        return None
    return found[0].replace(", ", ", driver ") or None


def describe() -> str:
    """Returns the processor, its widest vector instructions, and the number of cores."""
    flags = processor_fields().get("flags", "").split()
    known = ("avx512_bf16", "avx512f", "avx2", "avx")
    widest = next((flag for flag in known if flag in flags), "no AVX")
    return f"{processor_name()}, {widest}, {len(os.sched_getaffinity(0))} cores"


def versions() -> dict[str, str]:
    """Returns the versions of the libraries that are compared."""
    found = {}
    for name in ("tensorflow", "keras", "torch"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
