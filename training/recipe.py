"""Recipes: everything that decides a run, in groups of options, written flat to `recipe.json`."""

import dataclasses
import difflib
import json
import re
import typing
from typing import Any, Self

from training.options.data import DataOptions
from training.options.devices import DeviceOptions
from training.options.networks import CriticNetworkOptions, NetworkOptions
from training.options.optimizers import OptimizerOptions
from training.options.penalty import PenaltyOptions
from training.options.run import RunOptions
from training.options.scores import ScoreOptions
from training.options.supervision import SupervisionOptions
from zoo.errors import UserError
from zoo.models import Objective
from zoo.options import Options, StepOptions, check_value

# Where a run is stored and how it is executed: a resumed run may differ in these.
NOT_DECIDING = (
    "run_dir",
    "data_dir",
    "manual_dir",
    "export",
    "checkpoint_every",
    "kimg",
    "epochs",
    "strategy",
    "devices",
    "virtual_devices",
    "steps_per_call",
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """Groups of options that decide a run.

    Names of options are unique over all groups: an option is `--name` on the command line, `name`
    in a settings file and in `recipe.json`, and `recipe.GROUP.name` in code. An option that a model
    does not use is in none of its groups, so that giving it is an error.
    """

    model: str
    """Model to train; see the list of models."""
    recipe: str = ""
    """Named recipe to start from, such as `paper`; by default the one for model and data."""
    data: DataOptions = DataOptions()
    supervision: SupervisionOptions = SupervisionOptions()
    run: RunOptions = RunOptions()
    objective: Objective
    penalty: PenaltyOptions = PenaltyOptions()
    step: StepOptions = StepOptions(ema=0.999)
    optimizers: OptimizerOptions = OptimizerOptions()
    networks: NetworkOptions = CriticNetworkOptions()
    scores: ScoreOptions = ScoreOptions()
    devices: DeviceOptions = DeviceOptions()

    @property
    def groups(self) -> dict[str, Options]:
        """The groups of options by their attribute's name."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, Options)}

    @property
    def defaults(self) -> dict[str, Any]:
        """The default of every option, whatever this recipe has."""
        fields = [field for group in self.groups.values() for field in dataclasses.fields(group)]
        return {"recipe": ""} | {field.name: field.default for field in fields}

    def flat(self) -> dict[str, Any]:
        """Returns every option by its name."""
        options: dict[str, Any] = {"model": self.model, "recipe": self.recipe}
        for group in self.groups.values():
            options |= dataclasses.asdict(group)
        return options

    def with_options(self, **options: Any) -> Self:
        """Returns the recipe with options replaced; the values are not checked yet.

        Raises:
            TypeError: an option that this recipe does not have.
        """
        changes: dict[str, Any] = {}
        for name, group in self.groups.items():
            own = {field.name for field in dataclasses.fields(group)}
            given = {option: options.pop(option) for option in own & options.keys()}
            if given:
                changes[name] = dataclasses.replace(group, **given)
        for name in ("model", "recipe"):
            if name in options:
                changes[name] = options.pop(name)
        if options:
            raise TypeError(f"{self.model} has no option {', '.join(options)}.")
        return dataclasses.replace(self, **changes)


def flag(option: str) -> str:
    """Returns the command line's spelling of an option."""
    return "--" + option.replace("_", "-")


def as_flags(recipe: Recipe, message: str) -> str:
    """Returns a message in which options are spelled as on the command line."""
    options = recipe.flat()

    def spelled(match: re.Match) -> str:
        return flag(match[1]) if match[1] in options else match[0]

    return re.sub(r"`(\w+)`", spelled, message)


def to_json(recipe: Recipe) -> str:
    """Returns the recipe as JSON text, flat."""
    return json.dumps(recipe.flat(), indent=2) + "\n"


def override(recipe: Recipe, settings: dict[str, Any], *, source: str) -> Recipe:
    """Returns the recipe with options replaced by those of a file.

    Args:
        recipe: the recipe to start from.
        settings: values by option.
        source: name of the file, for messages.

    Raises:
        UserError: an unknown option, or a value of another kind or out of range.
    """
    known = recipe.flat()
    for option in settings:
        if option not in known:
            near = difflib.get_close_matches(option, known, n=1)
            hint = f" Did you mean `{near[0]}`?" if near else ""
            raise UserError(f"{source}: {recipe.model} has no option `{option}`.{hint}")
    hints = {"model": str, "recipe": str}
    for group in recipe.groups.values():
        hints |= typing.get_type_hints(type(group), include_extras=True)
    for option, value in settings.items():
        try:
            check_value(option, value, hints[option])
        except ValueError as error:
            raise UserError(f"{source}: {error}") from None
    return recipe.with_options(**settings)


def differences(left: Recipe, right: dict[str, Any]) -> list[str]:
    """Lists the deciding options in which a recipe differs from the content of a `recipe.json`.

    An option that the file does not have had its default. `--jit auto` accepts either setting.
    """
    mine = json.loads(to_json(left))
    right = left.defaults | right
    options = [option for option in {**mine, **right} if option not in NOT_DECIDING]
    return [
        f"{flag(option)}: {right.get(option, '(missing)')} in the run, {mine.get(option)} now"
        for option in options
        if mine.get(option) != right.get(option)
        and (option, mine.get(option)) != ("jit", "auto")
    ]
