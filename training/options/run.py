"""Options of a run: its length, seed, reports and folder."""

import dataclasses
from typing import Annotated, Literal

from zoo.options import Count, Options, Positive, Range

LAST_SEED = 2**32 - 1
"""The largest seed that NumPy's global generator takes, which Keras seeds too."""
LENGTHS = ("steps", "kimg", "epochs", "minutes")
"""The options that state the length of a run; one of them decides."""
Seed = Annotated[int, Range(f"from 0 to {LAST_SEED}", least=0, most=LAST_SEED)]


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunOptions(Options):
    """Length, seed, reports and folder of the run."""

    steps: Count = 3000
    """Length of the run in generator steps."""
    kimg: Positive | None = None
    """Length of the run in thousands of real images, instead of `steps`."""
    epochs: Positive | None = None
    """Length of the run in passes over the training images, instead of `steps`."""
    minutes: Positive | Literal["auto"] | None = None
    """Length of the run in minutes on this machine, instead of `steps`: a short trial fixes
    `steps`, and the intervals of reports, scores and checkpoints that are not given. `auto` is 30
    on CPUs and 10 on a GPU."""
    batch_size: Count = 64
    """Images of one critic step, over all devices together."""
    seed: Seed = 0
    """Seed of weights, order of the data, noise, and the choice of labelled images: an integer from
    0 to 4294967295."""
    run_dir: str | None = None
    """Folder of the run, or its address on an object store (s3://BUCKET/RUN); by default
    runs/MODEL-DATA-TIME. A run in this folder is resumed."""
    export: str | None = None
    """Folder to which a SavedModel for TF Serving is written at the end."""
    init_from: str | None = None
    """Preset, or folder of a finished run, whose weights both networks start with; the optimizers
    start anew."""
    report_every: Count = 300
    """Steps between lines of the report, sample grids and validation."""
    checkpoint_every: Count = 500
    """Steps between checkpoints; the last three are kept."""

    @property
    def length_in_images(self) -> bool:
        """Whether `kimg` or `epochs` states the length."""
        return self.kimg is not None or self.epochs is not None

    @property
    def steps_known_later(self) -> bool:
        """Whether the number of steps follows from the data or from a trial."""
        return self.length_in_images or self.minutes is not None

    def check(self) -> None:
        super().check()
        if sum(value is not None for value in (self.kimg, self.epochs, self.minutes)) > 1:
            raise ValueError("Give one of `steps`, `kimg`, `epochs` and `minutes`, not several.")
