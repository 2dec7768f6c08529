"""Class names of presets, which options accept in place of class numbers."""

import difflib
import pathlib
import sys

from zoo.errors import UserError


def class_names_of(handle: str) -> list[str]:
    """Returns the class names of a preset; empty if neither it nor its run stores them.

    Args:
        handle: a preset's handle, from `training.init_from.preset_of`.

    Raises:
        ValueError: there is no such preset, or it is damaged.
        UserError: the `data.json` of the preset's run is damaged.
    """
    from training.data_digest import read_data_record
    from zoo.presets.read import read

    preset = read(handle)
    if names := preset.arguments.get("class_names"):
        return list(names)
    run = pathlib.Path(handle).resolve().parent
    record = read_data_record(run) if (run / "recipe.json").exists() else None
    return list(record["class_names"]) if record else []


def class_number(text: str, names: list[str], *, num_classes: int, option: str) -> int:
    """Returns the number of a class that is given by number or by name.

    A number is the position of the class. If a number is also the name of another class, a
    note on standard error states which class was taken.

    Args:
        text: the number or the name.
        names: the names in the order of the classes; empty if they are not known.
        num_classes: int, the number of classes.
        option: the option, for messages.

    Raises:
        UserError: there is no such class.
    """
    if text.isascii() and text.removeprefix("-").isdigit():
        number = int(text)
        if not 0 <= number < num_classes:
            raise UserError(f"{option} must be in 0..{num_classes - 1}; given {text}.")
        if names and text in names and names[number] != text:
            print(
                f"note: {option} {text} is class number {text}, whose name is {names[number]!r}. "
                f"The class with the name {text!r} is {option} {names.index(text)}.",
                file=sys.stderr,
            )
        return number
    if text in names:
        return names.index(text)
    if not names:
        raise UserError(
            f"{option} {text!r}: this preset does not store class names. Give a number in "
            f"0..{num_classes - 1}."
        )
    near = difflib.get_close_matches(text, names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    shown = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
    raise UserError(f"{option} {text!r}: there is no such class.{hint} Classes: {shown}.")
