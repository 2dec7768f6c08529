"""SIGHUP: a server reads its configuration again, and ends if its terminal was closed."""

import asyncio
import os
import signal
from collections.abc import Callable


def on_hangup(reload: Callable[[], object], stop: asyncio.Event) -> None:
    """Makes SIGHUP call a function in the running event loop.

    If the process has lost its terminal since this call, SIGHUP stops the server instead, because
    nobody could end it with Ctrl-C any more. A process that was started with nohup continues.

    Args:
        reload: reads the configuration again.
        stop: the event that stops the server.
    """
    ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    depends_on_terminal = _has_terminal() and not ignored

    def handle() -> None:
        if depends_on_terminal and not _has_terminal():
            stop.set()
        else:
            reload()

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, handle)


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True
