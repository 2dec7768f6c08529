"""Hostile presets: a good one, in which files and values are changed."""

import functools
import json
import pathlib
import random
import shutil
import tempfile
from typing import Any

from benchmarks.hostile.judging import Case
from zoo.errors import UserError

VALUES: list[Any] = [None, 0, -1, 1.5, 10**9, True, "", "x", "../x", [], [0], {}, {"a": 1}, "ä"]
VALUES += [float("nan"), float("inf"), [[8, 8, 1]], "__import__('os')", 2**70, "builtins"]


@functools.cache
def _good() -> pathlib.Path:
    """Writes a small generator's and a small classifier's preset, once per process."""
    from zoo.networks import CLSGANFeatures, DCGANGenerator
    from zoo.tasks import ImageClassifier, ImageGenerator

    folder = pathlib.Path(tempfile.mkdtemp(prefix="hostile-presets-"))
    network = DCGANGenerator((8, 8, 1), latent_dim=3, base_filters=4)
    ImageGenerator(network).save_to_preset(folder / "generator")
    features = CLSGANFeatures((8, 8, 3), filters=3)
    ImageClassifier(features, 4).save_to_preset(folder / "classifier")
    return folder


def _places(value: Any, path: tuple = ()) -> list[tuple]:
    """Returns the paths of all values in a JSON document."""
    found = [path] if path else []
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in items:
            found += _places(inner, (*path, key))
    return found


def _change_json(rng: random.Random, path: pathlib.Path) -> str:
    document = json.loads(path.read_text())
    place = rng.choice(_places(document))
    inner = document
    for key in place[:-1]:
        inner = inner[key]
    way = rng.randrange(4)
    if way == 0:
        del inner[place[-1]]
        changed = "removed"
    elif way == 1 and isinstance(inner, dict):
        inner[f"{place[-1]}_"] = inner.pop(place[-1])
        changed = "renamed"
    else:
        inner[place[-1]] = rng.choice(VALUES)
        changed = repr(inner[place[-1]])
    path.write_text(json.dumps(document))
    return f"{path.name} {'/'.join(map(str, place))} {changed}"


def _change_file(rng: random.Random, path: pathlib.Path) -> str:
    content = path.read_bytes()
    way = rng.randrange(7)
    if way == 0:
        path.unlink()
    elif way == 1:
        path.write_bytes(content[: rng.randint(0, len(content))])
    elif way == 2:
        place = rng.randrange(len(content))
        path.write_bytes(content[:place] + rng.randbytes(4) + content[place + 4 :])
    elif way == 3:
        path.write_bytes(rng.choice([b"", b"null", b"[]", b"{}", b"\xff\xfe", b"[" * 100_000]))
    elif way == 4:
        path.unlink()
        path.mkdir()
    elif way == 5:
        path.unlink()
        path.symlink_to(rng.choice([path.name, "/dev/null", "missing"]))
    else:
        path.write_bytes(b"\xef\xbb\xbf" + content)
    return f"{path.name} changed in way {way}"


def preset_case(rng: random.Random, folder: pathlib.Path) -> Case:
    """Returns the loading of a changed preset."""
    kind = rng.choice(["generator", "classifier"])
    root = folder / "preset"
    shutil.copytree(_good() / kind, root)
    changes = []
    for _ in range(rng.choice([1, 1, 1, 2])):
        files = sorted(path for path in root.rglob("*") if path.is_file())
        path = rng.choice(files)
        if path.suffix == ".json" and rng.random() < 0.7:
            try:
                changes.append(_change_json(rng, path))
                continue
            except (ValueError, IndexError):
                pass
        changes.append(_change_file(rng, path))
    whole = rng.random() < 0.3

    def load() -> None:
        from zoo.presets.read import read
        from zoo.tasks.loading import from_preset

        read(str(root))
        if whole:
            from_preset(str(root))

    refusals = (UserError, ValueError, OSError, ImportError)
    return Case(f"{kind} preset, {'; '.join(changes)}, whole={whole}"[:400], load, refusals)
