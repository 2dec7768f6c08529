"""Terms on unlabelled images in CLS-GAN and in its control without a generator."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.support.cases import SHAPE
from tests.support.devices import replicas
from tests.support.tiny_features import TinyFeatures
from zoo.models import ConditionalLossSensitiveGAN
from zoo.models import semi_supervised_losses as losses
from zoo.models.semi_supervised import TERMS
from zoo.models.semi_supervised_options import UnlabelledTerms
from zoo.networks import CLSGANFeatures, DCGANGenerator
from zoo.penalties import PENALTIES, make_penalty
from zoo.presets.trainer import load_trainer, save_trainer
from zoo.randomness import Noise
from zoo.tasks import ImageClassifier

ALL_TERMS = {
    "unlabelled_ramp": 0.4,
    "classes_by_average": True,
    "unlabelled_cross_entropy": 0.5,
    "confidence": 0.34,
    "mean_teacher": 2.0,
    "consistency": 0.3,
    "virtual_adversarial": 0.2,
    "virtual_adversarial_radius": 0.05,
    "entropy": 0.1,
    "class_balance": 0.2,
    "ema": 0.5,
    "run_steps": 10,
}
SKIPPING = {"adversarial_start": 0.2, "adversarial_ramp": 0.4, "adversarial_every": 2}


def cls_gan(*, penalty=None, dropout=0.3, normalization="batch", strategy=None, **options):
    keras.utils.set_random_seed(0)
    with (strategy or replicas(1)).scope():
        generator = DCGANGenerator(SHAPE, latent_dim=5, base_filters=4, num_classes=3)
        features = TinyFeatures(SHAPE, normalization=normalization, dropout=dropout)
        model = ConditionalLossSensitiveGAN.from_arguments(
            generator, ImageClassifier(features, 3), options, penalty=penalty
        )
    return compiled(model)


def compiled(model, rate=0.05):
    with model.distribute_strategy.scope():
        count = len(model.networks)
        model.compile(*[keras.optimizers.SGD(rate) for _ in range(count)])
    return model


def batches(steps, multiple=1, seed=0):
    draw = np.random.default_rng(seed)
    count, rows = 4 * steps, 4 * steps * multiple
    labels = np.arange(count) % 3
    images = draw.normal(0, 0.2, (count, *SHAPE)) + 0.3 * (labels - 1)[:, None, None, None]
    more = draw.normal(0, 0.3, (rows, *SHAPE))
    streams = {
        "labelled": {"images": images.astype("float32"), "labels": labels},
        "unlabelled": {
            "images": more.astype("float32"),
            "plain": (0.9 * more).astype("float32"),
        },
    }
    parts = {
        name: tf.data.Dataset.from_tensor_slices(stream).batch(
            4 if name == "labelled" else 4 * multiple
        )
        for name, stream in streams.items()
    }
    return tf.data.Dataset.zip(parts)


def fit(model, steps=6, multiple=1):
    data = batches(6, multiple).take(steps)
    history = model.fit(data, epochs=1, shuffle=False, verbose=0).history
    return {name: values[-1] for name, values in history.items()}


def arrays(network):
    return [np.array(variable) for variable in network.variables]


def assert_close(left, right, tolerance=0.0):
    for one, other in zip(left, right, strict=True):
        scale = max(np.abs(one).max(), 1e-2)
        assert np.abs(one - other).max() <= tolerance * scale


def test_every_term_is_registered_under_its_option():
    assert tuple(TERMS) == UnlabelledTerms.names
    assert all(getattr(UnlabelledTerms(), name) == 0.0 for name in TERMS)


def test_the_terms_of_a_step_by_hand():
    """Weights times values of the student's passes; the student sees `images`."""
    model = cls_gan(normalization="layer", **ALL_TERMS)
    for variable in model.critic_average.variables:
        variable.assign(variable * 1.1)
    model.step.assign(2)  # Half of the ramp.
    element = next(iter(batches(1)))["unlabelled"]
    (batch,), noise, _ = model.unpack(
        {"labelled": next(iter(batches(1)))["labelled"], "unlabelled": element}
    )
    rows = noise.child("unlabelled")
    images = model.unlabelled_images(batch["unlabelled"], rows)
    terms, values = images.losses(model.unlabelled_factor)

    def student(name, images=element["images"]):
        with rows.child(name).scope():
            features = model.critic.features(images, training=True)
            return model.critic.score_of(features, training=True), features

    (logits, features), (second, second_features) = student("real"), student("second")
    average = model.critic_average(element["plain"], training=False)
    probabilities = tf.nn.softmax(average).numpy()
    sure = probabilities.max(axis=1) >= 0.34
    full = np.concatenate([np.zeros((4, 1)), logits], axis=1)  # With the extra class.
    picked = probabilities.argmax(axis=1)
    cross_entropy = np.log(np.exp(full).sum(1)) - logits.numpy()[np.arange(4), picked]
    np.testing.assert_allclose(values["confident"], sure)
    half = 0.5
    expected = {
        "unlabelled_loss": 0.5 * sure * cross_entropy,
        "mean_teacher": 2.0 * losses.probability_distance(logits, average),
        "consistency": 0.3 * losses.consistency_distance(logits, features, second, second_features),
        "entropy": 0.1 * losses.entropy(logits),
        "class_balance": np.full(4, 0.2 * losses.class_imbalance(logits)),
    }
    for name, value in expected.items():
        np.testing.assert_allclose(terms[name], half * value, rtol=2e-4, atol=1e-6, err_msg=name)
    found = terms["virtual_adversarial"].numpy()
    start = rows.child("direction").normal(*SHAPE)
    size = tf.sqrt(tf.reduce_mean(tf.square(start), axis=(1, 2, 3), keepdims=True))
    moved, _ = student("real", element["images"] + 0.05 * start / size)
    assert np.all(found > 0.5 * 0.2 * losses.divergence(logits, moved).numpy())


