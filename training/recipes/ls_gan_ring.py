"""LS-GAN on a ring of 8 Gaussians: `python -m training.fit --model ls_gan --data ring`.

LSGAN's networks and rates for this method too, which is this project's choice.
On the 5 x 5 grid: `--recipe ring --data grid`. What came out: docs/theory.md.
"""

import dataclasses

from training.recipes import ls_gan
from training.recipes.points import POINTS

RECIPE = dataclasses.replace(ls_gan.RECIPE, **POINTS, latent="normal")
