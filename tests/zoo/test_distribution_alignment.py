"""Distribution alignment: the classes of unlabelled images are found equally often."""

import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.support.cases import build, tiny_data, tiny_recipe, train
from tests.support.devices import replicas
from training.build import build_control
from training.checkpoint import Checkpoints
from zoo.errors import UserError
from zoo.models import ConditionalLossSensitive
from zoo.models.examples import Examples
from zoo.models.mean_prediction import MEAN_DECAY, MeanPrediction
from zoo.models.semi_supervised import UnlabelledImages
from zoo.models.semi_supervised_losses import aligned
from zoo.models.semi_supervised_options import UnlabelledTerms

ALIGNED = {"distribution_alignment": True, "unlabelled_batches": 2, "confidence": 0.0}
START = np.full(3, 1 / 3, "float32")


def recipe_of(**changes):
    return tiny_recipe("clsgan", **(ALIGNED | changes))


def mean_of(model) -> np.ndarray:
    return keras.ops.convert_to_numpy(model.mean_prediction.variable)


def test_probabilities_are_divided_by_their_mean():
    probabilities = tf.constant([[0.125, 0.25, 0.625], [0.0, 0.0, 1.0]])
    # The quotients are 0.25, 1 and 2.5, whose sum is 3.75.
    found = aligned(probabilities, tf.constant([0.5, 0.25, 0.25]))
    np.testing.assert_allclose(found, [[1 / 15, 4 / 15, 2 / 3], [0, 0, 1]], rtol=1e-6)
    np.testing.assert_allclose(aligned(probabilities, START), probabilities, rtol=1e-6)


def test_a_class_that_was_never_predicted_stays_finite():
    found = aligned(tf.constant([[0.0, 1.0], [1e-20, 1.0]]), tf.constant([0.0, 1.0]))
    np.testing.assert_allclose(found[0], [0.0, 1.0], atol=1e-6)
    assert np.isfinite(found).all()


def test_the_running_mean_moves_by_a_hundredth():
    mean = MeanPrediction(keras.Variable(START))
    images = types.SimpleNamespace(
        average_probabilities=tf.constant([[0.0, 0.0, 1.0]] * 3 + [[1.0, 0.0, 0.0]]), multiple=2
    )
    mean.update(images, tf.constant(2.0))
    expected = MEAN_DECAY * START + (1 - MEAN_DECAY) * np.array([0.25, 0.0, 0.75])
    np.testing.assert_allclose(mean.value, expected, rtol=1e-6)


def test_the_mean_decides_the_class_and_the_confidence():
    """The averaged classifier finds class 1 too often, so class 0 is the likelier one here."""
    terms = UnlabelledTerms(classes_by_average=True, confidence=0.75, unlabelled_cross_entropy=1.0)
    images = UnlabelledImages(
        Examples(tf.zeros((1, 8, 8, 1))),
        None,
        network=None,
        average=lambda images, training: tf.math.log([[0.4, 0.6]]),
        terms=terms,
        extra_class=True,
        mean_prediction=tf.constant([0.1, 0.9]),
    )
    # 0.4 / 0.1 = 4 and 0.6 / 0.9 = 2 / 3: class 0 has 6 / 7.
    assert images.with_classes.labels.numpy() == [0]
    assert images.with_classes.weights.numpy() == [1.0]
    images = UnlabelledImages(
        images.examples,
        images.noise,
        network=None,
        average=images.average,
        terms=terms,
        extra_class=True,
    )
    assert images.with_classes.labels.numpy() == [1]
    assert images.with_classes.weights.numpy() == [0.0]


def test_it_is_off_by_default_and_then_has_no_variable():
    assert not ConditionalLossSensitive().distribution_alignment
    off, on = build(recipe_of(distribution_alignment=False)), build(recipe_of())
    assert off.mean_prediction is None
    assert len(on.variables) == len(off.variables) + 1
    np.testing.assert_allclose(mean_of(on), START)


def test_it_needs_the_classes_of_the_average():
    off = {"classes_by_average": False, "unlabelled_cross_entropy": 0.0}
    with pytest.raises(UserError, match="--distribution-alignment .* needs --classes-by-average"):
        recipe_of(**off).check()
    with pytest.raises(ValueError, match="needs `classes_by_average`"):
        ConditionalLossSensitive(distribution_alignment=True).check()


def test_the_mean_is_over_the_images_of_all_replicas():
    """Five labelled images on two replicas are split 3 and 2, with two unlabelled images each."""
    probabilities = np.random.default_rng(0).dirichlet(np.ones(3), 10).astype("float32")
    strategy, parts = replicas(2), (probabilities[:6], probabilities[6:])
    with strategy.scope():
        mean = MeanPrediction(
            keras.Variable(START, trainable=False, aggregation="only_first_replica")
        )

    def update(part: tf.Tensor) -> None:
        mean.update(types.SimpleNamespace(average_probabilities=part, multiple=2), tf.constant(5.0))

    values = strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(parts[context.replica_id_in_sync_group])
    )
    tf.function(lambda: strategy.run(update, args=(values,)))()
    expected = MEAN_DECAY * START + (1 - MEAN_DECAY) * probabilities.mean(axis=0)
    np.testing.assert_allclose(mean.value, expected, rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("control", [False, True])
def test_four_replicas_train_as_one(control):
    """Ten images on four replicas are split 3, 3, 2 and 2, with two unlabelled images each."""
    recipe, found = recipe_of(), []
    for count in (1, 4):
        strategy = replicas(count)
        model = build(recipe, strategy)
        if control:
            with strategy.scope():
                model = build_control(recipe, model, with_unlabelled_terms=True)
        train(model, recipe, tiny_data(), steps=3)
        found.append(mean_of(model))
    one, four = found
    assert np.abs(one - START).max() > 1e-4
    assert one.sum() == pytest.approx(1.0, abs=1e-5)
    np.testing.assert_allclose(four, one, atol=1e-6)


def test_the_mean_is_in_a_checkpoint(tmp_path):
    saved, resumed = build(recipe_of()), build(recipe_of())
    saved.mean_prediction.variable.assign([0.5, 0.25, 0.25])
    Checkpoints(tmp_path, saved).save()
    Checkpoints(tmp_path, resumed).restore()
    np.testing.assert_array_equal(mean_of(resumed), [0.5, 0.25, 0.25])


@pytest.mark.slow
def test_a_resumed_run_has_the_mean_of_a_whole_one(tmp_path):
    recipe, data = recipe_of(), tiny_data()
    whole, half, resumed = build(recipe), build(recipe), build(recipe)
    train(whole, recipe, data, steps=4)
    train(half, recipe, data, steps=2)
    Checkpoints(tmp_path, half).save()
    assert Checkpoints(tmp_path, resumed).restore() == 2
    train(resumed, recipe, data, steps=2, first_step=2)
    np.testing.assert_array_equal(mean_of(resumed), mean_of(whole))
