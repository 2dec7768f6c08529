"""The recipes: every one can be built, and a mistake is found before any data is read."""

import re

import numpy as np
import pytest

from tests.support.cases import SHAPE, build, tiny_data, tiny_recipe, train
from training.build import build_model
from training.data.known_shapes import known_shape
from training.fit import main
from training.recipes import available, find, recipes
from training.streams import streams_of
from zoo.errors import UserError
from zoo.models import MODELS, LeastSquares, model_name
from zoo.networks import CLSGANFeatures, ReleasedCLSGANFeatures, ResNetGenerator
from zoo.networks.conditional import ConditionalCritic, ConditionalGenerator, ProjectionCritic
from zoo.networks.spectral import SpectralCritic

ALIASES = [(alias, name) for name, entry in MODELS.items() for alias in entry.aliases]


def test_recipes_of_a_longer_model_name_are_not_those_of_a_shorter():
    assert "digits" in available("wgan_gp") and "gp_digits" not in available("wgan")


@pytest.mark.parametrize(("alias", "model"), ALIASES)
def test_aliases(alias, model):
    assert model_name(alias.upper()) == model and model in MODELS


def test_a_variant_is_found_by_its_own_name():
    assert find("lsgan_gp") == find("lsgan", name="gp")
    assert find("ls_gan_gp") == find("ls_gan", name="gp")
    assert find("wgan_gp").model == "wgan_gp"
    with pytest.raises(UserError, match="Unknown model 'lsgan_gpp'"):
        find("lsgan_gpp")


