"""Client of the gRPC API."""

from typing import Self

import numpy as np

from export.client.model_client import Arrays, ModelClient, Signatures


class GrpcClient(ModelClient):
    """A client of the gRPC API, which is faster than REST for arrays of numbers.

    Args:
        address: host and port of the server, such as `"localhost:8500"`.
        name: as for `ModelClient`.
        version: as for `ModelClient`.
        timeout: as for `ModelClient`.
        retries: as for `ModelClient`.
    """

    def __init__(
        self,
        address: str,
        name: str,
        *,
        version: int | None = None,
        timeout: float = 30.0,
        retries: int = 3,
    ):
        super().__init__(name, version=version, timeout=timeout, retries=retries)
        # The calls import TensorFlow, which takes seconds; the package imports this module.
        from export.client.grpc_calls import GrpcCalls

        self._calls = GrpcCalls(address, name, version, timeout)

    def _run(self, signature: str, inputs: Arrays) -> dict[str, np.ndarray]:
        return self._calls.predict(signature, inputs)

    def _read_signatures(self) -> Signatures:
        return self._calls.signatures()

    def close(self) -> None:
        """Closes the connection."""
        self._calls.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