def test_passes_are_made_once(monkeypatch):
    model = cls_gan(**ALL_TERMS)
    (batch,), noise, _ = model.unpack(next(iter(batches(1))))
    calls = []
    call = model.critic_average.call
    monkeypatch.setattr(
        model.critic_average, "call", lambda *a, **k: (calls.append(1), call(*a, **k))[1]
    )
    images = model.unlabelled_images(batch["unlabelled"], noise)
    images.losses(1.0)
    assert images.first_of_each.labels is not None and len(calls) == 1


@pytest.mark.parametrize("normalization", ["batch", "none"])
def test_the_control_without_generator_takes_the_critics_step_without_hinges(normalization):
    """Before `adversarial_start` CLS-GAN has no hinges: weights, average, and dropout are equal."""
    model = cls_gan(normalization=normalization, **ALL_TERMS, adversarial_start=0.9)
    control = compiled(model.make_control(with_unlabelled_terms=True))
    control.network.set_weights(model.critic.get_weights())
    control.average.set_weights(model.critic.get_weights())
    generator = arrays(model.generator)
    logs, own = fit(model), fit(control)
    assert_close(arrays(model.critic), arrays(control.network), 1e-6)
    assert_close(arrays(model.classifier), arrays(control.classifier), 1e-6)
    assert_close(generator, arrays(model.generator))
    assert own["loss"] == pytest.approx(logs["critic_loss"], rel=1e-5)
    for name in ("train_error", "mean_teacher", "consistency", "confident"):
        assert own[name] == pytest.approx(logs[name], rel=1e-5), name
    assert logs["adversarial_steps"] == 0.0 and logs["gap"] == 0.0


def test_steps_without_fakes_leave_the_generator_and_its_average():
    model = cls_gan(**ALL_TERMS, **SKIPPING)
    seen = []
    for step in range(6):
        before = [*arrays(model.generator), *arrays(model.sampler)]
        fit(model, steps=1)
        after = [*arrays(model.generator), *arrays(model.sampler)]
        seen.append(any(np.any(a != b) for a, b in zip(before, after, strict=True)))
        assert int(model.step.numpy()) == step + 1
    # Start at step 2, where the weight is still 0, but the generator's statistics move.
    assert seen == [False, False, True, False, True, False]
    assert model.generator_optimizer.iterations.numpy() == 2
    assert model.objective.generator_steps(10) == 4  # Steps 2, 4, 6 and 8.


def test_logs_of_fakes_are_means_over_the_steps_with_fakes():
    every, second = cls_gan(), cls_gan(adversarial_every=2)
    logs = fit(second, steps=1)
    assert logs["adversarial_steps"] == 1.0
    expected = fit(every, steps=1)
    for name, value in expected.items():
        assert logs[name] == pytest.approx(value, rel=1e-5), name
    second = cls_gan(adversarial_every=2)
    both = fit(second, steps=2)
    assert both["adversarial_steps"] == 0.5
    for name in ("gap", "hinge", "generator_loss", "unlabelled_gap"):
        assert both[name] == pytest.approx(expected[name], rel=1e-5), name


