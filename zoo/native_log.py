"""Keeps what TensorFlow's native parts print while they work off a person's screen.

TensorFlow 2.21 writes its native log to file descriptor 2 whatever `TF_CPP_MIN_LOG_LEVEL` says.
"""

import atexit
import os
import re
import threading

# `I0000 00:00:1795304320.668965    7870 port.cc:153] ...`: level, time, thread, place. Fatal lines
# (F) and everything else pass, and so do errors but for those that come on every machine without a
# GPU and from the graph optimiser, which then leaves the graph as it was.
_NATIVE = re.compile(
    rb"^(?:[IW]\d{4} \d\d:\d\d:[\d.]+ +\d+ [\w.]+:\d+\]"
    rb"|E\d{4} .*(?:cuda_platform|remapper failed|cuInit)"
    rb"|WARNING: All log messages before absl::InitializeLog"
    rb"|To enable the following instructions:)"
)


def quiet_tensorflow() -> None:
    """Filters the native log out of stderr; setting `TF_CPP_MIN_LOG_LEVEL=0` shows it all."""
    if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") != "3":
        return
    import absl.logging

    absl.logging.set_verbosity(absl.logging.ERROR)
    screen = os.dup(2)
    reading, writing = os.pipe()
    os.dup2(writing, 2)
    os.close(writing)

    def pump() -> None:
        with os.fdopen(reading, "rb") as lines:
            for line in lines:
                if not _NATIVE.match(line):
                    os.write(screen, line)

    thread = threading.Thread(target=pump, daemon=True)
    thread.start()

    def restore() -> None:
        os.dup2(screen, 2)  # Closes the pipe's last writer, so that the thread ends.
        thread.join(timeout=5)

    atexit.register(restore)
