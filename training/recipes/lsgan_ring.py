"""LSGAN on a ring of 8 Gaussians: `python -m training.fit --model lsgan --data ring`.

The setting of ls.py in xudonmao/LSGAN, whose ring has one mode of double weight; here it has not.
On the 5 x 5 grid: `--recipe ring --data grid`. What came out: docs/theory.md.
"""

import dataclasses

from training.recipes import lsgan
from training.recipes.points import POINTS

RECIPE = dataclasses.replace(lsgan.RECIPE, **POINTS, scheme="binary")