def test_a_step_without_fakes_runs_neither_generator_nor_its_update():
    model = cls_gan(adversarial_every=2)
    calls = []
    make = model.make_fakes
    model.make_fakes = lambda *a, **k: (calls.append(1), make(*a, **k))[1]
    element = next(iter(batches(1)))
    model.step_without_fakes(element)
    assert not calls
    model.train_step(element)
    assert len(calls) == 3


@pytest.fixture(scope="module")
def with_all_terms():
    """A model with all terms after some steps: (options, arrays, logs)."""
    options = ALL_TERMS | SKIPPING | {"feature_matching": 0.5}
    model = cls_gan(**options)
    logs = fit(model)
    return options, arrays(model), logs


@pytest.mark.parametrize("mode", ["XLA, three steps per call", "two replicas"])
def test_all_terms_are_the_same_in_every_mode(mode, with_all_terms):
    options, plain, expected = with_all_terms
    model = cls_gan(**options, strategy=replicas(2 if mode == "two replicas" else 1))
    model.jit_compile = mode != "two replicas"
    model.steps_per_execution = 3 if model.jit_compile else 1
    found = fit(model)
    assert_close(plain, arrays(model), 1e-5)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-3, abs=1e-5), name
        assert np.isfinite(value)


def test_several_unlabelled_images_per_labelled_one():
    """Equal copies of each image give the step of one image, without dropout and batch norms."""
    options = {**ALL_TERMS, "consistency": 0.0, "virtual_adversarial": 0.0}
    options.pop("virtual_adversarial_radius")
    results = []
    for multiple in (1, 3):
        model = cls_gan(dropout=0.0, normalization="layer", **options)
        model.stream_multiples = {"unlabelled": multiple}
        data = batches(4).map(
            lambda element, m=multiple: {
                "labelled": element["labelled"],
                "unlabelled": {k: tf.repeat(v, m, 0) for k, v in element["unlabelled"].items()},
            }
        )
        model.fit(data, shuffle=False, verbose=0)
        results.append(arrays(model))
    assert_close(*results, 1e-5)


@pytest.mark.parametrize("multiple", [1, 2])
def test_several_images_with_all_terms_are_the_same_on_two_replicas(multiple):
    results = []
    for count in (1, 2):
        model = cls_gan(**ALL_TERMS, strategy=replicas(count))
        model.stream_multiples = {"unlabelled": multiple}
        fit(model, steps=3, multiple=multiple)
        results.append(arrays(model))
    assert_close(*results, 1e-5)


def test_feature_matching_pulls_the_mean_features_together():
    model = cls_gan(normalization="none", dropout=0.0, feature_matching=100.0)
    compiled(model, rate=1e-3)
    (batch,), noise, size = model.unpack(next(iter(batches(1))))
    rows = noise.child("generator")

    def distance():
        fake = model.make_fakes(rows, batch["labelled"].labels)
        return float(
            losses.mean_feature_distance(
                model.critic.features(batch["unlabelled"].images, training=True),
                model.critic.features(fake.images, training=True),
            )
        )

    before = distance()
    logs = model.generator_step(batch, rows, size)
    np.testing.assert_allclose(logs["feature_matching"], [100.0 * before] * 4, rtol=1e-4)
    np.testing.assert_allclose(
        logs["generator_loss"], logs["feature_matching"] + logs["class_loss"], rtol=1e-5
    )
    assert distance() < before


