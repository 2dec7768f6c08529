"""`python -m benchmarks.gpu.determinism --json FILE`: are two runs bit-equal on this device?

Each row is a model and a way to compute. Two processes take ten steps from the same seed. A third
one loads what the first saved after five steps and takes the other five. Equal digests of all
variables mean bit-equal runs. In another set of processes, every model of the zoo takes two steps
under TensorFlow's op determinism, so that operations without a deterministic kernel are named.
"""

import argparse
import json
import pathlib
import sys
import tempfile
import time
from typing import Any

from benchmarks.gpu.conductor import Process

MODELS = ("lsgan", "wgan_gp", "clsgan")
WAYS = {
    "XLA": {},
    "XLA, op determinism": {"deterministic": True},
    "no XLA": {"jit": False},
    "no XLA, op determinism": {"deterministic": True, "jit": False},
}
EXCLUDE = "--xla_gpu_exclude_nondeterministic_ops=true"
KEPT = "XLA, no nondeterministic ops, autotuning kept"
ZOO = ("gan", "lsgan", "wgan", "wgan_gp", "ls_gan", "glsgan", "lgan", "hinge", "clsgan")


def _asked(model: str, way: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"model": model, "deterministic": False, "jit": True, **way, **more}


def main(arguments: list[str]) -> int:
    """Starts all processes at once, waits for them, and writes one line per comparison."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu.determinism", description=__doc__
    )
    parser.add_argument("--json", type=pathlib.Path, required=True, help="file to write")
    parser.add_argument("--models", nargs="+", default=list(MODELS))
    parser.add_argument("--zoo", nargs="*", default=list(ZOO), help="models whose ops are tried")
    parser.add_argument("--ready", type=float, default=150.0, help="seconds to wait")
    parser.add_argument("--tiny", action="store_true")
    options = parser.parse_args(arguments)
    until = time.monotonic() + options.ready
    with tempfile.TemporaryDirectory() as folder:
        groups: dict[tuple[str, str], dict[str, Process]] = {}
        for model in options.models:
            for number, (name, way) in enumerate(WAYS.items()):
                saved = f"{folder}/{model}{number}.npz"
                asked = _asked(model, way, tiny=options.tiny)
                groups[model, name] = {
                    "first": _start(asked | {"save": saved}),
                    "second": _start(asked),
                }
                if way.get("deterministic"):
                    groups[model, name]["resumed"] = _start(asked | {"load": saved})
            # The second process reads which kernels the first one chose.
            cache = f"{EXCLUDE} --xla_gpu_per_fusion_autotune_cache_dir={folder}/{model}"
            asked = _asked(model, {}, tiny=options.tiny)
            saved = f"{folder}/{model}_kept.npz"
            groups[model, KEPT] = {
                "first": _start(asked | {"save": saved, "make": f"{folder}/{model}"}, cache),
                "second": _start(asked | {"after": saved}, cache),
            }
        tried = {
            model: _start(_asked(model, WAYS["no XLA, op determinism"], steps=2, tiny=options.tiny))
            for model in options.zoo
        }
        lines = []
        for (model, name), processes in groups.items():
            found = {who: process.answer(until) for who, process in processes.items()}
            digests = {who: said.get("digest") for who, said in found.items()}
            lines.append(
                {
                    "model": model,
                    "way": name,
                    "equal": digests["first"] is not None and digests["first"] == digests["second"],
                    "resumed_equal": None
                    if "resumed" not in digests
                    else digests["first"] == digests["resumed"],
                    "largest_difference": _difference(found),
                    "failed": {w: s["failed"] for w, s in found.items() if "failed" in s},
                }
            )
            _write(options.json, lines)
        for model, process in tried.items():
            said = process.answer(until)
            lines.append({"model": model, "operations": said.get("failed", "all deterministic")})
            _write(options.json, lines)
        for line in lines:
            print(json.dumps(line)[:400], flush=True)
    return 0


def _start(asked: dict[str, Any], flags: str = "") -> Process:
    environment = {"XLA_FLAGS": flags} if flags else {}
    return Process("benchmarks.gpu.determinism_worker", [json.dumps(asked)], environment)


def _difference(found: dict[str, dict[str, Any]]) -> float | None:
    """Returns the largest difference of the two runs' sampled values."""
    values = [said.get("values") for said in (found["first"], found["second"])]
    if None in values:
        return None
    return max(abs(a - b) for a, b in zip(*values, strict=True))


def _write(path: pathlib.Path, lines: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
