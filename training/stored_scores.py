"""Reading `result.json` and files of scores, with a check of every field that a report uses."""

import json
import math
import numbers
import pathlib
from collections.abc import Callable
from typing import Any

from training.controls import CONTROLS
from zoo.errors import UserError


def _is_number(value: object) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float) and _is_number(value) and math.isfinite(value)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_values(value: object) -> bool:
    return isinstance(value, dict) and all(map(_is_number, value.values()))


def _or_none(check: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: value is None or check(value)


_OF_RESULT = {
    "test_error": _is_finite,
    "test_images": _is_count,
    "labels": _is_count,
    "steps": _is_count,
    "seed": _is_count,
    "seconds": _or_none(_is_finite),
    "best_by": _or_none(_is_text),
    "best_step": _or_none(_is_count),
}
for _name in CONTROLS:
    _OF_RESULT |= {
        f"{_name}_test_error": _is_finite,
        f"{_name}_seconds": _or_none(_is_finite),
        f"{_name}_best_step": _or_none(_is_count),
        f"{_name}_steps": _is_count,
    }
_WITH_TEST_ERROR = ("test_images", "labels", "steps", "seed", "seconds")
_OF_ROW = {
    "key": _is_text,
    "metric": _is_text,
    "values": _is_values,
    "step": _is_count,
    "evaluated": _is_text,
    "reference_images": _or_none(_is_count),
    "seed": _or_none(_is_count),
    "sample_seed": _or_none(_is_count),
}


def read_result(path: pathlib.Path) -> dict[str, Any]:
    """Reads a `result.json`.

    Raises:
        OSError: if there is no such file.
        UserError: if the file is damaged.
    """
    result = _parsed(path, _text(path))
    needed: tuple[str, ...] = _WITH_TEST_ERROR if "test_error" in result else ()
    needed += tuple(f"{one}_seconds" for one in CONTROLS if f"{one}_test_error" in result)
    _check(path, result, _OF_RESULT, needed)
    return result


def read_rows(path: pathlib.Path) -> list[dict[str, Any]]:
    """Reads a file of scores, one JSON object per line.

    Raises:
        UserError: if the file is missing or damaged.
    """
    try:
        lines = _text(path).splitlines()
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror}.") from None
    rows = [_parsed(path, line) for line in lines if line.strip()]
    for row in (row for row in rows if "key" in row or row.get("while_training")):
        needed: tuple[str, ...] = ("key", "metric", "values")
        needed += ("step",) if row.get("while_training") else ()
        _check(path, row, _OF_ROW, needed)
    return rows


def _text(path: pathlib.Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is damaged: {error}") from None


def _parsed(path: pathlib.Path, text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is damaged: {error}") from None
    if not isinstance(found, dict):
        raise UserError(f"{path} is damaged: expected a JSON object, found {text[:50]!r}.")
    return found


def _check(
    path: pathlib.Path,
    found: dict[str, Any],
    checks: dict[str, Callable[[object], bool]],
    needed: tuple[str, ...],
) -> None:
    for name in needed:
        if name not in found:
            raise UserError(f"{path} is damaged: the field {name!r} is missing.")
    for name, check in checks.items():
        if name in found and not check(found[name]):
            raise UserError(f"{path} is damaged: {name!r} is {str(found[name])[:50]!r}.")
