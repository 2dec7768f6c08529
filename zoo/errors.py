"""The error of a mistake in what was asked for, shared by the commands of all packages."""


class UserError(Exception):
    """A mistake in what was asked for; its message says what was given, expected and what to do.

    Commands print the message without a traceback and exit with code 2.
    """
