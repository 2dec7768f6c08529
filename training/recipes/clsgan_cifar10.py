"""CLS-GAN on CIFAR-10 with 4000 labels: `python -m training.fit --model clsgan --data cifar10`.

The paper's plain setting (`--recipe paper`, where the source of each constant is): its networks,
400 labels a class and the rest unlabelled. Table 2 of arXiv 1701.06264v3 has 17.3 +- 0.5 % for it,
over 10 sets of labels (`--seeds 10`), with weights lambda and gamma chosen by cross-validation. Not
run yet.
"""

from training.recipes import clsgan_paper

RECIPE = clsgan_paper.RECIPE
