"""Errors of requests, with TF Serving's codes and HTTP statuses."""

import enum

import tensorflow as tf


class Code(enum.IntEnum):
    """Status codes of gRPC, TensorFlow and TF Serving."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


HTTP_STATUS = {
    Code.OK: 200,
    Code.CANCELLED: 499,
    Code.UNKNOWN: 500,
    Code.INVALID_ARGUMENT: 400,
    Code.DEADLINE_EXCEEDED: 504,
    Code.NOT_FOUND: 404,
    Code.ALREADY_EXISTS: 409,
    Code.PERMISSION_DENIED: 403,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.FAILED_PRECONDITION: 400,
    Code.ABORTED: 409,
    Code.OUT_OF_RANGE: 400,
    Code.UNIMPLEMENTED: 501,
    Code.INTERNAL: 500,
    Code.UNAVAILABLE: 503,
    Code.DATA_LOSS: 500,
    Code.UNAUTHENTICATED: 401,
}


class ServingError(Exception):
    """An error of a request.

    Args:
        code: the status code.
        message: text that names what was given and what was expected.
        http_status: int, HTTP status; by default the one of the code.
    """

    def __init__(self, code: Code, message: str, *, http_status: int | None = None):
        super().__init__(message)
        self.code = code
        self.message = message
        self.http_status = http_status or HTTP_STATUS[code]


def invalid(message: str) -> ServingError:
    """Returns an error with the code INVALID_ARGUMENT."""
    return ServingError(Code.INVALID_ARGUMENT, message)


def from_tensorflow(error: tf.errors.OpError) -> ServingError:
    """Returns the error of a graph, with the code of the operation that failed."""
    return ServingError(Code(error.error_code), error.message)


def describe_error(error: Exception) -> str:
    """Returns the text of an error for logs and status requests."""
    return error.message if isinstance(error, ServingError) else f"{error}" or repr(error)
