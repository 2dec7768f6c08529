"""The names of the processor and the graphics cards, and the processor's bfloat16 instructions."""

import contextlib
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


def graphics_cards(devices: pathlib.Path = pathlib.Path("/sys/bus/pci/devices")) -> list[str]:
    """Returns the vendor and device numbers of the graphics cards that Linux lists.

    TensorFlow is not asked: it reads its environment variables when it lists devices, and what is
    set later has no effect.

    Args:
        devices: folder with one folder per PCI device.

    Returns:
        One `vendor:device` per card, such as `0x10de:0x2330`, sorted; empty on other systems.
    """
    cards = []
    for device in devices.glob("*"):
        with contextlib.suppress(OSError):
            # 0x03 is the PCI class of display controllers.
            if (device / "class").read_text().startswith("0x03"):
                numbers = [(device / name).read_text().strip() for name in ("vendor", "device")]
                cards.append(":".join(numbers))
    return sorted(cards)