def test_unknown_models_are_answered_with_the_nearest():
    with pytest.raises(UserError, match="Did you mean ls_gan or .*Models: gan, lsgan"):
        find("ls_gann")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--model lsgna", "Did you mean lsgan"),
        ("--model lsgan --penalty gpp", "Did you mean 'gp'.*Known: none, gp, lp"),
        ("--model lsgan --penalty-weight 1", "no effect with --penalty none"),
        ("--model wgan_gp --penalty-power 2", "no effect with --penalty gp"),
        ("--model wgan_gp --clip-bound 0.1", "--clip-bound 0.1 has no effect"),
        ("--model wgan_gp --penalty-weight -1", "must be a number, at least 0"),
        ("--model lsgan --penalty gp", "batch normalisation.*--critic-normalization layer or none"),
        ("--model lgan --penalty-buffer 64", "--penalty-buffer 64 must be smaller than"),
        ("--model lgan --phi softpluss", "Did you mean 'softplus'"),
        ("--model lgan --shared-latents", "--generator-batches must be 1"),
        (
            "--model lgan --generator-batches 0",
            "--generator-batches must be an integer, at least 1",
        ),
        ("--model lsgan --scheme free --real-target 1", "needs --fake-target"),
        ("--model lsgan --real-target 1", "--scheme free"),
        (
            "--model lsgan --scheme free --fake-target 1 --real-target 1 --generator-target 0",
            "must differ",
        ),
        ("--model glsgan --slope 1.5", "at most 1"),
        (
            "--model ls_gan --margin-scale -1",
            "--margin-scale must be a number, at least 0",
        ),
        ("--model ls_gan --pairs all --conditional onehot", "critic is conditional"),
        ("--model gan --network dcgam", "Did you mean 'dcgan'"),
        ("--model gan --network clsgan", "no critic"),
        ("--model gan --network resnet", "--critic-normalization none"),
        ("--model gan --network mlp --critic-normalization none", "--generator-normalization none"),
        ("--model gan --depth 3", "no option --depth"),
        ("--model gan --image-size 30", "30 pixels"),
        ("--model gan --label-dim 8", "--label-dim"),
        ("--model gan --conditional embedding", "--label-dim"),
        ("--model gan --optimizer rmsprop", "--beta-1 0"),
        ("--model gan --conditional projection --label-dim 8", "--label-dim"),
        ("--model gan --generator-normalization conditional_batch", "give --conditional onehot"),
        (
            "--model gan --conditional onehot --generator-normalization conditional_batch "
            "--network mlp --critic-normalization none",
            "--generator-normalization none",
        ),
        ("--model lsgan --network characters", "--conditional embedding --label-dim 256"),
        (
            "--model lsgan --network characters --conditional projection",
            "--conditional embedding --label-dim 256",
        ),
        (
            "--model lsgan --network characters --conditional embedding --label-dim 8 "
            "--image-size 32",
            "--network characters: .*16, 20, 24, 28 pixels, not of 32",
        ),
        ("--model lgan --conditional onehot --penalty-buffer 2", "without their labels"),
        ("--model glsgan --penalty rescale", "--clip-when after has no effect"),
        ("--model gan --differentiable-augmentation colour", "Did you mean 'color'"),
        (
            "--model clsgan --differentiable-augmentation color",
            "CLS-GAN is a classifier: give --differentiable-augmentation none, and --shift",
        ),
        ("--model gan --penalty cr --penalty-augmentation mirror", "Unknown change of images"),
        ("--model gan --penalty-augmentation flip", "no effect with --penalty none"),
        (
            "--model gan --network resnet --critic-normalization none --upsampling nearest",
            "--upsampling nearest is for the generator of dcgan.* resnet: give --upsampling None",
        ),
        ("--model gan --network autoencoder", "no critic that gives one score"),
        ("--model began --generator-network autoencoder --upsampling bilinear", "of autoencoder"),
        ("--model began --network dcgan", "Unknown option --network. Did you mean"),
        ("--model began --generator-normalization conditional_batch", "uses no classes"),
        ("--model ebgan --margin 0", "--margin must be a number, positive"),
        ("--model began --diversity-ratio 1.5", "above 0 and at most 1"),
        ("--model began --image-size 30", "--generator-network autoencoder: Cannot make images"),
        ("--model lsgan --deterministic --minutes 5", "cannot make them equal: give --steps"),
        ("--model gan --decay-every 5", "need each other"),
        ("--model gan --learning-rate-decay stairs --decay-every 5", "--decay-factor"),
        (
            "--model gan --learning-rate-decay stairs --decay-every 0 --decay-factor 0.5",
            "--decay-every must be an integer, at least 1",
        ),
        (
            "--model gan --learning-rate-decay stairs --decay-every 5 --decay-factor 2",
            "above 0 and at most 1",
        ),
        (
            "--model clsgan --image-size 30",
            "--generator-network dcgan: Cannot make images of 30 pixels",
        ),
        ("--model clsgan --image-size 4", "at least 8 pixels, not of 4"),
        (
            "--model clsgan --image-size 30 --network clsgan",
            "--network clsgan: Cannot make images of 30 pixels",
        ),
        ("--model clsgan --network clsgann", "Did you mean 'clsgan'"),
        ("--model clsgan --network dcgan", "Known: clsgan, clsgan_released"),
        ("--model clsgan --network clsgan_released", "--dropout 0"),
        (
            "--model clsgan --network clsgan_released --dropout 0 --image-size 28",
            "--network clsgan_released: .*32, 40, 48, 56 pixels",
        ),
        ("--model clsgan --penalty gp --critic-normalization batch", "batch normalisation"),
        ("--model clsgan --penalty max_gp --penalty-buffer 2", "nor with clsgan"),
        ("--model clsgan --penalty-weight 2", "no effect with --penalty none"),
        ("--model clsgan --labels all --unlabelled-weight 2", "no effect with --labels all"),
        ("--model clsgan --labels all --unlabelled-ramp 0.5", "no effect with --labels all"),
    ],
)
def test_a_mistake_ends_with_code_2_before_any_data_is_read(arguments, message, capsys, tmp_path):
    data = f"--data {tmp_path / 'not_there'} --run-dir {tmp_path / 'run'}"
    assert main(f"{arguments} {data}".split()) == 2
    written = capsys.readouterr().err
    assert "not_there" not in written
    assert re.search(message, written.replace("\n", " ")), written
    assert not (tmp_path / "run").exists()


