"""What holds for the step of every registered model, and of CLS-GAN in particular."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.support.cases import (
    CLASSES,
    REGISTERED,
    SHAPE,
    build,
    slow_but,
    tiny_data,
    tiny_recipe,
    train,
    weights,
)
from training.streams import label_map_of, streams_of
from zoo.models import ConditionalLossSensitiveGAN, LeastSquares, LeastSquaresGAN
from zoo.models.examples import Examples
from zoo.networks import CLSGANFeatures, DCGANCritic, DCGANGenerator
from zoo.penalties import make_penalty
from zoo.randomness import Noise
from zoo.tasks import ImageClassifier

ONE_QUICK = slow_but(REGISTERED, quick=["lsgan"])


def arrays(variables):
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def all_equal(left, right):
    return all(np.array_equal(a, b) for a, b in zip(left, right, strict=True))


@pytest.fixture(scope="module")
def data():
    return tiny_data()


@pytest.mark.parametrize("name", REGISTERED)
def test_a_step_moves_both_networks_and_logs_finite_values(name, data):
    recipe = tiny_recipe(name)
    model = build(recipe)
    before = arrays(model.generator.trainable_variables), arrays(model.critic.trainable_variables)
    logs = train(model, recipe, data, steps=2)
    assert not all_equal(before[0], arrays(model.generator.trainable_variables))
    assert not all_equal(before[1], arrays(model.critic.trainable_variables))
    assert {"critic_loss", "generator_loss", "gap"} <= logs.keys()
    assert all(np.isfinite(value) for value in logs.values())
    assert int(model.step.numpy()) == 2


@pytest.mark.parametrize("name", REGISTERED)
def test_each_phase_leaves_the_other_network_alone_statistics_included(name, data):
    norms = {"critic_normalization": "batch", "generator_normalization": "batch"}
    recipe = tiny_recipe(name, critic_steps=1, **norms)
    # Most penalties refuse batch normalisation.
    model = build(recipe.with_options(penalty="none"))
    streams = streams_of(recipe, data, label_map_of(recipe, data))
    element = {
        key: {"images": stream.split.images[:4], "labels": stream.split.labels[:4]}
        for key, stream in streams.items()
    }
    element = tf.nest.map_structure(tf.convert_to_tensor, element)
    element["index"] = tf.range(4, dtype=tf.int64)
    (batch,), noise, size = model.unpack(element)
    critic = arrays(model.critic.variables)
    model.generator_step(batch, noise.child("generator"), size)
    assert all_equal(critic, arrays(model.critic.variables))
    generator = arrays(model.generator.trainable_variables)
    model.critic_step(batch, noise.child("critic"), size)
    assert all_equal(generator, arrays(model.generator.trainable_variables))
    assert not all_equal(critic, arrays(model.critic.variables))


@pytest.mark.parametrize("name", ONE_QUICK)
def test_the_same_seed_trains_the_same_and_another_differs(name, data):
    runs = []
    for seed in (0, 0, 1):
        recipe = tiny_recipe(name, seed=seed)
        model = build(recipe)
        train(model, recipe, data, steps=3)
        runs.append(weights(model))
    assert all_equal(runs[0], runs[1])
    assert not all_equal(runs[0], runs[2])


@pytest.mark.parametrize("name", ONE_QUICK)
def test_the_step_is_traced_once(name, data):
    recipe = tiny_recipe(name)
    model = build(recipe)
    traces = []
    step = model.train_step
    model.train_step = lambda batch: (traces.append(1), step(batch))[1]
    train(model, recipe, data, steps=20)
    assert len(traces) == 1


@pytest.mark.slow
def test_hidden_labels_never_reach_the_loss(data):
    """Permuting the labels that are hidden changes nothing, bit for bit."""
    recipe = tiny_recipe("clsgan")
    kept = label_map_of(recipe, data).indices
    shuffled = data.train.labels.copy()
    hidden = np.setdiff1d(np.arange(len(shuffled)), kept)
    shuffled[hidden] = np.roll(shuffled[hidden], 1)
    assert (shuffled != data.train.labels).any()
    results = []
    for labels in (data.train.labels, shuffled):
        split = type(data.train)(data.train.images, labels)
        streams = streams_of(recipe, data, label_map_of(recipe, data))
        streams = {k: type(s)(split, s.indices, s.with_labels) for k, s in streams.items()}
        model = build(recipe)
        from training.data.pipeline import training_dataset

        batches = training_dataset(
            streams, batch_size=10, seed=0, strategy=model.distribute_strategy
        )
        assert "labels" not in next(iter(batches))["unlabelled"]
        model.fit(batches, steps_per_epoch=5, epochs=1, shuffle=False, verbose=0)
        results.append(weights(model))
    assert all_equal(*results)


def test_labelled_and_unlabelled_streams_share_no_image(data):
    recipe = tiny_recipe("clsgan")
    streams = streams_of(recipe, data, label_map_of(recipe, data))
    assert len(streams["labelled"]) == 6 and len(streams["unlabelled"]) == 24
    assert not set(streams["labelled"].indices) & set(streams["unlabelled"].indices)


def cls_gan(penalty=None, **options):
    generator = DCGANGenerator(SHAPE, latent_dim=5, base_filters=8, num_classes=3)
    features = CLSGANFeatures(SHAPE, filters=4, normalization="none")
    classifier = ImageClassifier(features, 3)
    return ConditionalLossSensitiveGAN.from_arguments(
        generator, classifier, options, penalty=penalty
    )


def scored(logits, labels=None, brightness=0.0):
    images = tf.fill((len(logits), *SHAPE), brightness)
    labels = None if labels is None else tf.constant(labels, tf.int64)
    return Examples(images, labels, tf.math.log(tf.constant(logits)))


def test_cls_gan_labelled_terms_by_hand():
    """Softmax with the extra class: L(x, 0) = ln(8/4) = ln 2, L(g, 0) = ln(8/1) = ln 8."""
    model = cls_gan(margin_scale=2.0, hinge_weight=3.0)
    real = scored([[4.0, 2.0, 1.0]], [0], brightness=0.5)
    fake = scored([[1.0, 4.0, 2.0]], [0], brightness=-0.5)
    terms, values = model.labelled_terms(real, fake)
    assert float(terms["cross_entropy"][0]) == pytest.approx(np.log(2), rel=1e-6)
    # Delta = 2 * 1; the hinge is 3 * (2 + ln 2 - ln 8).
    assert float(terms["hinge"][0]) == pytest.approx(3 * (2 - np.log(4)), rel=1e-5)
    assert float(values["active_hinges"][0]) == 1.0
    assert float(values["train_error"][0]) == 0.0


def test_cls_gan_unlabelled_terms_by_hand_and_ramped():
    """L_ul = min_l: ln(8/4) for x, ln(8/2) for g; at step 5 of a ramp of 10 half the weight."""
    model = cls_gan(margin_scale=1.0, unlabelled_weight=4.0, unlabelled_ramp=0.5, run_steps=20)
    real, fake = scored([[4.0, 2.0, 1.0]]), scored([[1.0, 2.0, 2.0]], brightness=1.0)
    fake_loss = np.log(6 / 2)
    for step, weight in ((0, 0.0), (5, 2.0), (10, 4.0), (99, 4.0)):
        model.step.assign(step)
        terms, _ = model.unlabelled_terms(real, fake)
        expected = weight * max(1 + np.log(2) - fake_loss, 0)
        assert float(terms["unlabelled_hinge"][0]) == pytest.approx(expected, rel=1e-5)


def test_supervised_cls_gan_has_no_extra_class_and_no_unlabelled_stream():
    model = cls_gan(semi_supervised=False)
    losses = model.losses_per_class(scored([[1.0, 2.0, 5.0]]))
    assert float(losses[0, 2]) == pytest.approx(np.log(8 / 5), rel=1e-6)
    assert model.streams == ("labelled",)


def test_classes_by_average_pairs_unlabelled_images_by_the_averaged_critic():
    model = cls_gan(classes_by_average=True, ema=0.9)
    for variable in model.critic_average.variables:
        variable.assign(tf.zeros_like(variable))
    model.critic_average.predictions.bias.assign([0.0, 9.0, 0.0])
    noise = Noise(0, 0, tf.range(4, dtype=tf.int64))
    examples = model.unlabelled_images(Examples(tf.zeros((4, *SHAPE))), noise).with_classes
    np.testing.assert_array_equal(examples.labels, [1, 1, 1, 1])
    np.testing.assert_array_equal(model.make_fakes(noise, examples.labels).labels, [1, 1, 1, 1])


def test_the_average_sees_plain_images_and_unsure_ones_count_nothing():
    """The average says class 1 with probability 1 / (2 / 4 + 1) = 2/3, or 2/4 on bright images."""
    model = cls_gan(classes_by_average=True, ema=0.9, confidence=0.6)
    logits = np.log([[1.0, 4.0, 1.0], [1.0, 2.0, 1.0]]).astype("float32")
    bright = lambda images: tf.cast(tf.reduce_mean(images, axis=[1, 2, 3]) > 0, tf.int32)  # noqa: E731
    model.critic_average.call = lambda images, training=False: tf.gather(logits, bright(images))
    plain = tf.concat([tf.ones((1, *SHAPE)), -tf.ones((1, *SHAPE))], axis=0)
    noise = Noise(0, 0, tf.range(2, dtype=tf.int64))
    images = model.unlabelled_images(Examples(-plain, plain=plain), noise)
    examples = images.with_classes
    np.testing.assert_array_equal(examples.weights, [0.0, 1.0])
    scores = tf.constant([[1.0, 2.0, 3.0]] * 2)
    fake = Examples(plain, examples.labels, scores)
    terms, _ = model.unlabelled_terms(examples._replace(scores=scores), fake)
    np.testing.assert_array_equal(terms["unlabelled_hinge"] > 0, [False, True])
    _, values = images.losses(1.0)
    np.testing.assert_array_equal(values["confident"], [0.0, 1.0])


def test_fakes_have_the_given_labels_or_drawn_ones_and_fresh_latents():
    model = cls_gan()
    noise = Noise(0, 0, tf.range(64, dtype=tf.int64))
    np.testing.assert_array_equal(
        model.make_fakes(noise, tf.range(64) % 3).labels, np.arange(64) % 3
    )
    assert set(model.make_fakes(noise).labels.numpy()) == {0, 1, 2}
    one, two = (model.make_fakes(noise.child(name)).images for name in ("a", "b"))
    assert np.abs(one - two).max() > 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"margin_scale": -1.0}, "margin_scale"),
        ({"classes_by_average": True}, "needs `ema`"),
        ({"confidence": 0.9}, "`confidence` use the classes"),
        ({"confidence": 1.0}, "`confidence` must be a number, at least 0 and below 1"),
        ({"unlabelled_ramp": 0.5}, "`run_steps`"),
        ({"critic_steps": 0}, "critic_steps"),
        ({"ema": 1.0}, "ema"),
    ],
)
def test_options_that_cannot_be(options, message):
    with pytest.raises(ValueError, match=message):
        cls_gan(**options)


def test_least_squares_targets():
    pair = DCGANGenerator(SHAPE, latent_dim=5, base_filters=8), DCGANCritic(SHAPE, filters=4)
    targets = {"fake_target": -1.0, "real_target": 1.0, "generator_target": 0.5}
    objective = LeastSquaresGAN(*pair, LeastSquares(scheme="free", **targets)).objective
    real, fake = Examples(None, None, tf.constant([3.0])), Examples(None, None, tf.constant([2.0]))
    losses = objective.critic_losses(real, fake)
    assert (float(losses["critic_loss_real"][0]), float(losses["critic_loss_fake"][0])) == (
        2.0,
        4.5,
    )
    assert float(objective.generator_losses(fake, real)["generator_loss"][0]) == pytest.approx(
        1.125
    )
    with pytest.raises(ValueError, match="must differ"):
        LeastSquaresGAN(*pair, LeastSquares(scheme="free", **targets | {"fake_target": 1.0}))


@pytest.mark.parametrize(("real_target", "gap"), [(1.0, 1.0), (-3.0, -1.0)])
def test_the_gap_of_least_squares_follows_the_targets(real_target, gap):
    """Scores 3 and 2 separate real from fake if real images shall score high."""
    targets = {"fake_target": -1.0, "real_target": real_target, "generator_target": 0.0}
    objective = LeastSquares(scheme="free", **targets)
    real, fake = Examples(None, None, tf.constant([3.0])), Examples(None, None, tf.constant([2.0]))
    assert float(objective.diagnostics(real, fake)["gap"][0]) == gap
    assert float(objective.diagnostics(fake, real)["gap"][0]) == -gap


def test_class_names_reach_the_classifier():
    assert build(tiny_recipe("clsgan")).classifier.class_names == CLASSES


def test_cls_gan_penalises_the_loss_of_the_true_class():
    """`weight * mean ||grad_x L(x, y)||^2` at the labelled images, by each image's own class."""
    model = cls_gan(penalty=make_penalty("direct", {"weight": 3.0}), semi_supervised=False)
    images = tf.random.stateless_normal((4, *SHAPE), (0, 1))
    real = Examples(images, tf.constant([0, 2, 1, 1], tf.int64))
    noise = Noise(0, 0, tf.range(4, dtype=tf.int64))
    result = model.penalise(real, real, noise, tf.constant(4.0))
    with tf.GradientTape() as tape:
        tape.watch(images)
        losses = -tf.nn.log_softmax(model.critic(images))
        total = tf.reduce_sum(tf.gather(losses, real.labels, batch_dims=1))
    squares = tf.reduce_sum(tf.square(tape.gradient(total, images)), axis=(1, 2, 3))
    np.testing.assert_allclose(result.terms["penalty"], 3.0 * squares, rtol=1e-3, atol=1e-8)


