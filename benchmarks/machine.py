"""A description of the machine that runs a benchmark."""

import os

from training.processor import processor_fields, processor_name


def describe() -> str:
    """Returns the processor, its widest vector instructions, and the number of cores."""
    flags = processor_fields().get("flags", "").split()
    known = ("avx512_bf16", "avx512f", "avx2", "avx")
    widest = next((flag for flag in known if flag in flags), "no AVX")
    return f"{processor_name()}, {widest}, {os.cpu_count()} cores"
