"""The length of a run that is given in minutes: steps and intervals from measured durations."""

import dataclasses
import math
import time

from training.recipe import Recipe
from zoo.errors import UserError

LEAST_STEPS = 20
"""Calls of the model that a run must have: fewer train nothing."""
MARGIN = 1.03
"""Factor on the measured duration of a step. The median leaves out the slow steps."""
REPORTS, CHECKPOINTS = 20, 10
"""Reports and checkpoints of a run, if they do not take too long."""
REPORT_SHARE, SCORE_SHARE, CHECKPOINT_SHARE = 0.15, 0.15, 0.05
"""The largest shares of a run for reports, scores and checkpoints."""
CHECKPOINT_SECONDS = 600
"""Seconds between the checkpoints of a long run."""


@dataclasses.dataclass(frozen=True)
class Trial:
    """Durations in seconds, measured on a model and its data.

    Attributes:
        start: from the first step's call to its end, which includes its compilation.
        step: one step, with the wait for its batch.
        report: one report with its validation and samples.
        score: one measurement of the scores.
        checkpoint: one checkpoint.
        end: the test error and the preset at the end of the run.
    """

    start: float
    step: float
    report: float
    score: float
    checkpoint: float
    end: float


@dataclasses.dataclass(frozen=True)
class Length:
    """The length of a run and its intervals.

    Attributes:
        steps: the number of steps.
        report_every: steps between reports.
        checkpoint_every: steps between checkpoints.
        score_every: thousands of real images between scores; None for one at every report.
    """

    steps: int
    report_every: int
    checkpoint_every: int
    score_every: float | None

    def applied(self, recipe: Recipe) -> Recipe:
        """Returns a recipe of this length."""
        values = dataclasses.asdict(self)
        if recipe.scores.score_metrics is None:
            del values["score_every"]
        return recipe.with_options(**values)


def length_of(recipe: Recipe) -> Length:
    """Returns the length and the intervals of a recipe."""
    run = recipe.run
    return Length(run.steps, run.report_every, run.checkpoint_every, recipe.scores.score_every)


@dataclasses.dataclass(frozen=True)
class _Counts:
    """The numbers of reports, scores and checkpoints that a run has time for."""

    reports: int
    scores: int
    checkpoints: int


def decide(
    recipe: Recipe, trial: Trial, *, minutes: float, spent: float, batches_per_step: int
) -> Length:
    """Returns the length of a run that takes some minutes.

    Options that the user gave stay as they are. The others become round numbers.

    Args:
        recipe: a checked recipe with `minutes`.
        trial: the measured durations.
        minutes: float, the time of the whole run.
        spent: float, seconds that have passed before the first step.
        batches_per_step: int, real batches of one step.

    Raises:
        UserError: the time is too short for `LEAST_STEPS` calls and one evaluation.
    """
    images = recipe.run.batch_size * batches_per_step / 1000
    least = LEAST_STEPS * recipe.devices.known_steps_per_call
    left = 60 * minutes - spent - trial.start - trial.end
    counts = _counts(recipe, trial, left)
    fixed, per_step = 0.0, trial.step * MARGIN
    overheads = [
        (trial.report, counts.reports, _given(recipe, "report_every")),
        (trial.checkpoint, counts.checkpoints, _given(recipe, "checkpoint_every")),
        (trial.score, counts.scores, (_given(recipe, "score_every") or 0.0) / images),
    ]
    for seconds, count, every in overheads:
        if every:
            per_step += seconds / every
        else:
            fixed += seconds * count
    steps = int((left - fixed) / per_step)
    if steps < least:
        once = trial.report + trial.score + trial.checkpoint
        needed = 1.2 * (once + least * per_step + trial.start + trial.end)
        raise UserError(
            f"--minutes {as_typed(recipe.run.minutes)} is too short. The start takes about "
            f"{spent + trial.start:.1f} s, {least} steps {least * trial.step:.1f} s, and one "
            f"evaluation with a checkpoint {once:.1f} s. Give at least --minutes "
            f"{math.ceil((spent + needed) / 6) / 10:g}, or a number of steps with --steps."
        )
    return _rounded(recipe, steps, counts, images)


