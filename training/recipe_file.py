"""Recipes in files: `recipe.json`, which is flat, and the comparison with a recipe."""

import difflib
import json
import typing
from typing import Any

from training.recipe import Recipe
from zoo.command_line import flag
from zoo.errors import UserError
from zoo.options import check_value

# Where a run is stored and how it is executed: a resumed run may differ in these.
NOT_DECIDING = (
    "run_dir",
    "data_dir",
    "manual_dir",
    "export",
    "checkpoint_every",
    "kimg",
    "epochs",
    "minutes",
    "strategy",
    "devices",
    "virtual_devices",
    "steps_per_call",
    "input",
)

# Options whose value `auto` is decided at the start of a run.
DECIDED_ONCE = ("jit", "precision")


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


def from_fields(recipe: Recipe, fields: dict[str, Any], *, source: str) -> Recipe:
    """Returns the recipe in a `recipe.json`.

    The file has every option of the version that wrote it. Newer options have their own default,
    not that of today's recipe for the model.

    Args:
        recipe: a recipe of the model, with the data and the name of the file's recipe.
        fields: the content of the file.
        source: name of the file, for messages.

    Raises:
        UserError: an unknown option, or a value of another kind or out of range.
    """
    defaults = recipe.defaults | {"recipe": recipe.recipe, "data": recipe.data.data}
    return override(recipe.with_options(**defaults), fields, source=source)


def differences(left: Recipe, right: dict[str, Any]) -> list[str]:
    """Lists the deciding options in which a recipe differs from the content of a `recipe.json`.

    An option that the file does not have had its default. `--jit auto` and
    `--precision auto` accept any setting.
    """
    mine = json.loads(to_json(left))
    right = left.defaults | right
    options = [option for option in {**mine, **right} if option not in NOT_DECIDING]
    return [
        f"{flag(option)}: {right.get(option, '(missing)')} in the run, {mine.get(option)} now"
        for option in options
        if mine.get(option) != right.get(option)
        and not (option in DECIDED_ONCE and mine.get(option) == "auto")
    ]
