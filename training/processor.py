"""The name of the processor."""

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


def processor_name() -> str:
    """Returns the processor's name, or its architecture if the name is not known."""
    known = processor_fields().get("model name")
    return known or platform.processor() or platform.machine() or "unknown processor"
