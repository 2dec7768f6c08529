"""Groups of options: the one home of each option's default, meaning and check.

A group is a frozen dataclass that derives from `Options`. Models take groups as arguments, and the
command line makes its flags from the same classes. An option is a field: its annotation states the
type and the range, and the text below it states the meaning.
"""

import dataclasses
import functools
import inspect
import math
import types
import typing
from collections.abc import Callable
from typing import Annotated, Any, Literal, ParamSpec

import numpy as np

Arguments = ParamSpec("Arguments")

LARGEST_FLOAT = 3.4028234663852886e38
"""The largest float32 number: training computes in float32."""


@dataclasses.dataclass(frozen=True)
class Range:
    """Range of a number, named as an error message names it.

    Attributes:
        name: str, completes "must be ...".
        least: float, the smallest number allowed.
        above: float, a bound that the number must exceed.
        below: float, a bound that the number must stay under.
        most: float, the largest number allowed.
    """

    name: str
    least: float = -math.inf
    above: float = -math.inf
    below: float = math.inf
    most: float = math.inf

    def __contains__(self, value: float) -> bool:
        inside = self.least <= value <= self.most
        return inside and (value > self.above or self.above == -math.inf) and value < self.below


Count = Annotated[int, Range("at least 1", least=1)]
NotNegativeCount = Annotated[int, Range("at least 0", least=0)]
Positive = Annotated[float, Range("positive", above=0)]
NotNegative = Annotated[float, Range("at least 0", least=0)]
Share = Annotated[float, Range("at least 0 and below 1", least=0, below=1)]
Factor = Annotated[float, Range("above 0 and at most 1", above=0, most=1)]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """Base of all groups of options. A NumPy number becomes the Python number of the same value."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            object.__setattr__(self, field.name, python_value(getattr(self, field.name)))

    def check(self) -> None:
        """Checks every field against its annotation.

        A subclass adds what concerns several of its fields. The command line may hold values that
        are not final yet, so whoever uses a group checks it: a model's constructor, or a recipe.

        Raises:
            ValueError: a value of another kind, outside of its range, or not finite.
        """
        for name, annotation in typing.get_type_hints(type(self), include_extras=True).items():
            if typing.get_origin(annotation) is not typing.ClassVar:
                check_value(name, getattr(self, name), annotation)


def python_value(value: Any) -> Any:
    """Returns a NumPy number, truth value or text as a Python one; any other value as it is."""
    return value.item() if isinstance(value, np.generic) else value


def checked(constructor: Callable[Arguments, None]) -> Callable[Arguments, None]:
    """Decorates a constructor so that it checks its options as a group of options does.

    An option is a parameter whose annotation is a number, a truth value, text, a `Literal`, a union
    of them, or one of them `Annotated` with a `Range`. NumPy numbers become Python numbers.

    Example:
    >>> class Noisy:
    ...     @checked
    ...     def __init__(self, scale: Positive = 1.0):
    ...         self.scale = scale
    >>> Noisy(scale=float("nan"))
    Traceback (most recent call last):
    ValueError: `scale` must be a number, positive, received nan.
    """
    signature = inspect.signature(constructor)
    options = {
        name: parameter.annotation
        for name, parameter in signature.parameters.items()
        if all(_is_option(choice) for choice in _choices(parameter.annotation))
    }

    @functools.wraps(constructor)
    def checking(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        bound = signature.bind(*args, **kwargs)
        for name, annotation in options.items():
            if name in bound.arguments:
                value = python_value(bound.arguments[name])
                check_value(name, value, annotation)
                bound.arguments[name] = value
        constructor(*bound.args, **bound.kwargs)

    # Keras reads the signature without following `__wrapped__`.
    checking.__signature__ = signature  # type: ignore[attr-defined]
    return checking


def _is_option(annotation: Any) -> bool:
    if typing.get_origin(annotation) is Annotated:
        return _is_option(typing.get_args(annotation)[0])
    scalars = (int, float, bool, str, types.NoneType)
    return annotation in scalars or typing.get_origin(annotation) is Literal


def check_value(name: str, value: object, annotation: Any) -> None:
    """Checks one value against the annotation of its field.

    Args:
        name: str, of the field.
        value: the given value; NumPy numbers are allowed.
        annotation: a type, a union, a `Literal`, or one of them `Annotated` with a `Range`.

    Raises:
        ValueError: the value is not allowed.
    """
    choices = _choices(annotation)
    value = python_value(value)
    if any(_is_allowed(value, choice) for choice in choices):
        return
    described = list(dict.fromkeys(_described(choice) for choice in choices))
    separator = ", or " if any("," in one for one in described) else " or "
    expected = separator.join(described)
    raise ValueError(f"`{name}` must be {expected}, received {value!r}.")


def _choices(annotation: Any) -> list[Any]:
    """Lists the members of a union; a single member for any other annotation."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return [one for part in typing.get_args(annotation) for one in _choices(part)]
    return [annotation]


