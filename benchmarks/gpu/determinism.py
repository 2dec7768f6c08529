"""`python -m benchmarks.gpu.determinism --json FILE`: are two runs bit-equal on this device?

Each row is a model and a way to compute. Two processes take ten steps from the same seed. A third
one loads what the first saved after five steps and takes the other five. Equal digests of all
variables mean bit-equal runs. In another set of processes, every model of the zoo takes two steps
under TensorFlow's op determinism, so that operations without a deterministic kernel are named.
"""

import argparse
import functools
import json
import pathlib
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.gpu.conductor import Process, first_answers

Key = tuple[str, str, str]
"""Model, way to compute, and the process's part in the comparison."""
Start = Callable[[], Process]

MODELS = ("lsgan", "wgan_gp", "clsgan")
WAYS = {
    "XLA": {},
    "XLA, op determinism": {"deterministic": True},
    "no XLA": {"jit": False},
    "no XLA, op determinism": {"deterministic": True, "jit": False},
}
EXCLUDE = "--xla_gpu_exclude_nondeterministic_ops=true"
OPERATIONS = "operations"
KEPT = "XLA, no nondeterministic ops, autotuning kept"
ZOO = ("gan", "lsgan", "wgan", "wgan_gp", "ls_gan", "glsgan", "lgan", "hinge", "clsgan")


def _asked(model: str, way: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"model": model, "deterministic": False, "jit": True, **way, **more}


def main(arguments: list[str]) -> int:
    """Runs all processes, and writes one line per comparison."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu.determinism", description=__doc__
    )
    parser.add_argument("--json", type=pathlib.Path, required=True, help="file to write")
    parser.add_argument("--models", nargs="+", default=list(MODELS))
    parser.add_argument("--zoo", nargs="*", default=list(ZOO), help="models whose ops are tried")
    parser.add_argument("--ready", type=float, default=150.0, help="seconds to wait")
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--at-once", type=int, default=16, help="processes that run")
    options = parser.parse_args(arguments)
    until = time.monotonic() + options.ready
    with tempfile.TemporaryDirectory() as folder:
        starts = _comparisons(options.models, folder, tiny=options.tiny)
        for model in options.zoo:
            asked = _asked(model, WAYS["no XLA, op determinism"], steps=2, tiny=options.tiny)
            starts[model, OPERATIONS, ""] = functools.partial(_start, asked)
        found = first_answers(starts, at_once=options.at_once, until=until)
    lines = _compared(found)
    options.json.write_text("".join(json.dumps(line) + "\n" for line in lines))
    for line in lines:
        print(json.dumps(line)[:400], flush=True)
    return 0


def _comparisons(models: Sequence[str], folder: str, *, tiny: bool) -> dict[Key, Start]:
    """Returns the processes of all comparisons; a process comes after those that it waits for."""
    starts: dict[Key, Start] = {}
    for model in models:
        for number, (name, way) in enumerate(WAYS.items()):
            saved = f"{folder}/{model}{number}.npz"
            asked = _asked(model, way, tiny=tiny)
            parts = {"first": asked | {"save": saved}, "second": asked}
            if way.get("deterministic"):
                parts["resumed"] = asked | {"load": saved}
            starts |= {
                (model, name, who): functools.partial(_start, part) for who, part in parts.items()
            }
        # The second process reads which kernels the first one chose.
        cache = f"{EXCLUDE} --xla_gpu_per_fusion_autotune_cache_dir={folder}/{model}"
        asked, saved = _asked(model, {}, tiny=tiny), f"{folder}/{model}_kept.npz"
        parts = {
            "first": asked | {"save": saved, "make": f"{folder}/{model}"},
            "second": asked | {"after": saved},
        }
        starts |= {
            (model, KEPT, who): functools.partial(_start, part, cache)
            for who, part in parts.items()
        }
    return starts


def _compared(found: Mapping[Key, dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns one line per comparison, then one per model whose operations were tried."""
    groups: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for (model, name, who), said in found.items():
        groups.setdefault((model, name), {})[who] = said
    lines: list[dict[str, Any]] = []
    for (model, name), answers in groups.items():
        if name == OPERATIONS:
            said = answers[""].get("failed", "all deterministic")
            lines.append({"model": model, "operations": said})
            continue
        digests = {who: said.get("digest") for who, said in answers.items()}
        first = digests["first"]
        lines.append(
            {
                "model": model,
                "way": name,
                "equal": first is not None and first == digests["second"],
                "resumed_equal": None
                if "resumed" not in digests
                else first is not None and first == digests["resumed"],
                "largest_difference": _difference(answers),
                "failed": {w: s["failed"] for w, s in answers.items() if "failed" in s},
            }
        )
    return lines


def _start(asked: dict[str, Any], flags: str = "") -> Process:
    environment = {"XLA_FLAGS": flags} if flags else {}
    return Process("benchmarks.gpu.determinism_worker", [json.dumps(asked)], environment)


def _difference(found: dict[str, dict[str, Any]]) -> float | None:
    """Returns the largest difference of the two runs' sampled values."""
    values = [said.get("values") for said in (found["first"], found["second"])]
    if None in values:
        return None
    return max(abs(a - b) for a, b in zip(*values, strict=True))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
