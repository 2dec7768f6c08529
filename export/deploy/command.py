"""`python -m export.deploy DIR/NAME --out FOLDER`: writes deployment files of an exported model."""

import dataclasses
import json
import os
import pathlib
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import tyro
import yaml

from export.deploy.compose import compose
from export.deploy.dashboard import dashboard
from export.deploy.kserve import kserve
from export.deploy.kubernetes import kubernetes
from export.deploy.model_config import MODELS_CONFIG, Labels, models_config
from export.deploy.monitoring import (
    MONITORING_CONFIG,
    monitoring_config,
    prometheus,
    service_monitor,
)
from zoo.command_line import parse_options
from zoo.errors import UserError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """Writes files for docker compose, Kubernetes and KServe that deploy an exported model."""

    model: Annotated[tyro.conf.Positional[pathlib.Path], tyro.conf.arg(metavar="DIR/NAME")]
    """Folder of an exported model."""
    out: Annotated[pathlib.Path, tyro.conf.arg(metavar="FOLDER")]
    """Folder to write to."""
    claim: str = "models"
    """PersistentVolumeClaim that contains the folder NAME."""
    stable: int | None = None
    """Version with the label `stable`; needs --canary."""
    canary: int | None = None
    """Version with the label `canary`; needs --stable. Both versions are served, and requests name
    one by its label."""


def main(arguments: Sequence[str], *, prog: str = "python -m export.deploy") -> int:
    """Runs the command; returns the exit code: 0, or 2 for a mistake of the user."""
    options = parse_options(Options, arguments, command=prog, description=Options.__doc__)
    try:
        for path in write_deployment(options):
            print(path)
    except (UserError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def write_deployment(options: Options) -> list[pathlib.Path]:
    """Writes all deployment files of an exported model.

    Args:
        options: the model, the folder to write to, and the versions of a canary release.

    Returns:
        The paths of the files.

    Raises:
        UserError: a folder without versions, or a label of a version that is not there.
    """
    model = options.model.expanduser().absolute()
    name = model.name
    labels = _labels(model, options)
    config = {MONITORING_CONFIG: monitoring_config()}
    if labels is not None:
        config[MODELS_CONFIG] = models_config(name, labels)
    files = {
        "docker-compose.yaml": _yaml([compose(model, labels)]),
        "kubernetes.yaml": _yaml(kubernetes(name, options.claim, config, labels)),
        "kserve.yaml": _yaml([kserve(name, options.claim)]),
        # Not in kubernetes.yaml, because it needs the Prometheus operator.
        "servicemonitor.yaml": _yaml([service_monitor(name)]),
        "grafana-dashboard.json": json.dumps(dashboard(name), indent=2) + "\n",
        "config/prometheus.yml": _yaml([prometheus(name)]),
        **{f"config/{file}": text for file, text in config.items()},
    }
    return _write(options.out, files)


def _labels(model: pathlib.Path, options: Options) -> Labels | None:
    """Returns the labels of a canary release, None if there is none."""
    versions = sorted(int(path.name) for path in model.glob("*") if path.name.isdigit())
    if not versions:
        raise UserError(
            f"{model} has no versions. To write one, type: python -m export PRESET_OR_RUN DIR"
        )
    if options.stable is None and options.canary is None:
        return None
    if options.stable is None or options.canary is None:
        given, missing = ("--canary", "--stable")[:: 1 if options.stable is None else -1]
        raise UserError(f"{given} was given without {missing}. Give both versions.")
    for flag, version in (("--stable", options.stable), ("--canary", options.canary)):
        if version not in versions:
            raise UserError(
                f"{flag} {version} was given, but {model} has no version {version}. It has: "
                f"{', '.join(map(str, versions))}."
            )
    return Labels(options.stable, options.canary)


def _yaml(documents: list[dict[str, Any]]) -> str:
    return yaml.safe_dump_all(documents, sort_keys=False)


def _write(out: pathlib.Path, files: Mapping[str, str]) -> list[pathlib.Path]:
    paths = []
    for name, text in files.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}-{os.getpid()}")
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)
        paths.append(path)
    return paths
