"""`python -m benchmarks.results EXPERIMENT --data-dir DIR`: writes the files of `results/`.

Each row of an experiment is trained with `training.fit` and evaluated with `training.evaluate`,
once per seed. The commands are printed. Rows that exist are skipped and interrupted runs resume,
so the command can be stopped and repeated at any time.
"""

import argparse
import dataclasses
import json
import pathlib
import shlex
import subprocess
import sys


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A comparison of several trainings.

    Attributes:
        data: name of the data set.
        shared: options of `training.fit` for all rows.
        rows: options of `training.fit` for each row, by name.
        measured: options of `training.evaluate`.
        controls: the controls that each run also trains, and that are evaluated too.
    """

    data: str
    shared: str
    rows: dict[str, str]
    measured: str
    controls: tuple[str, ...] = ()


_CONTROLS = ("control", "control_equal_seconds", "control_without_generator")
# The objective of the paper with the network, optimizer, views and length of the recipe.
_PLAIN = (
    "--hinge-weight 1 --unlabelled-weight 1 --margin-scale 2.4576 --adversarial-start 0 "
    "--adversarial-ramp 0 --adversarial-every 1 --no-classes-by-average "
    "--unlabelled-cross-entropy 0 --confidence 0 --no-distribution-alignment "
    "--unlabelled-batches 1"
)


_NO_TERMS = "--no-classes-by-average --unlabelled-cross-entropy 0 --confidence 0"
# Small enough for three seeds of every row in an hour and a half of one core.
_SMALL = (
    "--steps 600 --batch-size 32 --report-every 100 --checkpoint-every 300 --jit off "
    "--critic-filters 8 --generator-filters 32"
)


def _semi_supervised(data: str, labels: int) -> Experiment:
    """Returns the comparison of the default recipe with its controls on one data set."""
    flags = " ".join(f"--{name.replace('_', '-')}" for name in _CONTROLS)
    return Experiment(
        data=data,
        # The recipe is named, because it cannot be found by the name of a file.
        shared=f"--model clsgan --recipe {data} --labels {labels}",
        rows={"recipe": flags, "paper's objective": _PLAIN},
        measured="--metrics error,calibration",
        controls=_CONTROLS,
    )


# 4,000 network updates each: WGAN takes three critic steps per generator step.
_EQUAL = "--steps 2000 --report-every 1000 --checkpoint-every 500"
_THREE = "--steps 1000 --report-every 500 --checkpoint-every 250"
# Four times as many.
_LONG = "--steps 8000 --report-every 500 --checkpoint-every 1000"
_LONG_THREE = "--steps 4000 --report-every 250 --checkpoint-every 500"
_NO_NORMS = "--generator-normalization none --critic-normalization none"

EXPERIMENTS = {
    "unconditional": Experiment(
        data="fashion_mnist",
        shared="--generator-filters 64 --critic-filters 16 --ema 0.99",
        rows={
            "gan": f"--model gan {_EQUAL}",
            "lsgan": f"--model lsgan {_EQUAL}",
            "wgan": f"--model wgan {_THREE}",
            "wgan_gp": f"--model wgan_gp {_THREE}",
            "ls_gan": f"--model ls_gan {_EQUAL}",
            "glsgan_nu_-1": f"--model glsgan --slope -1 {_EQUAL}",
            "glsgan_nu_0": f"--model glsgan --slope 0 {_EQUAL}",
            "glsgan_nu_0.01": f"--model glsgan --slope 0.01 {_EQUAL}",
            "glsgan_nu_1": f"--model glsgan --slope 1 {_EQUAL}",
            "lgan_linear": f"--model lgan --phi linear {_EQUAL}",
            "lgan_softplus": f"--model lgan --phi softplus {_EQUAL}",
            "lgan_exp": f"--model lgan --phi exp {_EQUAL}",
            "lgan_sqrt": f"--model lgan --phi sqrt {_EQUAL}",
        },
        measured="--metrics fid,kid,pr,mre --mre-images 100 --mre-steps 500 --mre-restarts 2",
    ),
    "claims": Experiment(
        data="fashion_mnist",
        shared=(
            "--generator-filters 64 --critic-filters 16 --ema 0.99 --score-metrics fid "
            "--score-samples 5000"
        ),
        rows={
            "gan": f"--model gan {_LONG}",
            "ls_gan": f"--model ls_gan {_LONG}",
            "lsgan": f"--model lsgan {_LONG}",
            "glsgan": f"--model glsgan {_LONG}",
            "lgan_exp": f"--model lgan --phi exp {_LONG}",
            "wgan": f"--model wgan {_LONG_THREE}",
            "wgan_gp": f"--model wgan_gp {_LONG_THREE}",
            "gan without normalisation": f"--model gan {_NO_NORMS} {_EQUAL}",
            "lsgan without normalisation": f"--model lsgan {_NO_NORMS} {_EQUAL}",
        },
        measured="--metrics fid,mre --mre-images 100 --mre-steps 2000 --mre-restarts 2",
    ),
    "digits_100": _semi_supervised("digits", 100),
    "mnist_100": _semi_supervised("mnist", 100),
    "mnist_1000": _semi_supervised("mnist", 1000),
    "fashion_mnist_100": _semi_supervised("fashion_mnist", 100),
    "fashion_mnist_1000": _semi_supervised("fashion_mnist", 1000),
    "cifar10_250": _semi_supervised("cifar10", 250),
    "cifar10_4000": _semi_supervised("cifar10", 4000),
    "terms": Experiment(
        data="fashion_mnist",
        shared=(
            "--model clsgan --recipe fashion_mnist --labels 1000 --control "
            f"--control-without-generator {_SMALL}"
        ),
        rows={
            "pseudo-labels (recipe)": "",
            "pseudo-labels, weak views": "--strong 0 --cutout 0 --strong-labelled 0",
            "mean teacher": f"{_NO_TERMS} --mean-teacher 10 --unlabelled-ramp 0.3",
            "CT consistency": f"{_NO_TERMS} --consistency 1",
            "virtual adversarial": f"{_NO_TERMS} --virtual-adversarial 1",
            "entropy": f"{_NO_TERMS} --entropy 0.1",
            "class balance": f"{_NO_TERMS} --class-balance 0.1",
            "feature matching": "--feature-matching 1",
            "full hinges from the start": (
                "--hinge-weight 1 --unlabelled-weight 1 --adversarial-start 0 "
                "--adversarial-ramp 0 --adversarial-every 1"
            ),
        },
        measured="--metrics error",
        controls=("control", "control_without_generator"),
    ),
}
"""The experiments in `results/`, one file each."""


def command(module: str, *options: str) -> list[str]:
    """Returns a command line of this project."""
    words = [word for option in options for word in shlex.split(option)]
    return [sys.executable, "-m", module, *words]


def run(words: list[str]) -> None:
    """Prints and runs a command.

    Raises:
        SystemExit: if the command fails.
    """
    print("$", shlex.join(["python", *words[1:]]), flush=True)
    code = subprocess.run(words).returncode
    if code:
        raise SystemExit(code)


def file_of(name: str, folder: str) -> pathlib.Path | None:
    """Returns the `.npz` file of a data set in a folder; None if there is none."""
    file = pathlib.Path(folder) / f"{name}.npz"
    return file if file.exists() else None


def data_options(name: str, folder: str) -> str:
    """Returns the options of a data set: a file in the folder, or one that TFDS prepared there."""
    file = file_of(name, folder)
    if file is not None:
        return shlex.join(["--data", str(file)])
    return shlex.join(["--data", name, "--data-dir", folder])


def measured(path: pathlib.Path, preset: pathlib.Path) -> bool:
    """Returns True if a file of results has a row of a preset."""
    if not path.exists():
        return False
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return any(row["evaluated"].endswith(str(preset)) for row in rows)


def measure(
    experiment: Experiment, name: str, seed: int, options: argparse.Namespace, out: pathlib.Path
) -> None:
    """Trains one row of an experiment with one seed, and evaluates it and its controls."""
    folder = options.runs / options.experiment / name / f"seed-{seed}"
    if measured(out, folder / "preset"):
        return
    place = shlex.join(["--seed", str(seed), "--run-dir", str(folder)])
    data = data_options(experiment.data, options.data_dir)
    length = options.length or ""
    run(command("training.fit", experiment.shared, experiment.rows[name], length, data, place))
    presets = [folder / control / "preset" for control in experiment.controls]
    for source in [preset for preset in presets if preset.exists()] + [folder]:
        files = [str(source), "--out", str(out)]
        if file_of(experiment.data, options.data_dir) is None:
            files += ["--data-dir", options.data_dir]
        run(command("training.evaluate", shlex.join(files), experiment.measured))


def main(arguments: list[str]) -> int:
    """Runs the command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.results", description=__doc__)
    parser.add_argument("experiment", choices=EXPERIMENTS)
    parser.add_argument(
        "--data-dir", required=True, help="folder with NAME.npz, or with data prepared by TFDS"
    )
    parser.add_argument("--rows", help="comma-separated names of rows (default: all)")
    parser.add_argument("--seeds", default="0,1,2", help="comma-separated seeds (default: 0,1,2)")
    parser.add_argument("--length", help="options of the length, such as '--steps 2500'")
    parser.add_argument("--runs", type=pathlib.Path, default=pathlib.Path("runs"))
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("results"))
    options = parser.parse_args(arguments)
    experiment = EXPERIMENTS[options.experiment]
    names = options.rows.split(",") if options.rows else list(experiment.rows)
    out = options.out / f"{options.experiment}.jsonl"
    for seed in map(int, options.seeds.split(",")):
        for name in names:
            measure(experiment, name, seed, options, out)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
