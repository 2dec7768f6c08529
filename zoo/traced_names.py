"""Names of traced functions that do not depend on what was traced before.

XLA's persistent cache finds a compiled function by a key that contains its name. TensorFlow ends
the name with a counter of the process, so that a process that has traced more functions before, for
example to decode a data set, does not find what another one compiled.
"""

from tensorflow.python.framework import ops

SPACE = 1_000_000
"""More than the counts of all that a process traces before its first training step."""


def round_up_names() -> None:
    """Advances TensorFlow's counter of names to the next multiple of a million.

    It takes a tenth of a second. Call it where the function to compile is traced, after everything
    that may or may not happen before.
    """
    while ops.uid() % SPACE:
        pass
