"""Properties that both tasks share: configuration, copies, `.keras` files and summaries."""

import keras
import numpy as np
import pytest

from tests.support.small_tasks import SHAPE, make_classifier, make_generator, raw
from zoo import ema
from zoo.networks import CLSGANFeatures, DCGANCritic
from zoo.tasks import ImageClassifier, ImageGenerator


@pytest.fixture(scope="module")
def classifier():
    return make_classifier()


@pytest.fixture(scope="module")
def generator():
    return make_generator()


@pytest.fixture(scope="module")
def conditional():
    return make_generator(num_classes=3)


def test_networks_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="features"):
        ImageClassifier(DCGANCritic(SHAPE, filters=2), 3)
    with pytest.raises(ValueError, match="latent_dim"):
        ImageGenerator(CLSGANFeatures(SHAPE, filters=2))
    with pytest.raises(ValueError, match="image_shape"):
        ImageClassifier(keras.layers.Dense(3), 3)


def test_clones_share_nothing(classifier, conditional):
    for model, give in (
        (classifier, lambda m: m.predict(raw())),
        (conditional, lambda m: m.generate(2, seed=1)),
    ):
        twin = ema.clone(model)
        assert twin.get_config() == model.get_config()
        np.testing.assert_array_equal(give(twin), give(model))
        assert not {id(v) for v in twin.variables} & {id(v) for v in model.variables}


def test_config_holds_every_argument():
    options = {
        "class_names": ["a", "b", "c", "d"],
        "pooling": "max",
        "activation": "softmax",
        "dropout": 0.25,
        "extra_class": True,
        "name": "judge",
        "dtype": "mixed_bfloat16",
    }
    twin = ema.clone(make_classifier(**options))
    for name in ("pooling", "activation", "dropout", "extra_class", "name"):
        assert getattr(twin, name) == options[name]
    assert list(twin.class_names) == options["class_names"]
    assert twin.dtype_policy.name == "mixed_bfloat16"


def test_compiled_classifier_survives_a_keras_file(tmp_path):
    model = make_classifier()
    model.compile(optimizer=keras.optimizers.SGD(0.5))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict(raw()), model.predict(raw()))
    assert float(loaded.optimizer.learning_rate) == 0.5


def test_a_compiled_generator_survives_a_keras_file(tmp_path, generator):
    model = make_generator()
    model.compile(optimizer=keras.optimizers.SGD(0.5))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.generate(2, seed=1), model.generate(2, seed=1))
    assert float(loaded.optimizer.learning_rate) == 0.5


def test_summaries_count_everything(classifier, generator, capsys):
    for model in (classifier, generator):
        model.summary()
        assert f"{model.count_params():,}" in capsys.readouterr().out


def test_weights_load_from_files_named_h5(classifier, generator, tmp_path):
    for model, give in (
        (classifier, lambda m: m.predict(raw())),
        (generator, lambda m: m.generate(2, seed=1)),
    ):
        model.save_weights(tmp_path / "model.weights.h5")
        for name in ("model.weights.h5", "model.h5"):
            (tmp_path / "model.h5").write_bytes((tmp_path / "model.weights.h5").read_bytes())
            twin = ema.clone(model)
            twin.set_weights([0 * w for w in twin.get_weights()])
            twin.load_weights(tmp_path / name)
            np.testing.assert_array_equal(give(twin), give(model))
