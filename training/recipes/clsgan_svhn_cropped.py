"""CLS-GAN on SVHN with 1000 labels: `python -m training.fit --model clsgan --data svhn_cropped`.

The paper's plain setting as for CIFAR-10 (`--recipe paper`, where the source of each constant is)
with 100 labels a class. Table 3 of arXiv 1701.06264v3 has 5.98 +- 0.27 % for it, with weights
lambda and gamma chosen by cross-validation. A stair is 25 passes over the 73,257 training images,
batch 64. Not run yet.
"""

import dataclasses

from training.recipes import clsgan_paper

RECIPE = dataclasses.replace(
    clsgan_paper.RECIPE, data="svhn_cropped", labels=1000, decay_every=28_616
)
