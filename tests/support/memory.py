"""Memory of a tiny run.

`python -m tests.support.memory FOLDER CASE` prints its growth over 1,000 steps.
"""

import pathlib
import resource
import sys

import keras

from tests.support.tiny_runs import make, run
from tests.support.variants import recipe_of
from training import stage_training
from zoo.native_log import quiet_tensorflow

WARM_UP, STEPS, EVERY = 200, 1000, 100


def resident_bytes() -> int:
    """What the process holds in memory now."""
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


class Memory(keras.callbacks.Callback):
    """Notes what the process holds at each report."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self.sizes.append(resident_bytes())


def main(folder: str, case: str) -> None:
    quiet_tensorflow()
    memory, reporting = Memory(), stage_training.reporting
    stage_training.reporting = lambda *place, **named: [*reporting(*place, **named), memory]
    recipe = recipe_of(case, steps=WARM_UP + STEPS, report_every=EVERY, checkpoint_every=EVERY)
    run(recipe, make(recipe), pathlib.Path(folder))
    first, last = memory.sizes[WARM_UP // EVERY - 1], memory.sizes[-1]
    print("MB at each report:", *(round(size / 2**20) for size in memory.sizes))
    print(
        f"{case}: {first / 2**20:.1f} MB after step {WARM_UP}, {last / 2**20:.1f} MB after step "
        f"{WARM_UP + STEPS}, growth {100 * (last - first) / first:.2f} %"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