def test_a_preset_of_a_model_with_all_terms_loads(tmp_path):
    options = {**ALL_TERMS, **SKIPPING, "feature_matching": 0.5}
    generator = DCGANGenerator(SHAPE, latent_dim=5, base_filters=4, num_classes=3)
    features = CLSGANFeatures(SHAPE, filters=4, dropout=0.3)
    model = ConditionalLossSensitiveGAN.from_arguments(
        generator, ImageClassifier(features, 3), options
    )
    save_trainer(model, tmp_path / "preset")
    loaded = load_trainer(tmp_path / "preset")
    assert loaded.get_arguments() == model.get_arguments()
    assert loaded.objective == model.objective


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mean_teacher": 1.0}, "`mean_teacher` needs `ema`: give `ema`, such as 0.999"),
        ({"mean_teacher": 1.0, "ema": 0.9, "semi_supervised": False}, "needs unlabelled images"),
        ({"entropy": 1.0, "semi_supervised": False}, "`entropy` needs unlabelled images"),
        ({"consistency": 1.0, "dropout": 0.0}, "give `dropout`, such as 0.2"),
        ({"virtual_adversarial_radius": 0.5}, "has no effect while `virtual_adversarial` is 0"),
        (
            {"adversarial_start": 0.8, "adversarial_ramp": 0.5, "run_steps": 9},
            "is 1.3, so the hinges would not reach",
        ),
        ({"adversarial_start": 0.5}, "are shares of `run_steps`"),
        (
            {"adversarial_every": 2, "hinge_weight": 0.0, "unlabelled_weight": 0.0},
            "`hinge_weight` and `unlabelled_weight` are both 0",
        ),
        ({"adversarial_every": 0}, "`adversarial_every` must be an integer, at least 1"),
    ],
)
def test_terms_that_contradict(options, message):
    with pytest.raises(ValueError, match=message):
        cls_gan(**options)


@pytest.mark.parametrize("name", PENALTIES)
def test_a_penalty_states_the_names_of_what_it_logs(name):
    """Steps without fakes log the same names."""
    penalty = make_penalty(name, {})
    images = tf.random.stateless_normal((4, *SHAPE), (0, 1))
    noise = Noise(0, 0, tf.range(4, dtype=tf.int64))
    found = penalty.terms(
        lambda points: tf.reduce_sum(tf.square(points), axis=(1, 2, 3)),
        images,
        -images,
        noise,
        tf.constant(4.0),
    )
    assert (*found.terms, *found.logs) == penalty.logged


@pytest.mark.parametrize("name", ["max_al", "clip"])
def test_a_penalty_is_left_out_of_steps_without_fakes(name):
    """A constraint on the weights holds in every step."""
    model = cls_gan(normalization="none", penalty=make_penalty(name, {}), adversarial_every=2)
    fit(model, steps=1)
    state = arrays(model.penalty)
    logs = fit(model, steps=1)
    assert logs["adversarial_steps"] == 0.0
    assert all(np.array_equal(*pair) for pair in zip(state, arrays(model.penalty), strict=True))
    if name == "clip":
        fit(model, steps=1)
        weights = model.critic.trainable_variables
        assert max(np.abs(weight).max() for weight in weights) < model.penalty.bound + 0.1
    else:
        assert logs["penalty"] == 0.0 and fit(model, steps=1)["penalty"] > 0.0


def test_a_supervised_model_has_no_control_with_unlabelled_terms():
    with pytest.raises(ValueError, match="give `labels`, such as 1000"):
        cls_gan(semi_supervised=False).make_control(with_unlabelled_terms=True)


def test_options_for_labelled_data_have_no_unlabelled_terms():
    options = {k: v for k, v in ALL_TERMS.items() if k not in ("ema", "run_steps")}
    objective = ConditionalLossSensitiveGAN.objective_class(**options, feature_matching=0.5)
    left = objective.without_unlabelled()
    assert not left.has_terms and left.average_option is None
    assert left.feature_matching == 0.5
    left.check()


def test_the_noise_of_several_images_is_their_own():
    noise = Noise(0, 0, tf.range(2, dtype=tf.int64))
    many = noise.several(2).normal(3)
    assert many.shape == (4, 3) and np.unique(many.numpy()).size == 12


@pytest.mark.slow
def test_the_control_stays_stable_over_ten_thousand_steps():
    """At the default rate the loss stays finite and small; a diverged run would be far above."""
    from training.options.optimizers import OptimizerOptions

    rate = OptimizerOptions().critic_learning_rate
    model = cls_gan(normalization="none", dropout=0.0, ema=0.99)
    control = model.make_control()
    control.compile(keras.optimizers.Adam(rate, 0.5))
    control.steps_per_execution = 100
    data = batches(1).map(lambda element: {"labelled": element["labelled"]}).repeat()
    found = []
    for _ in range(10):
        logs = control.fit(data, steps_per_epoch=1000, verbose=0, shuffle=False).history
        found.append(logs["cross_entropy"][-1])
    assert np.isfinite(found).all() and max(found[1:]) <= found[0]
    assert all(np.isfinite(one).all() for one in arrays(control.network))
