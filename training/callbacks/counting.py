"""The base class of callbacks that use the step of the whole run."""

import keras


class CountingCallback(keras.callbacks.Callback):
    """Counts the steps of the run in `self.run_step`; one call of the model may take several.

    Args:
        first_step: int, number of steps before this start of the run.
    """

    def __init__(self, *, first_step: int = 0):
        super().__init__()
        self.run_step = first_step

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self.run_step += self.model.steps_per_execution
