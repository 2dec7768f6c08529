"""Settings files: options in YAML, TOML or JSON, given by `--config`."""

import pathlib
import tomllib
from typing import Any

import yaml

from zoo.errors import UserError


def read_settings(path: str) -> dict[str, Any]:
    """Reads options from a YAML, TOML or JSON file: one mapping of option to value.

    Raises:
        UserError: the file cannot be read, or holds something else.
    """
    file = pathlib.Path(path)
    try:
        text = file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"Cannot read the settings file {path}: {error}") from None
    try:
        settings = tomllib.loads(text) if file.suffix == ".toml" else yaml.safe_load(text)
    except (tomllib.TOMLDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{path} is not valid {file.suffix[1:] or 'YAML'}: {error}") from None
    if not isinstance(settings, dict):
        raise UserError(f"{path} must hold one mapping of option to value, such as `steps: 500`.")
    return {str(key).replace("-", "_"): value for key, value in settings.items()}
