"""LGAN on a ring of 8 Gaussians: `python -m training.fit --model lgan --data ring`.

LSGAN's networks and rates with MaxGP of weight 0.1 and a buffer of an eighth of the batch (as in
gan_synthetic4.py of ZhimingZhou/LGANs-for-reproduce), one critic step: this project's choice.
On the 5 x 5 grid: `--recipe ring --data grid`. What came out: docs/theory.md.
"""

import dataclasses

from training.recipes import lgan
from training.recipes.points import POINTS

RECIPE = dataclasses.replace(
    lgan.RECIPE,
    **POINTS,
    critic_steps=1,
    generator_batches=1,
    learning_rate_decay="none",
    penalty_buffer=64,
    penalty_buffer_mode="replace",
)
