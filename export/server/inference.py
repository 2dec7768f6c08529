"""Classification and regression of tf.Examples."""

from collections.abc import Awaitable, Callable

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import input_pb2, model_pb2

from export.server.model import DEFAULT_SIGNATURE, Arrays, LoadedModel, ServedSignature
from export.server.status import invalid

METHODS = {
    "tensorflow/serving/classify": "classify",
    "tensorflow/serving/regress": "regress",
}
"""Methods by their names in signatures and in MultiInference."""

_OUTPUTS = {
    "classify": {"classes": tf.string, "scores": tf.float32},
    "regress": {"outputs": tf.float32},
}

Run = Callable[[ServedSignature, Arrays, tuple[str, ...]], Awaitable[Arrays]]
Classes = list[tuple[bytes, float]]


def serialize_examples(request: input_pb2.Input) -> np.ndarray:
    """Serializes the tf.Examples of a request, each with the context in front of it.

    Parsing merges the two messages, and the example's features replace those of the context.

    Raises:
        ServingError: INVALID_ARGUMENT for a request without examples.
    """
    kind = request.WhichOneof("kind")
    context = b""
    examples: list[bytes] = []
    if kind == "example_list":
        examples = [e.SerializeToString() for e in request.example_list.examples]
    elif kind == "example_list_with_context":
        listed = request.example_list_with_context
        context = listed.context.SerializeToString()
        examples = [e.SerializeToString() for e in listed.examples]
    if not examples:
        raise invalid("Input is empty")
    result = np.empty(len(examples), dtype=object)
    result[:] = [context + example for example in examples]
    return result


def name_or_default(name: str) -> str:
    """Returns the name of a signature, or of the default signature for ""."""
    return name or DEFAULT_SIGNATURE


def signature_for(model: LoadedModel, name: str, method: str) -> ServedSignature:
    """Returns a signature and checks that it can classify or regress.

    Raises:
        ServingError: INVALID_ARGUMENT for an unknown signature, or other inputs or outputs.
    """
    signature = model.signature(name)
    if signature is None:
        raise invalid(f"No signature was found with the name: {name_or_default(name)}")
    actual = model.definitions[signature.name].method_name
    if model.check_methods and METHODS.get(actual) != method:
        raise invalid(
            f"Expected {method} signature method_name to be tensorflow/serving/{method}. "
            f"Was: {actual}"
        )
    inputs = signature.inputs
    if set(inputs) != {"inputs"} or inputs["inputs"].dtype != tf.string:
        raise invalid(
            f"Expected one and only one input 'inputs' of strings in the signature "
            f"{signature.name}, which has: {', '.join(inputs)}"
        )
    expected = _OUTPUTS[method]
    if not all(expected.get(name) == tensor.dtype for name, tensor in signature.outputs.items()):
        raise invalid(
            f"Expected outputs to {method} with ({', '.join(sorted(expected))}) in the signature "
            f"{signature.name}, which has: {', '.join(signature.outputs)}"
        )
    return signature


async def classify(
    run: Run, model: LoadedModel, name: str, request: input_pb2.Input
) -> list[Classes]:
    """Returns the label and score of each class, for each example."""
    signature = signature_for(model, name, "classify")
    inputs = _inputs(signature, request)
    return classes_of(await run(signature, inputs, tuple(signature.outputs)), _count(inputs))


async def regress(run: Run, model: LoadedModel, name: str, request: input_pb2.Input) -> list[float]:
    """Returns the value of each example."""
    signature = signature_for(model, name, "regress")
    inputs = _inputs(signature, request)
    return values_of(await run(signature, inputs, tuple(signature.outputs)), _count(inputs))


def run_now(
    model: LoadedModel, method: str, spec: model_pb2.ModelSpec, request: input_pb2.Input
) -> None:
    """Classifies or regresses in the calling thread, for warmup requests."""
    signature = signature_for(model, spec.signature_name, method)
    inputs = _inputs(signature, request)
    outputs = model.run(signature.name, inputs, tuple(signature.outputs))
    (classes_of if method == "classify" else values_of)(outputs, _count(inputs))


def _inputs(signature: ServedSignature, request: input_pb2.Input) -> Arrays:
    inputs = {"inputs": serialize_examples(request)}
    signature.check(inputs)
    return inputs


def _count(inputs: Arrays) -> int:
    return len(inputs["inputs"])


def classes_of(outputs: Arrays, count: int) -> list[Classes]:
    """Pairs labels and scores, each `[count, n]`; a missing label is "", a missing score 0.0."""
    labels, scores = outputs.get("classes"), outputs.get("scores")
    for name, value in outputs.items():
        if value.ndim != 2 or len(value) != count:
            raise invalid(f"Expected output {name} of shape [{count}, n], got {list(value.shape)}")
    if labels is not None and scores is not None and labels.shape != scores.shape:
        raise invalid("Tensors classes and scores have different shapes")
    if labels is None:
        return [[(b"", score) for score in row] for row in outputs["scores"].tolist()]
    if scores is None:
        return [[(label, 0.0) for label in row] for row in labels.tolist()]
    return [list(zip(*rows, strict=True)) for rows in zip(labels, scores.tolist(), strict=True)]


def values_of(outputs: Arrays, count: int) -> list[float]:
    """Returns the values of a regression, whose output is `[count]` or `[count, 1]`."""
    value = outputs["outputs"]
    if value.shape not in ((count,), (count, 1)):
        raise invalid(
            f"Expected output of shape [{count}] or [{count}, 1], got {list(value.shape)}"
        )
    return value.ravel().tolist()
