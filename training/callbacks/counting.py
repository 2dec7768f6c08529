"""The base of the callbacks that need to know the step of the run, not of the epoch."""

import keras


class CountingCallback(keras.callbacks.Callback):
    """Counts the steps of the run in `self.run_step`; a call of the model may take several.

    Args:
        first_step: int, steps that were taken before (in an earlier session).
    """

    def __init__(self, *, first_step: int = 0):
        super().__init__()
        self.run_step = first_step

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self.run_step += self.model.steps_per_execution
