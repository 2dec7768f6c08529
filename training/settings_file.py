"""Settings files: options in YAML, TOML or JSON, given by `--config`."""

import codecs
import pathlib
import re
import tomllib
from typing import Any

import yaml

from zoo.errors import UserError

_PLAIN_VALUES = {
    "null": r"~|null|Null|NULL|",
    "bool": r"true|True|TRUE|false|False|FALSE",
    "int": r"[-+]?[0-9][0-9_]*",
    "float": r"[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
}
"""Values that are not text, as in YAML 1.2. In YAML 1.1, which PyYAML reads by default, `2e-4` is
text, `off` is False, and `1:30` is 90."""


class _Loader(yaml.SafeLoader):
    """Reads YAML with the plain values of YAML 1.2, and refuses repeated keys."""

    yaml_implicit_resolvers: dict[str, list] = {}

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for place, key in enumerate(keys):
            if key in keys[:place]:
                raise yaml.constructor.ConstructorError(
                    None, None, f"`{key}` is given twice", node.value[place][0].start_mark
                )
        return super().construct_mapping(node, deep)

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        return int(self.construct_scalar(node).replace("_", ""))


for _kind, _pattern in _PLAIN_VALUES.items():
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_kind}", re.compile(f"(?:{_pattern})$"), None
    )
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_yaml_int)


def read_settings(path: str) -> dict[str, Any]:
    """Reads options from a YAML, TOML or JSON file: one mapping of option to value.

    The extension chooses the format, in any case: `.toml` is TOML, everything else is YAML, which
    includes JSON.

    Raises:
        UserError: the file cannot be read, or holds something else.
    """
    file = pathlib.Path(path)
    kind = file.suffix.lower()
    try:
        text = _decode(file.expanduser().read_bytes())
    except (OSError, UnicodeDecodeError, RuntimeError) as error:
        raise UserError(f"Cannot read the settings file {path}: {error}") from None
    try:
        settings = tomllib.loads(text) if kind == ".toml" else yaml.load(text, _Loader)
    except (ValueError, TypeError, RecursionError, yaml.YAMLError) as error:
        raise UserError(f"{path} is not valid {kind[1:] or 'YAML'}: {error}") from None
    if settings is None:
        settings = {}
    if not isinstance(settings, dict):
        raise UserError(f"{path} must hold one mapping of option to value, such as `steps: 500`.")
    return _options(settings, path)


def _options(settings: dict[Any, Any], path: str) -> dict[str, Any]:
    """Returns the settings by the names of the options; both spellings of an option are one."""
    options: dict[str, Any] = {}
    for key, value in settings.items():
        name = str(key).replace("-", "_")
        if name in options:
            raise UserError(f"{path}: `{name}` is given twice.")
        options[name] = value
    for name in ("model", "data", "recipe"):
        if not isinstance(options.get(name, ""), str):
            raise UserError(f"{path}: `{name}` must be text, received {options[name]!r}.")
    return options


def _decode(content: bytes) -> str:
    """Decodes UTF-8 or, with a byte-order mark, UTF-16; removes the mark."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16")
    return content.decode("utf-8-sig")
