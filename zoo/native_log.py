"""A filter that removes TensorFlow's native (C++) log lines from stderr.

TensorFlow 2.21 writes its native log to file descriptor 2, even with `TF_CPP_MIN_LOG_LEVEL=3`.
"""

import atexit
import functools
import os
import re
import threading

# `I0000 00:00:1795304320.668965    7870 port.cc:153] ...`: level, time, thread, source line. The
# pattern matches information (I), warnings (W) and two harmless kinds of errors (E): those of every
# machine without a GPU, and those of the graph optimiser, which then leaves the graph unchanged.
_NATIVE_LINE = re.compile(
    rb"^(?:[IW]\d{4} \d\d:\d\d:[\d.]+ +\d+ [\w.]+:\d+\]"
    rb"|E\d{4} .*(?:cuda_platform|remapper failed|cuInit)"
    rb"|WARNING: All log messages before absl::InitializeLog"
    rb"|To enable the following instructions:)"
)


@functools.cache
def quiet_tensorflow() -> None:
    """Filters the native log out of stderr; once per process.

    Fatal lines, other errors and all other output pass. If `TF_CPP_MIN_LOG_LEVEL` is set to a value
    other than 3, nothing is filtered.
    """
    if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") != "3":
        return
    import absl.logging

    absl.logging.set_verbosity(absl.logging.ERROR)
    stderr = os.dup(2)
    read_end, write_end = os.pipe()
    os.dup2(write_end, 2)
    os.close(write_end)

    def forward() -> None:
        with os.fdopen(read_end, "rb") as lines:
            for line in lines:
                if not _NATIVE_LINE.match(line):
                    os.write(stderr, line)

    thread = threading.Thread(target=forward, daemon=True)
    thread.start()

    def restore() -> None:
        os.dup2(stderr, 2)  # This closes the pipe's last writer, so the thread ends.
        thread.join(timeout=5)

    atexit.register(restore)
