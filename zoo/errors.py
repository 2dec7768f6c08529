"""The error class for user mistakes, which the commands of all packages share."""


class UserError(Exception):
    """A user's mistake. The message states what was given, what was expected, and what to type.

    Commands print the message without a traceback and exit with code 2.
    """
