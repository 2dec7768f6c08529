"""The state of a run on disk: progress, speed, curves and samples, for the page of `watch`."""

import dataclasses
import json
import pathlib
import threading
import time
from typing import Any

from training.controls import CONTROLS
from training.event_files import EventFolder, Report
from training.healthy import bands
from training.lock import refuse_if_locked
from training.report import tables
from training.run_folder import RunFolder, read_recipe
from zoo.errors import UserError

# Values that the page shows as numbers or not at all.
_WITHOUT_CURVE = ("kimg", "memory_mb", "images_per_second", "skipped_steps", "adversarial_steps")
_FIRST = ("score_", "val_error", "gap", "critic_loss", "generator_loss", "gradient_norm", "clipped")
_MOST_POINTS = 400
_REPORTS_OF_PACE = 5


class RunState:
    """Reads the state of a run again and again.

    Args:
        folder: the folder of the run.

    Raises:
        UserError: the folder is not that of a run.
    """

    def __init__(self, folder: pathlib.Path):
        self.folder = RunFolder(folder)
        self.recipe = _recipe_of(folder)
        self._lock = threading.Lock()
        stages = {"train": ""} | {name: name for name in CONTROLS}
        self._events = {
            stage: EventFolder(folder / "logs" / log_name) for log_name, stage in stages.items()
        }

    def read(self) -> dict[str, Any]:
        """Returns the state as JSON values.

        `phase` is `finished`, `training`, `stopped` or `starting`. `seconds_left` is of the current
        stage, None if it is not known.
        """
        recipe = self.recipe = read_recipe(self.folder.path)
        with self._lock:
            reports = {stage: events.reports() for stage, events in self._events.items()}
        reports = {stage: found for stage, found in reports.items() if found}
        phase = self._phase(started=bool(reports))
        stage = max(reports, key=lambda one: _last(reports[one])[1].seconds) if reports else ""
        step, report = _last(reports[stage]) if reports else (0, None)
        total = self._steps_of(stage)
        per_step = _seconds_per_step(reports.get(stage, {}))
        left = None
        if phase == "training" and per_step and report and step < total:
            left = max((total - step) * per_step - (time.time() - report.seconds), 0.0)
        return {
            "name": self.folder.path.absolute().name,
            "model": str(recipe.get("model")),
            "data": str(recipe.get("data")),
            "phase": phase,
            "stage": CONTROLS[stage].short if stage else "",
            "step": step,
            "steps": total,
            "seconds_per_step": per_step,
            "seconds_left": left,
            "images_per_second": report.values.get("images_per_second") if report else None,
            "curves": _curves(reports, str(recipe.get("model"))),
            "samples": sorted(self.samples()),
            "tables": self._tables(),
        }

    def samples(self) -> dict[int, pathlib.Path]:
        """Returns the sample sheets by step."""
        found = (self.folder.path / "samples").glob("*.png")
        return {int(path.stem): path for path in found if path.stem.isdigit()}

    def _steps_of(self, stage: str) -> int:
        """Returns the number of steps of a stage; one control has its own."""
        try:
            own = json.loads(self.folder.pace.read_text())[stage]["steps"]
        except (OSError, ValueError, LookupError, TypeError):
            own = self.recipe.get("steps")
        return own if isinstance(own, int) else 0

    def _phase(self, *, started: bool) -> str:
        if self.folder.result.exists():
            return "finished"
        try:
            refuse_if_locked(self.folder.path)
        except UserError:
            return "training" if started else "starting"
        return "stopped"

    def _tables(self) -> list[str]:
        if not self.folder.result.exists():
            return []
        try:
            return tables([self.folder.path])
        except UserError as error:
            return [str(error)]


def _recipe_of(folder: pathlib.Path) -> dict[str, Any]:
    try:
        return read_recipe(folder)
    except UserError:
        seeds = sorted(path.parent for path in folder.glob("seed-*/recipe.json"))
        if not seeds:
            raise
        raise UserError(
            f"{folder} has several runs. Give one of them: {', '.join(map(str, seeds))}."
        ) from None


def _last(reports: dict[int, Report]) -> tuple[int, Report]:
    step = max(reports, key=lambda one: reports[one].seconds)
    return step, reports[step]


def _seconds_per_step(reports: dict[int, Report]) -> float | None:
    """Returns the time of a step over the last reports, with its share of the reports' own time."""
    recent = sorted(reports.items(), key=lambda item: item[1].seconds)[-_REPORTS_OF_PACE:]
    if len(recent) < 2 or recent[-1][0] <= recent[0][0]:
        return None
    seconds = recent[-1][1].seconds - recent[0][1].seconds
    return seconds / (recent[-1][0] - recent[0][0])


def _curves(reports: dict[str, dict[int, Report]], model: str) -> list[dict[str, Any]]:
    names = {name for found in reports.values() for one in found.values() for name in one.values}
    healthy = bands(model)
    curves = []
    for name in sorted(names.difference(_WITHOUT_CURVE), key=lambda name: (_rank(name), name)):
        lines = []
        for place, (stage, found) in enumerate(reports.items()):
            points = [[k, one.values[name]] for k, one in found.items() if name in one.values]
            if points:
                every = -(-len(points) // _MOST_POINTS)
                kept = points[::-1][::every][::-1]
                label = CONTROLS[stage].short if stage else "model"
                lines.append({"name": label, "place": place, "points": kept})
        band = dataclasses.asdict(healthy[name]) if name in healthy else None
        curves.append({"title": name, "lines": lines, "band": band})
    return curves


def _rank(name: str) -> int:
    return next((i for i, start in enumerate(_FIRST) if name.startswith(start)), len(_FIRST))
