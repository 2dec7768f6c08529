"""Hostile settings files and command lines of `training.fit`."""

import json
import pathlib
import random
from typing import Any

from benchmarks.hostile.judging import Case

VALUES: list[Any] = [0, 1, -1, 2, 0.5, -0.5, 1e-4, 1e30, 2**63, 10**30, True, False, None, "", " "]
VALUES += ["2e-4", "1e400", "nan", "inf", "-inf", ".nan", ".inf", "auto", "none", "None", "yes"]
VALUES += ["0x10", "1_000", "1,5", "١", "cat", "ä", "\x00", "x" * 500, "~", "null", "2026-01-01"]
VALUES += [[], [1], [[1]], {}, {"a": 1}, float("nan"), float("inf"), float("-inf"), "digits"]
TEXTS = [
    "",
    "\n",
    "# nothing\n",
    "steps: 5\n",
    "\ufeffsteps: 5\n",
    "steps: 5\nsteps: 6\n",
    "steps:\t5\n",
    "\tsteps: 5\n",
    "- steps\n- 5\n",
    "steps\n",
    "5\n",
    "steps: [1\n",
    "steps: {a: 1\n",
    "steps: !!python/object/apply:os.system ['true']\n",
    "steps: !unknown 5\n",
    "steps: !!binary aGk=\n",
    "steps: &a [*a]\n",
    "steps: *missing\n",
    "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nsteps: [*c, *c]\n",
    "steps: 2026-11-27\n",
    "steps: 12:30:45\n",
    "? [a, b]\n: 5\n",
    "null: 5\n",
    "true: 5\n",
    "1.5: 5\n",
    "---\nsteps: 5\n---\nsteps: 6\n",
    "steps: " + "[" * 3000 + "\n",
    "{" * 3000,
    "steps = 5\n",
    "[steps]\nx = 5\n",
    "steps = nan\n",
    "steps = 1979-05-27\n",
    '"steps" = 5\n"steps" = 6\n',
    '{"steps": 5}',
    '{"steps": 5,}',
    '{"steps": NaN}',
    "steps: 5\x00\n",
    "steps: 5\x85learning_rate: 1\n",
]


def _models(rng: random.Random) -> str:
    from zoo.models import MODELS

    return rng.choice([*MODELS, *MODELS, "lsgam", "", "LSGAN", "ls-gan"])


def _options(rng: random.Random) -> dict[str, Any]:
    """Returns hostile values of known and of misspelled options."""
    from training.recipes import find

    known = list(find("clsgan", data="digits").flat())
    names = rng.sample(known, rng.randint(1, 3))
    if rng.random() < 0.2:
        names.append(rng.choice(["stpes", "", "learning rate", "--steps", "Steps", "ä", "0"]))
    right = find("clsgan", data="digits").flat()
    return {
        name: right[name] if name in right and rng.random() < 0.5 else rng.choice(VALUES)
        for name in names
    }


def _text(rng: random.Random, ending: str) -> str:
    import yaml

    if rng.random() < 0.35:
        return rng.choice(TEXTS)
    options = _options(rng)
    if rng.random() < 0.3:
        options["model"] = rng.choice([_models(rng), *VALUES])
    if ending == ".toml":
        return "".join(f"{name} = {json.dumps(value)}\n" for name, value in options.items())
    return json.dumps(options) if ending == ".json" else yaml.safe_dump(options)


def settings_case(rng: random.Random, folder: pathlib.Path) -> Case:
    """Returns the reading of a hostile settings file, and the check of its recipe."""
    from training.recipe_file import override
    from training.recipes import find
    from training.settings_file import read_settings
    from zoo.errors import UserError

    ending = rng.choice([".yaml", ".yml", ".toml", ".json", ".txt", "", ".YAML", ".TOML"])
    path = folder / f"settings{ending}"
    text = _text(rng, ending)
    encoding = rng.choice(["utf-8"] * 8 + ["utf-16", "latin-1", "utf-8-sig"])
    path.write_bytes(text.encode(encoding, errors="replace"))
    if rng.random() < 0.05:
        content = path.read_bytes()
        path.write_bytes(content[: rng.randint(0, len(content))] + rng.randbytes(5))
    if rng.random() < 0.02:
        path.unlink()
        path.mkdir()
    model = _models(rng)

    def read() -> None:
        settings = read_settings(str(path))
        settings.pop("model", None)
        name = settings.pop("recipe", "")
        recipe = find(model, data=settings.pop("data", None), name=name)
        override(recipe, settings, source=str(path)).check()

    return Case(f"settings for {model}, {encoding}: {text[:200]!r}", read, (UserError,))


def command_line_case(rng: random.Random, folder: pathlib.Path) -> Case:
    """Returns the reading of a hostile command line of `training.fit`."""
    from training.fit_options import read_command, read_recipe
    from zoo.command_line import flag

    words = ["--model", _models(rng)]
    for name, value in _options(rng).items():
        words += [flag(name), *([] if rng.random() < 0.1 else [str(value)])]
    if rng.random() < 0.2:
        words += [rng.choice(["--", "-", "--=", "--seeds", "--config", "--help", "--data"])]
    if rng.random() < 0.2:
        words += rng.choice([["--seeds", "x"], ["--seeds", "-1"], ["--config", "/"], ["extra"]])
    return Case(f"fit {words}"[:400], lambda: read_recipe(read_command(words)) and None)
