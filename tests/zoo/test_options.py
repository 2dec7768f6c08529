"""Options of every kind, tried on every option of all models, penalties, networks and layers."""

import dataclasses
import inspect
import json
import math

import numpy as np
import pytest

from zoo import networks
from zoo.layers import ConditionalBatchNormalization, LabelProjection, StatelessDropout
from zoo.models import MODELS, SupervisedClassifier
from zoo.networks import MLPCritic, MLPGenerator
from zoo.options import Options, StepOptions, check_value, checked
from zoo.penalties import PENALTIES, make_penalty, penalty_options

GROUPS = [StepOptions, *dict.fromkeys(entry.model.objective_class for entry in MODELS.values())]
CONSTRUCTORS = [
    *PENALTIES.values(),
    *(entry.model for entry in MODELS.values()),
    SupervisedClassifier,
    ConditionalBatchNormalization,
    LabelProjection,
    StatelessDropout,
    *(
        value
        for value in vars(networks).values()
        if inspect.isclass(value) and "get_config" in vars(value) and value is not networks.Network
    ),
]
NEVER = (math.nan, math.inf, -math.inf, 1e39, [1], {}, "nonsense", b"1", 1j, object())
"""Values that no number, truth value or choice may have."""


def class_name(value):
    return value.__name__


def number_options(constructor):
    """Names of the parameters whose annotation is a number, a truth value or a choice."""
    parameters = inspect.signature(constructor).parameters.values()
    words = ("int", "float", "bool", "Literal")
    texts = {p.name: str(p.annotation) for p in parameters}
    return [
        name
        for name, text in texts.items()
        if any(word in text for word in words) and "tuple" not in text
    ]


def field_cases():
    return [
        pytest.param(group, field, id=f"{group.__name__}.{field}")
        for group in GROUPS
        for field in (one.name for one in dataclasses.fields(group))
        if field != "phi"
    ]


@pytest.mark.parametrize(("group", "field"), field_cases())
def test_every_option_of_a_group_refuses_what_it_cannot_be(group, field):
    for value in NEVER:
        with pytest.raises(ValueError, match=rf"`{field}`"):
            group(**{field: value}).check()


@pytest.mark.parametrize("constructor", CONSTRUCTORS, ids=class_name)
def test_every_option_of_a_constructor_refuses_what_it_cannot_be(constructor):
    """The options are checked before anything is made, so the other arguments may be None."""
    parameters = inspect.signature(constructor.__init__).parameters
    required = [name for name, p in parameters.items() if p.default is p.empty and name != "self"]
    for option in number_options(constructor):
        for value in NEVER:
            arguments = {name: _valid(name) for name in required} | {option: value}
            with pytest.raises(ValueError, match=rf"`{option}` must be"):
                constructor(**arguments)


def _valid(name):
    numbers = {"num_classes": 3, "label_dim": 2, "rate": 0.5, "latent_dim": 4, "filters": 4}
    numbers["latent"] = "normal"
    return numbers.get(name)


@pytest.mark.parametrize("name", PENALTIES)
def test_counts_take_no_fractions_and_numbers_no_truth_values(name):
    for option, default in penalty_options(name).items():
        if not isinstance(default, bool) and not isinstance(default, str):
            with pytest.raises(ValueError, match=f"`{option}`"):
                make_penalty(name, {option: True})
        if isinstance(default, int) and not isinstance(default, bool):
            with pytest.raises(ValueError, match=f"`{option}`"):
                make_penalty(name, {option: 2.5})


@pytest.mark.parametrize(
    "arguments",
    [{"units": 2.5}, {"depth": True}, {"latent_dim": 0}, {"latent_dim": 4.0}, {"num_classes": -1}],
)
def test_networks_name_the_option(arguments):
    with pytest.raises(ValueError, match=f"`{next(iter(arguments))}` must be an integer"):
        MLPGenerator((4, 4, 1), **arguments)


@pytest.mark.parametrize("shape", [(8.5, 8.5, 1), (8, 8, True), (8, 8, 0), 8, None, "881"])
def test_image_shapes_are_integers(shape):
    for network in (MLPCritic, networks.DCGANCritic):
        with pytest.raises(ValueError, match="`image_shape` must be"):
            network(shape)


def test_numpy_numbers_are_taken_and_become_python_numbers():
    step = StepOptions(critic_steps=np.int64(3), ema=np.float64(0.5), shared_latents=np.bool_(True))
    step.check()
    assert json.dumps(vars(step)) == (
        '{"critic_steps": 3, "generator_batches": 1, "shared_latents": true, "ema": 0.5, '
        '"ema_half_life": null, "burn_in": null, "penalty_every": 1, "final_penalty_weight": null, '
        '"differentiable_augmentation": "none"}'
    )
    penalty = make_penalty("max_gp", {"weight": np.float32(0.5), "buffer": np.uint8(2)})
    assert json.dumps([penalty.weight, penalty.buffer]) == "[0.5, 2]"
    critic = MLPCritic((np.int32(4), 4, 1), units=np.int16(3), depth=1)
    assert json.dumps(critic.get_config()["units"]) == "3"
    assert critic.image_shape == (4, 4, 1)


def test_checked_keeps_the_signature_and_checks_defaults_only_when_given():
    class Made(Options):
        @checked
        def __init__(self, count: int, *, rate: float | None = None, other: object = None):
            self.made = (count, rate, other)

    assert list(inspect.signature(Made).parameters) == ["count", "rate", "other"]
    assert Made(2, other=[1]).made == (2, None, [1])
    with pytest.raises(ValueError, match="`rate` must be a number or None, received nan"):
        Made(2, rate=math.nan)
    with pytest.raises(TypeError, match="missing a required argument: 'count'"):
        Made()


def test_large_integers_do_not_crash_the_check():
    with pytest.raises(ValueError, match="`weight` must be a number"):
        check_value("weight", 10**400, float)