def test_lsgan_schemes_and_free_targets():
    assert LeastSquares().targets == (-1.0, 1.0, 0.0)
    assert LeastSquares(scheme="binary").targets == (0.0, 1.0, 1.0)
    free = {"fake_target": 0.0, "real_target": 2.0, "generator_target": 1.0}
    recipe = tiny_recipe("lsgan", scheme="free", **free)
    recipe.check()
    assert build(recipe).objective.targets == (0.0, 2.0, 1.0)


@pytest.mark.parametrize(
    ("model", "option", "value"),
    [
        ("gan", "saturating", True),
        ("lgan", "phi", "exp"),
        ("ls_gan", "distance", "l2"),
        ("ls_gan", "margin_scale", 1.5),
        ("ls_gan", "pairs", "all"),
        ("ls_gan", "first_term_weight", 0.1),
        ("ls_gan", "output_activation", "relu"),
        ("ls_gan", "weight_decay", 0.1),
        ("f_gan", "divergence", "pearson"),
        ("f_gan", "saturating", True),
        ("began", "diversity_ratio", 0.7),
        ("began", "balance_rate", 0.1),
        ("ebgan", "margin", 2.0),
        ("ebgan", "pull_away", 0.0),
        ("glsgan", "slope", "elu"),
        ("glsgan", "slope", -1),
        ("glsgan", "distance", "l2"),
    ],
)
def test_options_reach_the_objective(model, option, value):
    assert getattr(build(tiny_recipe(model, **{option: value})).objective, option) == value


@pytest.mark.parametrize(
    ("changes", "option", "value"),
    [
        ({"generator_batches": 3, "shared_latents": False}, "generator_batches", 3),
        ({"shared_latents": True}, "shared_latents", True),
        ({"critic_steps": 2}, "critic_steps", 2),
        ({"ema": 0.5}, "ema", 0.5),
    ],
)
@pytest.mark.parametrize("model", ["gan", "clsgan"])
def test_options_reach_the_step(model, changes, option, value):
    assert getattr(build(tiny_recipe(model, **changes)).step_options, option) == value


@pytest.mark.parametrize(
    ("changes", "attribute", "value"),
    [
        ({"penalty_weight": 0.5}, "weight", 0.5),
        ({"penalty_buffer": 2, "penalty_buffer_mode": "append"}, "buffer_mode", "append"),
        ({"penalty_buffer": 2}, "buffer", 2),
        ({"penalty": "direct", "penalty_power": 1}, "power", 1),
        ({"penalty": "dragan", "penalty_noise": 0.1}, "noise_scale", 0.1),
        ({"penalty": "max_al", "multiplier_rate": 0.1}, "multiplier_rate", 0.1),
        ({"penalty": "max_al", "inequality": True}, "inequality", True),
        ({"penalty": "cr", "penalty_augmentation": "color"}, "augmentation", "color"),
        ({"penalty": "clip", "penalty_weight": None, "clip_bound": 0.3}, "bound", 0.3),
        ({"penalty": "clip", "penalty_weight": None, "clip_when": "after"}, "when", "after"),
    ],
)
def test_penalty_fields_reach_the_penalty(changes, attribute, value):
    recipe = tiny_recipe("lgan", **changes)
    recipe.check()
    assert getattr(build(recipe).penalty, attribute) == value


def test_optimizer_fields_reach_both_optimizers():
    model = build(tiny_recipe("wgan", beta_2=0.95, epsilon=1e-4))
    for optimizer in (model.generator_optimizer, model.critic_optimizer):
        assert (type(optimizer).__name__, optimizer.rho) == ("RMSprop", 0.95)
        assert optimizer.epsilon == pytest.approx(1e-8)
    adam = build(tiny_recipe("gan", beta_1=0.1, beta_2=0.95, epsilon=1e-4)).critic_optimizer
    assert (adam.beta_1, adam.beta_2, adam.epsilon) == (0.1, 0.95, 1e-4)


