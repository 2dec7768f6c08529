"""What a measurement was made on."""

import os
import pathlib


def _fields() -> dict[str, str]:
    """Reads what Linux says of the last core."""
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    return {name.strip(): value.strip() for name, value in fields.items()}


def computes_bfloat16() -> bool:
    """Whether the processor has instructions for bfloat16; without, it is emulated, and slow."""
    return bool({"avx512_bf16", "amx_bf16"} & set(_fields().get("flags", "").split()))


def describe() -> str:
    """Returns the processor, its widest vector instructions, and the number of cores."""
    fields = _fields()
    flags = fields.get("flags", "").split()
    known = ("avx512_bf16", "avx512f", "avx2", "avx")
    widest = next((flag for flag in known if flag in flags), "no AVX")
    return f"{fields.get('model name', 'unknown processor')}, {widest}, {os.cpu_count()} cores"