def _is_allowed(value: object, annotation: Any) -> bool:
    if typing.get_origin(annotation) is Annotated:
        kind, *limits = typing.get_args(annotation)
        return _is_allowed(value, kind) and all(value in limit for limit in limits)
    if typing.get_origin(annotation) is Literal:
        # `True == 1 == 1.0`, so the types are compared too.
        return any(type(value) is type(one) and value == one for one in typing.get_args(annotation))
    if isinstance(value, bool) or annotation is bool:
        return isinstance(value, bool) and annotation is bool
    if annotation is float:
        return isinstance(value, int | float) and abs(value) <= LARGEST_FLOAT
    if annotation is int:
        return isinstance(value, int) and abs(value) < 2**63
    return isinstance(value, annotation)


def _described(annotation: Any) -> str:
    """Describes an annotation as it completes "must be ..."."""
    if typing.get_origin(annotation) is Annotated:
        kind, limits = typing.get_args(annotation)
        return f"{_described(kind)}, {limits.name}"
    if typing.get_origin(annotation) is Literal:
        return " or ".join(repr(choice) for choice in typing.get_args(annotation))
    names = {int: "an integer", float: "a number", bool: "True or False", str: "text"}
    return names.get(annotation, "None" if annotation is type(None) else str(annotation))


@dataclasses.dataclass(frozen=True, kw_only=True)
class StepOptions(Options):
    """Options of a training step: one or several critic steps, then one generator step."""

    critic_steps: Count = 1
    """Critic steps per generator step, each on its own part of the batch."""
    generator_batches: Count = 1
    """Generated images in a generator step per generated image in a critic step."""
    shared_latents: bool = False
    """Use the latents of the last critic step in the generator step, as the Torch code of DCGAN and
    LS-GAN does, instead of fresh ones."""
    ema: Share | None = None
    """Decay of the averaged weights (EMA) that are evaluated and saved; None for no average."""
    ema_half_life: Positive | None = None
    """Generator steps after which an old weight counts half in the average; `ema` is then only an
    upper bound of the decay. During the burn-in the half-life rises from 0."""
    burn_in: Factor | None = None
    """Share of the run, from its start, over which values move along half a cosine from their first
    to their last value: half-life, final penalty weight, final beta 2, and `learning_rate_decay`
    burn_in."""
    penalty_every: Count = 1
    """Compute the penalty in every such step only, with its weight times this number; for penalties
    on a mean over images."""
    final_penalty_weight: NotNegative | None = None
    """Weight of the penalty from the end of the burn-in on; needs `burn_in`."""
    differentiable_augmentation: str = "none"
    """Changes of real and generated images in front of the critic, in both steps: none, or some of
    color, translation, cutout and flip, separated by commas (DiffAugment)."""

    def burn_in_steps(self, run_steps: int) -> int:
        """Returns the length of the burn-in in steps, at least 1.

        Args:
            run_steps: int, length of the run in steps.
        """
        return max(1, round((self.burn_in or 0.0) * run_steps))

    def check(self) -> None:
        from zoo.augmentation import changes_of

        super().check()
        try:
            changes_of(self.differentiable_augmentation)
        except ValueError as error:
            raise ValueError(f"`differentiable_augmentation`: {error}") from None
        if self.ema_half_life is not None and self.ema is None:
            raise ValueError(
                "`ema_half_life` is the half-life of the averaged weights, and `ema` None gives no "
                "average: give `ema` too, such as 0.9999."
            )
        if self.final_penalty_weight is not None and self.burn_in is None:
            raise ValueError(
                f"`final_penalty_weight` {self.final_penalty_weight} is reached at the end of the "
                "burn-in: give `burn_in` too, such as 0.5."
            )
        if self.shared_latents and self.generator_batches > 1:
            raise ValueError(
                "`shared_latents` uses the fakes of the critic step, so `generator_batches` must "
                f"be 1, received {self.generator_batches}."
            )
