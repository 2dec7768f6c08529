"""Properties that are computed when they are first used."""

from collections.abc import Callable
from typing import Any


def computed_once(method: Callable[[Any], Any]) -> Any:
    """Makes a property of a method, which is called when the property is first used.

    Unlike `functools.cached_property` in Python 3.11 it holds no lock while it computes: replicas
    are threads, which wait for each other inside of a batch normalisation.
    """
    name = f"_{method.__name__}"

    def value(self: Any) -> Any:
        if name not in vars(self):
            setattr(self, name, method(self))
        return vars(self)[name]

    return property(value, doc=method.__doc__)
