"""Messages about models that REST and gRPC share."""

from collections.abc import Sequence

from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2

from export.server.model import LoadedModel
from export.server.model_versions import Version
from export.server.status import Code


def status_response(versions: Sequence[Version]) -> get_model_status_pb2.GetModelStatusResponse:
    """Returns the states and errors of versions."""
    response = get_model_status_pb2.GetModelStatusResponse()
    for version in versions:
        status = response.model_version_status.add(version=version.number, state=version.state)
        code = Code.UNKNOWN if version.error else Code.OK
        status.status.error_code = code
        status.status.error_message = version.error
    return response


def signature_def_map(model: LoadedModel) -> get_model_metadata_pb2.SignatureDefMap:
    """Returns all signatures of a model, including those that TensorFlow adds."""
    definitions = get_model_metadata_pb2.SignatureDefMap()
    for name, definition in model.definitions.items():
        definitions.signature_def[name].CopyFrom(definition)
    return definitions
