"""WGAN-GP on a ring of 8 Gaussians: `python -m training.fit --model wgan_gp --data ring`.

LSGAN's networks and rates with WGAN-GP's penalty and one critic step, this project's choice.
On the 5 x 5 grid: `--recipe ring --data grid`. What came out: docs/theory.md.
"""

import dataclasses

from training.recipes import wgan_gp
from training.recipes.points import POINTS

RECIPE = dataclasses.replace(wgan_gp.RECIPE, **POINTS, critic_steps=1)