def test_both_learning_rates_reach_zero_with_the_run():
    """Five critic updates a step: both schedules end where the run does."""
    recipe = tiny_recipe("lgan", learning_rate_decay="linear", critic_steps=5)
    model = build(recipe)
    for optimizer, updates in (
        (model.generator_optimizer, recipe.run.steps),
        (model.critic_optimizer, 5 * recipe.run.steps),
    ):
        optimizer.iterations.assign(updates - 1)
        assert 0 < float(optimizer.learning_rate) < 1.01 * 2e-4 / updates
        optimizer.iterations.assign(updates)
        assert float(optimizer.learning_rate) == 0.0


@pytest.mark.parametrize(
    ("conditional", "label_dim", "channels"), [("onehot", None, 1 + 3), ("embedding", 2, 1 + 2)]
)
def test_conditional_networks_train_and_use_the_label(conditional, label_dim, channels):
    recipe = tiny_recipe("lsgan", conditional=conditional, label_dim=label_dim)
    recipe.check()
    assert recipe.networks.needs_labels
    model = build(recipe)
    assert isinstance(model.critic, ConditionalCritic)
    assert isinstance(model.generator, ConditionalGenerator) == (conditional == "embedding")
    assert model.critic.network.image_shape == (*SHAPE[:2], channels)
    assert model.generator.num_classes == 3 and model.generator.latent_dim == 5
    before = [np.array(v) for v in model.trainable_variables]
    logs = train(model, recipe, tiny_data(), steps=2)
    assert all(np.isfinite(value) for value in logs.values())
    moved = [
        np.abs(a - b).max() > 0 for a, b in zip(before, model.trainable_variables, strict=True)
    ]
    assert all(moved[: len(model.generator.trainable_variables)])
    images = np.zeros((2, *SHAPE), "float32")
    scores = model.critic({"images": images, "label": np.array([0, 1])})
    assert float(scores[0]) != float(scores[1])


def test_spectral_norm_wraps_the_critic_and_trains():
    recipe = tiny_recipe("hinge", spectral_norm=True, conditional="onehot")
    model = build(recipe)
    assert isinstance(model.critic, SpectralCritic)
    logs = train(model, recipe, tiny_data(), steps=2)
    assert all(np.isfinite(value) for value in logs.values())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--model lsgan --network scene --data digits", "64, 80, 96, 112 pixels, not of 8"),
        ("--model hinge --data ring", r"\(size, size, channels\)"),
        ("--model gan --data celeb_a --image-size 54", "54 pixels"),
        ("--model hinge --data celeb_a", "--image-size to crop"),
        (
            "--model clsgan --recipe released --data fashion_mnist --image-size 28",
            "--network clsgan_released: .*not of 28",
        ),
    ],
)
def test_a_size_known_in_advance_is_checked_before_any_data_is_read(
    arguments, message, capsys, tmp_path, monkeypatch
):
    def read(*_, **__):
        raise AssertionError("data were read")

    monkeypatch.setattr("training.data.load", read)
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "none"))
    assert main([*arguments.split(), "--run-dir", str(tmp_path / "run")]) == 2
    written = capsys.readouterr().err
    assert re.search(message, written.replace("\n", " ")), written
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("data", "image_size", "shape"),
    [
        ("digits", None, (8, 8, 1)),
        ("cifar10", None, (32, 32, 3)),
        ("cifar10", 16, (16, 16, 3)),
        ("ring", None, (2,)),
        ("lsun/bedroom", None, None),
        ("lsun/bedroom", 64, (64, 64, 3)),
        ("no_such_set", None, None),
        (".", None, None),
        ("file.npz", None, None),
    ],
)
def test_what_is_known_of_a_data_sets_shape_without_reading_it(data, image_size, shape, tmp_path):
    assert known_shape(data, image_size=image_size, data_dir=str(tmp_path)) == shape


def test_stairs_lower_both_rates_at_the_same_generator_step():
    recipe = tiny_recipe(
        "lgan",
        critic_steps=5,
        learning_rate_decay="stairs",
        decay_factor=0.5,
        decay_every=3,
    )
    recipe.check()
    model = build(recipe)
    for optimizer, updates in ((model.generator_optimizer, 3), (model.critic_optimizer, 15)):
        rates = []
        for update in (0, updates - 1, updates, 2 * updates):
            optimizer.iterations.assign(update)
            rates.append(float(optimizer.learning_rate) / 2e-4)
        assert rates == pytest.approx([1.0, 1.0, 0.5, 0.25])


