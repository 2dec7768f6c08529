"""Clients of a served model, with NumPy arrays as inputs and outputs."""

from export.client.grpc_client import GrpcClient
from export.client.rest_client import Client

__all__ = ["Client", "GrpcClient"]
