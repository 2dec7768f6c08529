"""What a measurement was made on."""

import os
import pathlib


def describe() -> str:
    """Returns the processor, its widest vector instructions, and the number of cores."""
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    fields = {name.strip(): value.strip() for name, value in fields.items()}
    flags = fields.get("flags", "").split()
    known = ("avx512_bf16", "avx512f", "avx2", "avx")
    widest = next((flag for flag in known if flag in flags), "no AVX")
    return f"{fields.get('model name', 'unknown processor')}, {widest}, {os.cpu_count()} cores"
