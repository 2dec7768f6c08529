"""A local server with the API of S3, and stores that fail or end the process after some writes."""

import contextlib
import os
import signal
from collections.abc import Iterator

import fsspec
import pytest
from moto.server import ThreadedMotoServer

from zoo.storage.address import StoreError
from zoo.storage.store import Store

BUCKET = "bucket"
SETTINGS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@contextlib.contextmanager
def s3_server() -> Iterator[dict[str, str]]:
    """Runs the server with one empty bucket; yields the variables that name it, which are set."""
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    settings = SETTINGS | {"AWS_ENDPOINT_URL": f"http://{host}:{port}"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        # fsspec keeps a client for each set of arguments, which may be of an earlier server.
        fsspec.get_filesystem_class("s3").clear_instance_cache()
        # All servers of one process have the same buckets.
        with contextlib.suppress(FileExistsError):
            fsspec.filesystem("s3").mkdir(BUCKET)
        yield settings
        fsspec.get_filesystem_class("s3").clear_instance_cache()
    server.stop()


class Faults:
    """Makes the writes of all stores fail after some writes, or ends the process there.

    Args:
        patch: restores the stores.
    """

    def __init__(self, patch: pytest.MonkeyPatch):
        self.writes: list[str] = []
        self.allowed: int | None = None
        write, faults = Store.write, self

        def counted(self: Store, name: str, content: bytes) -> None:
            if faults.allowed is not None and len(faults.writes) >= faults.allowed:
                raise StoreError(f"Cannot write {self.address}/{name}: the network is down.")
            faults.writes.append(name)
            write(self, name, content)

        patch.setattr(Store, "write", counted)

    def fail_after(self, writes: int | None) -> None:
        """Allows so many writes from now on; all for None."""
        self.writes, self.allowed = [], writes


def kill_after(writes: int) -> None:
    """Ends this process by SIGKILL instead of a write after so many writes."""
    write, done = Store.write, iter(range(writes))

    def deadly(self: Store, name: str, content: bytes) -> None:
        if next(done, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)
        write(self, name, content)

    Store.write = deadly  # type: ignore[method-assign]