def as_typed(minutes: float | str | None) -> str:
    """Returns minutes as on the command line: 2, not 2.0."""
    return f"{minutes:g}" if isinstance(minutes, float) else str(minutes)


def _given(recipe: Recipe, name: str) -> float | None:
    """Returns an interval that the user gave; None for one that is decided here."""
    return recipe.flat()[name] if name in recipe.given else None


def _counts(recipe: Recipe, trial: Trial, left: float) -> _Counts:
    reports = _count(left * REPORT_SHARE, trial.report, most=REPORTS)
    if every := _given(recipe, "report_every"):
        reports = max(int(left / trial.step / every), 1)
    most = max(CHECKPOINTS, int(left / CHECKPOINT_SECONDS))
    return _Counts(
        reports,
        _count(left * SCORE_SHARE, trial.score, most=reports),
        _count(left * CHECKPOINT_SHARE, trial.checkpoint, most=most),
    )


def _rounded(recipe: Recipe, steps: int, counts: _Counts, images: float) -> Length:
    """Returns round numbers: whole intervals of reports and scores, in whole calls."""
    several, score_every = recipe.devices.known_steps_per_call, _given(recipe, "score_every")
    every = int(
        _given(recipe, "report_every")
        or round_down(steps / counts.reports, digits=2, multiple=several)
    )
    together = 1
    if steps < every:
        steps = round_down(steps, digits=3, multiple=several)
    else:
        if score_every is None:
            together = math.ceil(steps // every / counts.scores)
        steps = steps // (every * together) * every * together
    checkpoint_every = int(
        _given(recipe, "checkpoint_every") or math.ceil(steps / every / counts.checkpoints) * every
    )
    if together > 1:
        score_every = together * every * images
    return Length(steps, every, checkpoint_every, score_every)


def _count(seconds: float, duration: float, *, most: int) -> int:
    """Returns how often something of a duration fits into some time: 1 to `most`."""
    return max(1, min(most, int(seconds / max(duration, 1e-6))))


def round_down(value: float, *, digits: int, multiple: int) -> int:
    """Returns the next lower number of some digits that is a multiple, at least that multiple.

    >>> round_down(1234.5, digits=2, multiple=1), round_down(1234.5, digits=2, multiple=16)
    (1200, 1200)
    >>> round_down(0.3, digits=2, multiple=16)
    16
    """
    whole = max(int(value), 1)
    unit = 10 ** max(len(str(whole)) - digits, 0)
    return max(whole // unit * unit // multiple, 1) * multiple


def seconds_of(trial: Trial, length: Length, *, scores: int) -> float:
    """Returns the expected duration of a run in seconds.

    Args:
        trial: the measured durations.
        length: the length of the run.
        scores: int, number of measurements of the scores.
    """
    return (
        trial.start
        + length.steps * trial.step * MARGIN
        + math.ceil(length.steps / length.report_every) * trial.report
        + scores * trial.score
        + length.steps // length.checkpoint_every * trial.checkpoint
        + trial.end
    )


def duration(seconds: float) -> str:
    """Returns a duration in words.

    >>> duration(40), duration(1500), duration(7000), duration(300_000)
    ('40 seconds', '25 minutes', '1.9 hours', '3.5 days')
    """
    if seconds < 90:
        count = max(round(seconds), 1)
        return f"{count} second{'s' * (count > 1)}"
    if seconds < 5400:
        return f"{round(seconds / 60)} minutes"
    if seconds < 2 * 86400:
        return f"{seconds / 3600:.1f} hours"
    return f"{seconds / 86400:.1f} days"


def until(seconds: float) -> str:
    """Returns the time of day at which something of a duration ends, with the date if needed."""
    now, end = time.localtime(), time.localtime(time.time() + seconds)
    same_day = (now.tm_year, now.tm_yday) == (end.tm_year, end.tm_yday)
    return time.strftime("%H:%M" if same_day else "%Y-%m-%d %H:%M", end)
