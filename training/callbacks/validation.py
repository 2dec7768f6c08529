"""The error rate on the validation split. The test split is not used before the end of a run."""

from training.callbacks.counting import CountingCallback
from training.data.image_data import Split
from training.metrics.error_rate import error_rate


class Validation(CountingCallback):
    """Adds `val_error`, the error rate of the averaged classifier, to the logs.

    Args:
        split: the labelled validation split.
    """

    def __init__(self, split: Split):
        super().__init__()
        self.split = split

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if logs is not None:
            logs["val_error"] = error_rate(self.model.classifier, self.split)
