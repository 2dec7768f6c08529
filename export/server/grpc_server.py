"""The gRPC server: ports, TLS and the health service."""

import asyncio

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

from export.server.flags import Options
from export.server.grpc_services import ModelService, PredictionService
from zoo.errors import UserError

_HEALTH_SECONDS = 0.5


async def start(
    options: Options,
    prediction: PredictionService,
    models: ModelService,
    credentials: grpc.ServerCredentials | None,
) -> grpc.aio.Server:
    """Starts answering gRPC requests.

    Args:
        options: the flags of the command.
        prediction: the service that computes predictions.
        models: the service that reports and configures models.
        credentials: TLS credentials, None for plain connections.

    Raises:
        UserError: an address that is in use or invalid.
    """
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", options.max_request_bytes),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", 0),
        ]
    )
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(prediction, server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(models, server)
    host = f"[{options.host}]" if ":" in options.host else options.host
    addresses = [f"{host}:{options.port}"]
    if options.grpc_socket_path:
        addresses.append(f"unix:{options.grpc_socket_path}")
    for address in addresses:
        try:
            if credentials:
                server.add_secure_port(address, credentials)
            else:
                server.add_insecure_port(address)
        except RuntimeError as error:
            raise UserError(
                f"gRPC cannot listen on {address}: {error}. Choose another --port."
            ) from None
    if options.enable_grpc_healthcheck_service:
        health_pb2_grpc.add_HealthServicer_to_server(_health(models), server)
    await server.start()
    return server


def _health(models: ModelService) -> health.aio.HealthServicer:
    """Returns a health service that reports SERVING while every model has a loaded version."""
    servicer = health.aio.HealthServicer()

    async def watch() -> None:
        while True:
            ready = models.manager.ready()
            statuses = health_pb2.HealthCheckResponse
            await servicer.set("", statuses.SERVING if ready else statuses.NOT_SERVING)
            await asyncio.sleep(_HEALTH_SECONDS)

    # The task is stored in the service, so that it is not collected.
    servicer.watching = asyncio.get_running_loop().create_task(watch())
    return servicer
