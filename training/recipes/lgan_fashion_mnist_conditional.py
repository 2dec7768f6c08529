"""Fashion-MNIST by class: `python -m training.fit --model lgan --recipe fashion_mnist_conditional`.

The recipe for Fashion-MNIST with labels: batch normalisation by class in the generator, a label
projection in the critic. Scores: `docs/presets.md`.
"""

import dataclasses

from training.recipes import lgan_fashion_mnist

RECIPE = dataclasses.replace(
    lgan_fashion_mnist.RECIPE,
    conditional="projection",
    generator_normalization="conditional_batch",
)
