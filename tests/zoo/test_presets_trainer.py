"""Models in training as presets: every registered one comes back with all of its arguments."""

import json

import keras
import numpy as np
import pytest

from tests.support.cases import REGISTERED, build, tiny_data, tiny_recipe, train
from zoo.presets.trainer import load_trainer, save_trainer
from zoo.tasks import from_preset

# What differs from the defaults, so that a lost argument is seen.
CHANGES = {
    "lsgan": {"penalty": "dragan", "penalty_noise": 0.25, "critic_steps": 2},
    "clsgan": {"hinge_weight": 0.5, "unlabelled_ramp": 0.5},
    "ls_gan": {"margin_scale": 0.7},
}


@pytest.mark.parametrize("name", REGISTERED)
def test_every_model_comes_back(name, tmp_path):
    recipe = tiny_recipe(name, **CHANGES.get(name, {}), seed=3)
    model = build(recipe)
    save_trainer(model, tmp_path / "preset", metadata={"data": "tiny"})
    loaded = load_trainer(tmp_path / "preset")
    assert type(loaded) is type(model)
    config = json.loads((tmp_path / "preset" / "trainer.json").read_text())["config"]
    assert {"ema", "seed", "critic_steps"} <= set(config) and config["seed"] == 3
    assert loaded.get_arguments() == model.get_arguments()
    assert config == model.get_arguments() | (
        {"penalty": config["penalty"]} if model.penalty else {}
    )
    assert type(loaded.penalty) is type(model.penalty)
    if model.penalty is not None:
        for key, value in config["penalty"]["options"].items():
            assert getattr(loaded.penalty, key) == value
    for part, source in (("generator", model.sampler), ("critic", model.critic)):
        source = model.classifier or source if part == "critic" else source
        pairs = zip(getattr(loaded, part).get_weights(), source.get_weights(), strict=True)
        assert all(np.array_equal(a, b) for a, b in pairs), part


def test_class_names_are_labels_of_a_conditional_generator(tmp_path):
    names = ("cat", "dog", "elk")
    model = build(tiny_recipe("lsgan", conditional="onehot"))
    save_trainer(model, tmp_path / "preset", class_names=names)
    generator = from_preset(tmp_path / "preset")
    assert generator.class_names == names
    dogs = generator.generate(3, labels="dog", seed=0)
    np.testing.assert_array_equal(dogs, generator.generate(3, labels=1, seed=0))
    save_trainer(build(tiny_recipe("lsgan")), tmp_path / "unconditional", class_names=names)
    assert from_preset(tmp_path / "unconditional").class_names == ()
    with pytest.raises(ValueError, match="3 distinct names, received 2"):
        save_trainer(model, tmp_path / "other", class_names=names[:2])


def test_training_goes_on(tmp_path):
    recipe = tiny_recipe("lsgan")
    save_trainer(build(recipe), tmp_path / "preset")
    loaded = load_trainer(tmp_path / "preset")
    loaded.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1))
    before = loaded.generator.get_weights()
    logs = train(loaded, recipe, tiny_data(), steps=2)
    assert np.isfinite(logs["critic_loss"])
    pairs = zip(before, loaded.generator.get_weights(), strict=True)
    assert any(np.any(a != b) for a, b in pairs)
    assert from_preset(tmp_path / "preset").generate(1, seed=0).shape == (1, 8, 8, 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(class_name="Sequential"), "Unknown model 'Sequential'"),
        (lambda c: c.update(class_name="LeastSquareGAN"), "Did you mean 'LeastSquaresGAN'"),
        (lambda c: c.update(class_name=["x"]), "Unknown model|damaged"),
        (lambda c: c["config"].update(surprise=1), "surprise"),
        (lambda c: c["config"].update(penalty={"name": "os", "options": {}}), "penalty 'os'"),
        (lambda c: c.pop("config"), "damaged"),
    ],
)
def test_what_trainer_json_may_not_say(tmp_path, change, message):
    folder = save_trainer(build(tiny_recipe("lsgan")), tmp_path / "preset")
    content = json.loads((folder / "trainer.json").read_text())
    change(content)
    (folder / "trainer.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match=message):
        load_trainer(folder)


def test_presets_without_a_trainer(tmp_path):
    folder = save_trainer(build(tiny_recipe("lsgan")), tmp_path / "preset")
    (folder / "trainer.json").unlink()
    with pytest.raises(ValueError, match="has no trainer.json"):
        load_trainer(folder)
