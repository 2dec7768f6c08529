"""What the processor says of itself."""

import pathlib
import platform


def processor_fields() -> dict[str, str]:
    """Returns what Linux says of the last core, by name; nothing elsewhere."""
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return {}
    fields = (line.split(":", 1) for line in lines if ":" in line)
    return {name.strip(): value.strip() for name, value in fields}


def processor_name() -> str:
    """Returns the processor's name, or at least its kind."""
    known = processor_fields().get("model name")
    return known or platform.processor() or platform.machine() or "unknown processor"
