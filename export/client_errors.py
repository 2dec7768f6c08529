"""What can go wrong between a client and a server."""

import json


class ClientError(Exception):
    """A request failed; the message is the server's."""


class InvalidRequest(ClientError):
    """The server refuses what was sent: a dtype, a shape, a value, a signature (HTTP 4xx)."""


class NotFound(ClientError):
    """The server has no such model or version (HTTP 404)."""


class Unavailable(ClientError):
    """The server is too busy (HTTP 503)."""


class TimedOut(ClientError):
    """The answer did not come in time (HTTP 504, or the client's own timeout)."""


class Unreachable(ClientError):
    """There is no server at that address."""


class ServerFailure(ClientError):
    """The server failed (any other HTTP 5xx)."""


_OF_HTTP = {404: NotFound, 503: Unavailable, 504: TimedOut}
_OF_CODE = {
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
    """Returns the error of an HTTP answer."""
    try:
        message = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        message = body[:200].decode("utf-8", "replace")
    kind = _OF_HTTP.get(status, InvalidRequest if status < 500 else ServerFailure)
    return kind(f"{message} (HTTP {status})")


def error_of_code(code: str, message: str) -> ClientError:
    """Returns the error of a gRPC status, such as `"NOT_FOUND"`."""
    return _OF_CODE.get(code, ServerFailure)(f"{message} ({code})")


def error_of_connection(address: str, timeout: float, error: Exception) -> ClientError:
    """Returns the error of a connection that failed, or was too slow."""
    reason = getattr(error, "reason", error)
    if isinstance(reason, TimeoutError):
        return TimedOut(f"{address} did not answer within {timeout:g} seconds.")
    return Unreachable(f"{address} cannot be asked: {reason}. Is the server running there?")
