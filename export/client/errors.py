"""Errors of a client's requests."""

import json


class ClientError(Exception):
    """A failed request, with the server's message."""


class InvalidRequest(ClientError):
    """A dtype, shape, value or signature that the server refuses (HTTP 4xx)."""


class NotFound(ClientError):
    """A model or version that the server does not have (HTTP 404)."""


class Unavailable(ClientError):
    """A server that is too busy (HTTP 503)."""


class TimedOut(ClientError):
    """An answer that did not arrive in time (HTTP 504, or the client's own timeout)."""


class Unreachable(ClientError):
    """An address without a server."""


class ServerFailure(ClientError):
    """A failure of the server itself (any other HTTP 5xx)."""


_BY_HTTP_STATUS = {404: NotFound, 503: Unavailable, 504: TimedOut}
_BY_GRPC_CODE = {
    "NOT_FOUND": NotFound,
    "UNAVAILABLE": Unavailable,
    "DEADLINE_EXCEEDED": TimedOut,
    "INVALID_ARGUMENT": InvalidRequest,
    "FAILED_PRECONDITION": InvalidRequest,
    "RESOURCE_EXHAUSTED": InvalidRequest,
    "OUT_OF_RANGE": InvalidRequest,
    "UNIMPLEMENTED": InvalidRequest,
}


def error_of_http(status: int, body: bytes) -> ClientError:
    """Returns the error for an HTTP response."""
    try:
        message = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        message = body[:200].decode("utf-8", "replace")
    kind = _BY_HTTP_STATUS.get(status, InvalidRequest if status < 500 else ServerFailure)
    return kind(f"{message} (HTTP {status})")


def error_of_code(code: str, message: str) -> ClientError:
    """Returns the error for a gRPC status code such as `"NOT_FOUND"`."""
    return _BY_GRPC_CODE.get(code, ServerFailure)(f"{message} ({code})")


def error_of_connection(address: str, timeout: float, error: Exception) -> ClientError:
    """Returns the error for a connection that failed or was too slow."""
    reason = getattr(error, "reason", error)
    if isinstance(reason, TimeoutError):
        return TimedOut(f"{address} did not answer within {timeout:g} seconds.")
    return Unreachable(f"{address} cannot be reached: {reason}. Is the server running?")