@pytest.mark.parametrize("penalty", ["max_al", "clip"])
def test_cls_gans_penalty_is_part_of_its_step(penalty, data):
    off = {"unlabelled_ramp": 0.0, "confidence": 0.0}
    recipe = tiny_recipe("clsgan", labels="all", penalty=penalty, **off)
    recipe.check()
    model = build(recipe)
    logs = train(model, recipe, data, steps=1)
    if penalty == "clip":  # Before each step, so that Adam's last step goes beyond it.
        assert all(np.abs(v).max() < 0.02 for v in model.critic.trainable_variables)
    else:
        assert {"penalty", "max_gradient_norm"} <= logs.keys()
        terms = sum(logs[name] for name in ("cross_entropy", "hinge", "penalty"))
        assert logs["critic_loss"] == pytest.approx(terms, rel=1e-5)
        assert float(model.penalty.multiplier) != 0.0


def test_cls_gan_refuses_penalties_that_cannot_be():
    with pytest.raises(ValueError, match="without their labels"):
        cls_gan(penalty=make_penalty("max_gp", {"buffer": 2}))
    generator = DCGANGenerator(SHAPE, latent_dim=5, base_filters=8, num_classes=3)
    critic = ImageClassifier(CLSGANFeatures(SHAPE, filters=4), 3)
    with pytest.raises(ValueError, match="batch normalisation"):
        ConditionalLossSensitiveGAN(generator, critic, penalty=make_penalty("gp", {}))


def test_cls_gans_generator_step_takes_the_labelled_fakes_where_latents_are_shared(data):
    for shared in (False, True):
        model = cls_gan(shared_latents=shared, semi_supervised=False)
        model.compile(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0))
        latents = []
        make_fakes = model.make_fakes

        def remember(noise, labels=None, *, training=True, make=make_fakes, seen=latents):
            seen.append(noise.child("latent").normal(5).numpy())
            return make(noise, labels, training=training)

        model.make_fakes = remember
        model.train_step((data.train.images[:4], data.train.labels[:4]))
        assert len(latents) == 2 and np.array_equal(*latents) == shared
