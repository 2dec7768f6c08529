"""A last batch of one image on two replicas: one replica has no image, and the run is the same."""

import keras
import numpy as np
import pytest

from tests.support.cases import weights
from tests.support.devices import replicas
from zoo.models import HingeGAN, LossSensitive, LossSensitiveGAN, RelativisticAverageGAN
from zoo.networks import MLPCritic, MLPGenerator
from zoo.options import StepOptions
from zoo.penalties import PENALTIES, make_penalty

SHAPE = (4, 4, 1)
IMAGES = np.random.default_rng(0).uniform(-1, 1, (9, *SHAPE)).astype("float32")

CASES = {
    "all pairs": lambda *parts: LossSensitiveGAN(*parts, LossSensitive(pairs="all")),
    "same index": lambda *parts: LossSensitiveGAN(*parts, LossSensitive(weight_decay=0.1)),
    "relativistic means": RelativisticAverageGAN,
    "several fakes": lambda *parts: HingeGAN(*parts, step=StepOptions(generator_batches=2)),
    **{
        name: lambda *parts, name=name: HingeGAN(*parts, penalty=make_penalty(name, {}))
        for name in PENALTIES
    },
    **{
        f"max_gp, {mode}": lambda *parts, mode=mode: HingeGAN(
            *parts, penalty=make_penalty("max_gp", {"buffer": 3, "buffer_mode": mode})
        )
        for mode in ("append", "replace")
    },
}
QUICK = ("all pairs", "relativistic means", "several fakes", "gp", "max_al", "max_gp, replace")


def trained(case, count):
    keras.utils.set_random_seed(0)
    with replicas(count).scope():
        critic = MLPCritic(SHAPE, units=4, depth=1, activation="tanh")
        model = CASES[case](MLPGenerator(SHAPE, latent_dim=3, units=4, depth=1), critic)
        model.compile(keras.optimizers.SGD(0.05), keras.optimizers.SGD(0.05))
    model.fit(IMAGES, batch_size=8, shuffle=False, verbose=0)
    assert int(keras.ops.convert_to_numpy(model.guard)[0]) == 0
    return weights(model)


@pytest.mark.parametrize(
    "case",
    [one if one in QUICK else pytest.param(one, marks=pytest.mark.slow) for one in CASES],
)
def test_a_replica_without_images_changes_nothing(case):
    for one, two in zip(trained(case, 1), trained(case, 2), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-6)
