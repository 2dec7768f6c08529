"""Running things: data, recipes, commands."""

from lipschitz_zoo.shadowing import check_not_hidden

check_not_hidden(["zoo"])
