"""Tests of the diagnostics with values that are known in advance."""

import numpy as np
import pytest

from tests.support.cases import build, tiny_data, tiny_recipe
from training.callbacks.diagnostics import Diagnostics
from zoo.penalties import make_penalty


def measured(model):
    diagnostics = Diagnostics(tiny_data().validation)
    diagnostics.set_model(model)
    return diagnostics.measure()


def test_gradient_norms_scale_with_the_critics_last_layer():
    """Scores are linear in the last layer, so doubling it doubles all gradients."""
    model = build(tiny_recipe("wgan_gp"))
    before = measured(model)
    model.critic.score.kernel.assign(2.0 * model.critic.score.kernel.value)
    after = measured(model)
    assert before.keys() == {
        "gradient_norm_data",
        "gradient_norm_interpolates",
        "gradient_norm_max",
        "generator_gradient_norm",
    }
    for name, value in before.items():
        assert after[name] == pytest.approx(2 * value, rel=1e-3), name
    assert before["gradient_norm_max"] >= before["gradient_norm_interpolates"] > 0


def test_clip_saturation_is_the_share_of_weights_at_the_bound():
    model = build(tiny_recipe("wgan", clip_bound=0.02))
    weights = np.concatenate([np.ravel(v) for v in model.critic.trainable_variables])
    beyond = float(np.mean(np.abs(weights) >= 0.02))
    make_penalty("clip", {"bound": 0.02}).before_step(model.critic)
    assert measured(model)["clipped_weights"] == pytest.approx(beyond, abs=0.02)
    assert 0.1 < beyond < 0.9


@pytest.mark.parametrize(
    ("model", "changes"), [("hinge", {"conditional": "onehot"}), ("clsgan", {})]
)
def test_conditional_critics_and_classifiers_are_measured_too(model, changes):
    values = measured(build(tiny_recipe(model, **changes)))
    assert all(np.isfinite(value) for value in values.values())
    assert ("gradient_norm_data" in values) == (model == "hinge")
