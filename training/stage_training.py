"""Training of one stage of a run: the model or a control, from its newest checkpoint on."""

import dataclasses
import sys
import time
from typing import Any

from training.callbacks.compiling import Compiling
from training.callbacks.counting import CountingCallback
from training.callbacks.guarding import Guarding
from training.callbacks.pace import Pace
from training.callbacks.reporting import reporting
from training.callbacks.saving import Saving, StopRequest, saving_if_closed
from training.checkpoint import Checkpoints
from training.data.image_data import ImageData
from training.distribute import is_chief, losing_workers
from training.equal_seconds import add_pace
from training.lock import RunLock
from training.recipe import Recipe
from training.run_folder import RunFolder
from training.stages import Stage, checkpoint_folder
from training.steps_per_call import stacked
from training.streams import batches
from training.waiting import Waiting
from zoo.errors import UserError
from zoo.notebook_output import in_notebook


@dataclasses.dataclass(frozen=True)
class StageTraining:
    """Training of the stages of one run.

    Attributes:
        recipe: the resolved recipe of the run.
        data: the images.
        folder: the folder of the run.
        request: reports Ctrl-C and SIGTERM.
        lock: the lock of the folder; None in a process that does not write.
        announces: bool; False if the header contains the expected end of the run.
    """

    recipe: Recipe
    data: ImageData
    folder: RunFolder
    request: StopRequest
    lock: RunLock | None = None
    announces: bool = True

    def train(self, stage: Stage) -> dict[str, Any]:
        """Trains the model of a stage to the last step, from its newest checkpoint on.

        Returns:
            `seconds`: None for a resumed stage, whose whole time is not known.
            `waiting`: the share of the time that steps waited for their batches, if measured.
            `steps`: the number of steps, if it is not that of the run.

        Raises:
            Interrupted: the process was told to stop; the state is saved.
            WorkerLost: another process of the run has ended.
        """
        recipe, model, scores = stage.recipe or self.recipe, stage.model, stage.scores
        chief = is_chief(model.distribute_strategy)
        checkpoints = Checkpoints(
            checkpoint_folder(self.folder, stage.name),
            model,
            writes=chief,
            extra={} if scores is None else scores.state,
            saved=self.folder.publish,
        )
        first = checkpoints.restore()
        if first and chief:
            print(f"Going on from step {first:,}.", flush=True)
        if first % recipe.devices.known_steps_per_call:
            raise UserError(
                f"The run has stopped at step {first}, which is not a multiple of --steps-per-call "
                f"{recipe.devices.steps_per_call}: resume it with --steps-per-call 1."
            )
        started = None if first else time.monotonic()
        pace = Pace(
            steps=recipe.run.steps,
            announces=self.announces and chief,
            waiting=Waiting(deterministic=recipe.devices.deterministic),
            first_step=first,
        )
        callbacks = self._callbacks(recipe, stage, checkpoints, pace)
        every, last = recipe.run.report_every, recipe.run.steps
        while first < last:
            # Reports fall on multiples of `every`, wherever a run was resumed.
            steps = min(every - first % every, last - first)
            epochs = (last - first) // every if steps == every else 1
            with (
                losing_workers(model.distribute_strategy, self.request),
                saving_if_closed(checkpoints),
            ):
                model.fit(
                    pace.waiting.measured(
                        stacked(batches(recipe, model, stage.streams, first_step=first), model)
                    ),
                    steps_per_epoch=steps,
                    initial_epoch=first // every,
                    epochs=first // every + epochs,
                    callbacks=callbacks,
                    shuffle=False,
                    verbose=_verbosity() if chief else 0,
                )
            first += steps * epochs
        checkpoints.save()
        if chief and not stage.name:
            add_pace(self.folder, seconds_per_step=pace.seconds_per_step())
        seconds = None if started is None else round(time.monotonic() - started, 1)
        result: dict[str, Any] = {"seconds": seconds} | pace.waiting_share()
        return result if recipe is self.recipe else result | {"steps": recipe.run.steps}

    def _callbacks(
        self, recipe: Recipe, stage: Stage, checkpoints: Checkpoints, pace: Pace
    ) -> list[CountingCallback]:
        first_step = pace.run_step
        saving = Saving(
            checkpoints,
            every=recipe.run.checkpoint_every,
            request=self.request,
            first_step=first_step,
            lock=self.lock,
        )
        callbacks: list[CountingCallback] = [pace, Guarding(first_step=first_step), saving]
        if stage.scores is not None:
            # Before `Saving`, so that a checkpoint holds the scores of its own step.
            stage.scores.run_step = first_step
            callbacks.insert(0, stage.scores)
        if is_chief(stage.model.distribute_strategy):
            callbacks.append(Compiling(first_step=first_step))
            log = self.folder.path / "logs" / (stage.name or "train")
            callbacks += reporting(
                recipe, self.data, self.folder, stage.model, log=log, first_step=first_step
            )
        return callbacks


def _verbosity() -> int:
    """Returns Keras' number for a progress bar, or for one line per report if output is a file."""
    return 1 if sys.stdout.isatty() or in_notebook() else 2
