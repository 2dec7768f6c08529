"""The original GAN on a ring of 8 Gaussians: `python -m training.fit --model gan --data ring`.

The setting of sig.py in xudonmao/LSGAN, whose ring has one mode of double weight; here it has not.
On the 5 x 5 grid: `--recipe ring --data grid`. What came out: docs/theory.md.
"""

import dataclasses

from training.recipes import gan
from training.recipes.points import POINTS

RECIPE = dataclasses.replace(gan.RECIPE, **POINTS)
