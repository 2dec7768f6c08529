"""The one exception that means: the person running the command made a mistake."""


class UserError(Exception):
    """A mistake in what was asked for; its message says what was given, expected and what to do.

    Commands print the message without a traceback and exit with code 2.
    """
