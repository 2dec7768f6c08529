"""The guard skips a step with non-finite values on every replica, counts it and reports it."""

import keras
import numpy as np
import pytest

from tests.support.cases import SHAPE, weights
from tests.support.devices import replicas
from training.callbacks.guarding import LIMIT, Guarding
from training.errors import NotFinite
from zoo.models import LeastSquaresGAN
from zoo.networks import DCGANCritic, DCGANGenerator
from zoo.options import StepOptions

pytestmark = pytest.mark.filterwarnings("ignore:The training step of batch")


def make(count):
    keras.utils.set_random_seed(0)
    with replicas(count).scope():
        model = LeastSquaresGAN(
            DCGANGenerator(SHAPE, latent_dim=5, base_filters=8),
            DCGANCritic(SHAPE, filters=4),
            step=StepOptions(ema=0.9),
        )
        model.compile(keras.optimizers.Adam(), keras.optimizers.Adam())
    return model


def images(batches, *, bad=()):
    """Returns batches of four images; the last image of a bad batch is not finite."""
    values = np.random.default_rng(0).uniform(-1, 1, (4 * batches, *SHAPE)).astype("float32")
    for batch in bad:
        values[4 * batch + 3] = np.nan
    return values


def fit(model, data, **options):
    return model.fit(data, batch_size=4, shuffle=False, verbose=0, **options).history


def everything(model):
    optimizers = model.optimizers.values()
    slots = [keras.ops.convert_to_numpy(v) for o in optimizers for v in o.variables]
    return weights(model)[2:] + [np.array(slot) for slot in slots]  # After step and guard.


@pytest.mark.parametrize("count", [1, 2])
def test_a_bad_step_leaves_weights_slots_averages_and_statistics_alone(count):
    model, other = make(count), make(count)
    data = images(3, bad=[2])
    fit(other, data[:8])
    fit(model, data)
    for left, right in zip(everything(other), everything(model), strict=True):
        np.testing.assert_array_equal(left, right)
    total, in_a_row, place = keras.ops.convert_to_numpy(model.guard)
    assert (total, in_a_row) == (1, 1)
    assert "critic" in model.guarded_names[place]
    assert int(model.step.numpy()) == 3


def test_finite_steps_continue_and_the_logs_stay_finite():
    model = make(2)
    history = fit(model, images(4, bad=[1]))
    assert all(np.isfinite(values).all() for values in history.values())
    assert list(keras.ops.convert_to_numpy(model.guard)[:2]) == [1, 0]


def test_skipped_steps_are_named_and_many_in_a_row_stop_the_run(capsys):
    model = make(1)
    with pytest.raises(NotFinite, match="20 steps in a row"):
        fit(model, images(LIMIT + 5, bad=range(1, LIMIT + 5)), callbacks=[Guarding()])
    printed = capsys.readouterr().err
    assert "step 2 was skipped, " in printed and "dcgan_critic" in printed
    assert f"{LIMIT} in a row" in printed


def test_steps_of_one_call_are_named_together(capsys):
    model = make(1)
    model.steps_per_execution = 5
    # Only the last batch of the first call is checked, so it is the first one without NaN.
    bad = [*range(4), *range(5, LIMIT + 10)]
    with pytest.raises(NotFinite, match="20 steps in a row"):
        fit(model, images(LIMIT + 10, bad=bad), callbacks=[Guarding()])
    assert "one of steps 1 to 5 was skipped, " in capsys.readouterr().err
