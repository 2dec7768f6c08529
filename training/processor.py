"""The name of the processor, and its bfloat16 instructions."""

import pathlib
import platform


def processor_fields() -> dict[str, str]:
    """Returns the fields of the last core in Linux' `/proc/cpuinfo`; empty on other systems."""
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return {}
    fields = (line.split(":", 1) for line in lines if ":" in line)
    return {name.strip(): value.strip() for name, value in fields}


def computes_bfloat16() -> bool:
    """Returns True if the processor has bfloat16 instructions; emulation is slow."""
    return bool({"avx512_bf16", "amx_bf16"} & set(processor_fields().get("flags", "").split()))


def processor_name() -> str:
    """Returns the processor's name, or its architecture if the name is not known."""
    known = processor_fields().get("model name")
    return known or platform.processor() or platform.machine() or "unknown processor"
