"""Hostile options of `training.sample` and `training.evaluate`, and hostile runs for the report."""

import json
import pathlib
import random
from typing import Any

from benchmarks.hostile.judging import Case

WORDS = [
    "0",
    "1",
    "-1",
    "3.7",
    "1e3",
    "nan",
    "inf",
    "",
    " ",
    "cat",
    "0-63",
    "63-0",
    "3,7",
    "3,",
    "8x8",
]
WORDS += ["0x0", "99999x99999", "٣", "9" * 30, "9" * 600, str(2**63), str(2**63 - 1), "--", "-"]
WORDS += [
    "x.png",
    "x.jpg",
    "x.tif",
    "/",
    ".",
    "..",
    "/dev/null",
    "ä.png",
    "a\nb.png",
    "fid",
    "fid,",
]
WORDS += ["fid,kid", "fidd", "test", "validation", "digits", "true", "None", "\udcff", "x\x00y"]
VALUES: list[Any] = [None, 0, -1, 0.5, float("nan"), float("inf"), "", "x", [], {}, True, 10**30]


def _words(rng: random.Random, options: type) -> list[str]:
    import dataclasses

    from zoo.command_line import flag

    names = [flag(f.name) for f in dataclasses.fields(options)] + ["--class", "--mre-steps", "--x"]
    words = ["preset"]
    for name in rng.sample(names, rng.randint(0, 4)):
        words += [name, *([] if rng.random() < 0.1 else [rng.choice(WORDS)])]
    return words


def sample_case(rng: random.Random, folder: pathlib.Path) -> Case:
    """Returns the check of hostile options of `training.sample`."""
    from training.sample import Options
    from zoo.command_line import parse_options

    words = _words(rng, Options)

    def check() -> None:
        parse_options(Options, words, command="sample", description="").check()

    return Case(f"sample {words}"[:400], check)


def evaluate_case(rng: random.Random, folder: pathlib.Path) -> Case:
    """Returns the check of hostile options of `training.evaluate`."""
    from training.evaluate import Options, check_options
    from training.metrics import parse_metrics
    from zoo.command_line import parse_options

    words = _words(rng, Options)

    def check() -> None:
        options = parse_options(Options, words, command="evaluate", description="")
        check_options(options, parse_metrics(options.metrics or "error"))

    return Case(f"evaluate {words}"[:400], check)


def _row(rng: random.Random) -> dict[str, Any]:
    """Returns a row of scores; one in five has a hostile value, or lacks one."""
    row: dict[str, Any] = {
        "key": rng.choice(["fid[a,2k/test]"] * 5 + ["fid[b,2k/test]"]),
        "metric": "fid",
        "value": rng.choice([1.0, float("nan")]),
        "values": {"fid": rng.choice([1.0, float("nan"), float("inf")])},
        "data": "digits",
        "split": "test",
        "features": "a",
        "reference_images": 400,
        "model": "lsgan",
        "steps": 10,
        "seed": rng.choice([0, 1]),
        "sample_seed": 0,
        "evaluated": rng.choice(["runs/a/preset", "", "/"]),
    }
    if rng.random() < 0.4:
        row |= {"while_training": True, "step": rng.randint(0, 5), "control": rng.random() < 0.3}
    if rng.random() < 0.1:
        name = rng.choice(sorted(row))
        if rng.random() < 0.5:
            del row[name]
        else:
            row[name] = rng.choice(VALUES)
    return row


def report_case(rng: random.Random, folder: pathlib.Path) -> Case:
    """Returns a report of hostile runs."""
    from training.report import main

    runs = []
    for name in rng.sample(["a", "a b", "control", "seed-x", "ä", "-x", "a|b"], rng.randint(1, 3)):
        run = folder / name
        run = run / "seed-0" if rng.random() < 0.3 else run
        run.mkdir(parents=True)
        result: dict[str, Any] = {"model": "clsgan", "data": "digits", "seed": 0, "steps": 5}
        result |= {"test_error": 0.5, "test_images": 400, "labels": 100, "seconds": 1.0}
        result |= {"best_by": "fid", "best_step": rng.choice([1, 3, None])}
        for _ in range(rng.choice([0, 0, 0, 0, 1])):
            key = rng.choice(sorted(result))
            result[key] = rng.choice(VALUES)
        documents: list[Any] = [result] * 30 + [None, [], "x", 5]
        (run / "result.json").write_text(json.dumps(rng.choice(documents)))
        (run / "recipe.json").write_text("{}")
        rows = [json.dumps(_row(rng)) for _ in range(rng.randint(0, 4))]
        rows += rng.choice([[]] * 20 + [[""], ["null"], ["{"], ["5"], ["[]"]])
        (run / "scores.jsonl").write_text("\n".join(rows) + "\n")
        (run / "samples").mkdir()
        for picture in rng.sample(["000001.png", "x.png", ".png", "1e3.png"], rng.randint(0, 2)):
            (run / "samples" / picture).write_bytes(rng.randbytes(9))
        runs.append(str(folder / name))
    out = folder / rng.choice(["out.md", "out.html", "out.md", "out.txt", "a/out.md", "ä.html"])
    words = [*runs, *rng.choice([[], ["-o", str(out)], ["-o", str(out)]])]
    words = ["--", *words] if rng.random() < 0.05 else words
    return Case(f"report {words}"[:400], lambda: main(words))
