"""Running things: data, recipes, commands."""
