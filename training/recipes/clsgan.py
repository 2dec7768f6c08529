"""Recipes of CLS-GAN, semi-supervised classification: `python -m training.fit --model clsgan`."""

from training.options.networks import ClassifierNetworkOptions
from training.options.supervision import LabelOptions
from training.recipe import Recipe
from zoo.models import ConditionalLossSensitive

_BASE = Recipe(
    model="clsgan",
    supervision=LabelOptions(),
    networks=ClassifierNetworkOptions(),
    objective=ConditionalLossSensitive(),
).with_options(score_metrics="error", best_by="error")

DEFAULT = _BASE.with_options(
    adapt=True,
    minutes="auto",
    precision="auto",
    network="residual",
    critic_filters=16,
    generator_filters=64,
    latent_dim=64,
    dropout=0.1,
    critic_optimizer="sgd",
    critic_learning_rate=0.1,
    critic_weight_decay=5e-3,
    generator_learning_rate=3e-4,
    learning_rate_decay="cosine",
    warm_up=0.05,
    ema=0.99,
    shift=4,
    strong=1.0,
    cutout=0.5,
    strong_labelled=0.5,
    unlabelled_batches=2,
    classes_by_average=True,
    unlabelled_cross_entropy=1.0,
    confidence=0.95,
    margin_scale=0.2,
    hinge_weight=0.03,
    unlabelled_weight=0.03,
    adversarial_start=0.3,
    adversarial_ramp=0.2,
    adversarial_every=4,
)
"""Any labelled image data: `--data DATA --labels N`.

A residual classifier learns from strong views of labelled images, and from strong views of
unlabelled ones whose class the averaged classifier is confident of. Generator and hinges start
late, with a small weight, in every fourth step. `training/adapting.py` chooses the augmentation and
the widths by the images, the labels and the device. Scores: `results/README.md`.
"""

PAPER = _BASE.with_options(
    data="cifar10",
    labels=4000,
    steps=100_000,
    report_every=2000,
    checkpoint_every=2000,
    latent="uniform",
    critic_filters=96,
    dropout=0.0,
    ema=None,
    generator_learning_rate=1e-3,
    critic_learning_rate=1e-3,
    learning_rate_decay="stairs",
    decay_factor=0.8,
    decay_every=19_531,
)
"""`--recipe paper`: the plain CLS-GAN of the paper.

Networks, batch 64, Adam 1e-3 with beta1 0.5 and a rate multiplied by 0.8 every 25 epochs, uniform
noise and weights from N(0, 0.02) are section 7.2 and Table 1 of arXiv 1701.06264v3. The margin
scale is that of the official code. lambda and gamma are 1, within the grids of the paper's
cross-validation. The rate changes after 25 passes over 50,000 images (19,531 steps), whatever part
of them has labels. The length is this project's choice: the paper states none. Left out is its
weight decay, whose value is not stated. Table 2 of the paper reports an error of 17.3 +- 0.5 % on
CIFAR-10 with 4,000 labels, over 10 sets of labels (`--seeds 10`). Not run yet.
"""

RECIPES: dict[str, Recipe] = {
    "": DEFAULT,
    "paper": PAPER,
    "mnist": DEFAULT.with_options(data="mnist", labels=100),
    "fashion_mnist": DEFAULT.with_options(data="fashion_mnist", labels=1000, flip=True),
    "cifar10": DEFAULT.with_options(data="cifar10", labels=4000),
    # `--data digits`: 100 labels, with the supervised control. The two take 213 s of processor time
    # (two runs on an AMD EPYC with other load). Without XLA, because its trial on a CPU would take
    # longer than it could save.
    "digits": DEFAULT.with_options(
        labels=100,
        minutes=None,
        steps=1000,
        report_every=125,
        checkpoint_every=250,
        strong=0.5,
        cutout=0.3,
        control=True,
        hinge_weight=0.1,
        unlabelled_weight=0.1,
        precision="float32",
        jit="off",
    ),
    # `--recipe paper_svhn`: the paper's plain setting with 100 labels per class. Table 3 of the
    # paper reports an error of 5.98 +- 0.27 %, with lambda and gamma chosen by cross-validation.
    # The rate changes after 25 passes over 73,257 training images. Not run yet.
    "paper_svhn": PAPER.with_options(data="svhn_cropped", labels=1000, decay_every=28_616),
    # `--recipe released`: supervised, from clsgan.lua of guojunq/lsgan on CIFAR-10: its critic
    # (class layer without bias) and generator, margin 0.0008 per pixel and channel at 32x32 (scale
    # 2.4576), both terms of weight 1, Adam 1e-3 with beta1 0.5 at a constant rate, batch 64, z 100
    # normal, the fakes of the critic step in the generator step, no averaged weights, 25 epochs
    # (19,531 steps of 50,000 images). It reads the images in stored order, and measures its test
    # error with the critic in training mode; neither is done here. The class layer starts from
    # Keras' own initialiser, of the same spread. Its other use is `--data mnist --image-size 32`.
    # Not run yet.
    "released": PAPER.with_options(
        labels="all",
        network="clsgan_released",
        head_bias=False,
        critic_filters=64,
        latent="normal",
        shared_latents=True,
        learning_rate_decay="none",
        decay_factor=None,
        decay_every=None,
        steps=19_531,
    ),
}
