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
        control: each run also trains a supervised control, which is evaluated too.
    """

    data: str
    shared: str
    rows: dict[str, str]
    measured: str
    control: bool = False


# The objective and the optimizer of the paper, with smaller networks.
_PLAIN = "--recipe paper --critic-filters 16 --generator-filters 64"
# 4,000 network updates each: WGAN takes three critic steps per generator step.
_EQUAL = "--steps 2000 --report-every 1000 --checkpoint-every 500"
_THREE = "--steps 1000 --report-every 500 --checkpoint-every 250"

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
    "digits_100": Experiment(
        data="digits",
        shared="--model clsgan",
        rows={"recipe": ""},
        measured="--metrics error",
        control=True,
    ),
    "mnist_100": Experiment(
        data="mnist",
        shared="--model clsgan --labels 100 --control --report-every 500 --checkpoint-every 500",
        rows={"recipe": "", "paper's objective": f"{_PLAIN} --steps 3000"},
        measured="--metrics error",
        control=True,
    ),
    "mnist_1000": Experiment(
        data="mnist",
        shared="--model clsgan --labels 1000 --control --report-every 500 --checkpoint-every 500",
        rows={"recipe": "--steps 1000"},
        measured="--metrics error",
        control=True,
    ),
    "fashion_mnist_1000": Experiment(
        data="fashion_mnist",
        shared="--model clsgan --labels 1000 --control --report-every 500 --checkpoint-every 500",
        rows={"recipe": ""},
        measured="--metrics error",
        control=True,
    ),
    "cifar10_4000": Experiment(
        data="cifar10",
        shared="--model clsgan --labels 4000 --control",
        rows={"recipe": ""},
        measured="--metrics error",
        control=True,
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


def measured(path: pathlib.Path, name: str, seed: int) -> bool:
    """Returns True if a file of results has the row of a run, written after its control's row."""
    if not path.exists():
        return False
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return any(row["evaluated"].endswith(f"/{name}/seed-{seed}/preset") for row in rows)


def main(arguments: list[str]) -> int:
    """Runs the command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.results", description=__doc__)
    parser.add_argument("experiment", choices=EXPERIMENTS)
    parser.add_argument("--data-dir", required=True, help="folder with the data, prepared by TFDS")
    parser.add_argument("--rows", help="comma-separated names of rows (default: all)")
    parser.add_argument("--seeds", default="0,1,2", help="comma-separated seeds (default: 0,1,2)")
    parser.add_argument("--runs", type=pathlib.Path, default=pathlib.Path("runs"))
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("results"))
    options = parser.parse_args(arguments)
    experiment = EXPERIMENTS[options.experiment]
    names = options.rows.split(",") if options.rows else list(experiment.rows)
    out = options.out / f"{options.experiment}.jsonl"
    data = shlex.join(["--data", experiment.data, "--data-dir", options.data_dir])
    for seed in map(int, options.seeds.split(",")):
        for name in names:
            folder = options.runs / options.experiment / name / f"seed-{seed}"
            place = shlex.join(["--seed", str(seed), "--run-dir", str(folder)])
            if measured(out, name, seed):
                continue
            run(command("training.fit", experiment.rows[name], experiment.shared, data, place))
            sources = [folder / "control" / "preset", folder] if experiment.control else [folder]
            for source in sources:
                files = [str(source), "--out", str(out), "--data-dir", options.data_dir]
                run(command("training.evaluate", shlex.join(files), experiment.measured))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