@pytest.mark.parametrize(
    # The first is a classifier, the others are auto-encoders.
    "model",
    [name for name in MODELS if name not in ("clsgan", "began", "ebgan")],
)
def test_projection_and_conditional_norms_are_for_every_scoring_critic(model):
    recipe = tiny_recipe(
        model, conditional="projection", generator_normalization="conditional_batch"
    )
    recipe.check()
    built = build(recipe)
    assert isinstance(built.critic, ProjectionCritic)
    assert built.critic.network.image_shape == SHAPE and built.generator.conditions_norms
    assert streams_of(recipe, tiny_data(), None)["real"].with_labels


def test_projection_trains_every_weight_under_spectral_norm():
    recipe = tiny_recipe(
        "lsgan",
        conditional="projection",
        spectral_norm=True,
        generator_normalization="conditional_batch",
    )
    model = build(recipe)
    before = [np.array(v) for v in model.trainable_variables]
    logs = train(model, recipe, tiny_data(), steps=2)
    assert all(np.isfinite(value) for value in logs.values())
    for old, variable in zip(before, model.trainable_variables, strict=True):
        assert np.abs(old - np.array(variable)).max() > 0, variable.path


def test_fields_of_clsgans_networks_reach_it():
    small = {"critic_normalization": "none", "dropout": 0.0, "head_bias": False}
    recipe = tiny_recipe("clsgan", generator_network="resnet", penalty="lp", **small)
    recipe.check()
    model = build(recipe)
    assert isinstance(model.generator, ResNetGenerator)
    assert type(model.penalty).__name__ == "LipschitzPenalty"
    assert model.critic.predictions.bias is None
    released = recipe.with_options(network="clsgan_released", shared_latents=True)
    released.check()
    model = build_model(released, image_shape=(32, 32, 1), class_names=("a", "b"))
    assert isinstance(model.critic.network, ReleasedCLSGANFeatures)
    assert model.step_options.shared_latents
    assert isinstance(build(tiny_recipe("clsgan")).critic.network, CLSGANFeatures)


def test_the_released_cls_gan_has_the_scripts_parameters():
    """Convolutions and norms as in test_networks.py, and 4 x 4 x 256 x 10 without a bias."""
    recipe = find("clsgan", name="released")
    recipe.check()
    _, critic = recipe.networks.make(
        image_shape=(32, 32, 3), class_names=tuple("abcdefghij"), semi_supervised=False
    )
    count = sum(int(np.prod(v.shape)) for v in critic.trainable_variables)
    assert count == 1_432_576 + 2 * (64 + 2 * 128 + 2 * 256) + 40_960


def test_the_papers_settings_have_names():
    cifar, svhn = find("clsgan", name="paper"), find("clsgan", name="paper_svhn")
    assert (cifar.supervision.labels, svhn.supervision.labels) == (4000, 1000)
    assert (cifar.data.data, svhn.data.data) == ("cifar10", "svhn_cropped")
    for recipe in (cifar, svhn):
        recipe.check()
        assert not recipe.supervision.adapt and recipe.run.minutes is None
        assert recipe.optimizers.decay_factor == 0.8
        assert recipe.optimizers.generator_learning_rate == 1e-3


@pytest.mark.parametrize("data", ["cifar10", "svhn_cropped", "my_folder"])
def test_other_data_have_the_default_recipe_of_clsgan(data):
    recipe, default = find("clsgan", data=data), recipes("clsgan")[""]
    recipe.check()
    assert (recipe.supervision.adapt, recipe.run.minutes) == (True, "auto")
    assert recipe.objective == default.objective and recipe.optimizers == default.optimizers


def test_many_classes_have_the_network_of_characters():
    assert find("lsgan", name="many_classes").networks.network == "characters"
