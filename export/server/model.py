"""One loaded version of a model: a session that runs its signatures, as TF Serving's does."""

import contextlib
import dataclasses
import functools
import pathlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import config_pb2, meta_graph_pb2

from export.server.config import Batching
from export.server.status import Code, ServingError, from_tensorflow, invalid

DEFAULT_SIGNATURE = "serving_default"
_CALLABLES = 64  # Compiled output choices a signature keeps; clients choose them by output_filter.

_DTYPE_NAMES = {tf.float16: "half", tf.float32: "float", tf.float64: "double"}

Arrays = Mapping[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Tensor:
    """An input or an output of a signature.

    Args:
        name: the tensor's name in the graph.
        dtype: its type.
        shape: its shape, None for a free dimension; None where the rank is free too.
    """

    name: str
    dtype: tf.DType
    shape: tuple[int | None, ...] | None

    @classmethod
    def of(cls, info: meta_graph_pb2.TensorInfo) -> "Tensor":
        """Reads it from a signature's definition."""
        proto = info.tensor_shape
        shape = tuple(None if d.size < 0 else d.size for d in proto.dim)
        return cls(info.name, tf.as_dtype(info.dtype), None if proto.unknown_rank else shape)

    def admits(self, shape: tuple[int, ...]) -> bool:
        """Whether an array of this shape may be fed."""
        if self.shape is None:
            return True
        return len(shape) == len(self.shape) and all(
            wanted is None or wanted == given
            for wanted, given in zip(self.shape, shape, strict=True)
        )


@dataclasses.dataclass(frozen=True)
class ServedSignature:
    """A signature's name, inputs and outputs."""

    name: str
    inputs: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]

    def check(self, inputs: Arrays) -> None:
        """Refuses what the graph must never see: TF Serving feeds any shape, and can die of it.

        Raises:
            ServingError: INVALID_ARGUMENT for other names, dtypes or shapes than declared.
        """
        if inputs.keys() != self.inputs.keys():
            given, wanted = set(inputs), set(self.inputs)
            raise invalid(
                f"input size does not match signature: {len(given)}!={len(wanted)} "
                f"len({_set(given)}) != len({_set(wanted)}). Sent extra: {_set(given - wanted)}. "
                f"Missing but required: {_set(wanted - given)}."
            )
        for index, (name, tensor) in enumerate(self.inputs.items()):
            dtype, shape = tf.as_dtype(inputs[name].dtype), inputs[name].shape
            if dtype != tensor.dtype:
                raise invalid(
                    f"Expects arg[{index}] to be {dtype_name(tensor.dtype)} but "
                    f"{dtype_name(dtype)} is provided"
                )
            if not tensor.admits(shape):
                wanted_shape = [-1 if size is None else size for size in tensor.shape or ()]
                raise invalid(
                    f"Input {name} must have the shape {wanted_shape} (-1 is any size), received "
                    f"{list(shape)}."
                )

    def choose(self, output_filter: Sequence[str]) -> tuple[str, ...]:
        """Returns the names of the outputs that were asked for, all without a filter.

        Raises:
            ServingError: INVALID_ARGUMENT for an unknown or a repeated name.
        """
        for index, name in enumerate(output_filter):
            if name not in self.outputs:
                raise invalid(
                    f"output tensor alias not found in signature: {name} Outputs expected to be in "
                    f"the set {_set(set(self.outputs))}."
                )
            if name in output_filter[:index]:
                raise invalid(f"duplicate output tensor alias: {name}")
        return tuple(sorted(output_filter or self.outputs))


class LoadedModel:
    """A SavedModel in memory.

    Loading and running block: the server does both in threads.

    Args:
        name: the model's name.
        version: its version.
        folder: the SavedModel.
        tags: which of its graphs.
        timeout: float, seconds after which a computation is stopped.
        threads: operations at a time, and threads of an operation; 0 for TensorFlow's choice.
        batching: how requests for it are batched, where each model has its own way.
        check_methods: bool, whether classify and regress look at a signature's method name.

    Raises:
        OSError, tf.errors.OpError, ValueError, RuntimeError: a damaged or foreign folder.
    """

    def __init__(
        self,
        name: str,
        version: int,
        folder: pathlib.Path,
        *,
        tags: Sequence[str] = ("serve",),
        timeout: float = 30.0,
        threads: tuple[int, int] = (0, 0),
        batching: Batching | None = None,
        check_methods: bool = False,
    ):
        self.name = name
        self.batching = batching
        self.check_methods = check_methods
        self.version = version
        self._timeout = timeout
        self._users = 0
        self._idle = threading.Condition()
        self._building = threading.Lock()
        inter, intra = threads
        settings = tf.compat.v1.ConfigProto(
            inter_op_parallelism_threads=inter, intra_op_parallelism_threads=intra
        )
        self._session = tf.compat.v1.Session(graph=tf.Graph(), config=settings)
        try:
            with self._session.graph.as_default():
                meta = tf.compat.v1.saved_model.loader.load(self._session, tags, str(folder))
        except BaseException:
            self._session.close()
            raise
        self.definitions: dict[str, meta_graph_pb2.SignatureDef] = dict(meta.signature_def)
        self.signatures = {
            name: ServedSignature(name, _tensors(d.inputs), _tensors(d.outputs))
            for name, d in self.definitions.items()
            if d.inputs and d.outputs
        }
        self._callable = functools.lru_cache(_CALLABLES)(self._make_callable)

    def signature(self, name: str) -> ServedSignature | None:
        """Returns a signature by name ("" for the default one), None where there is none."""
        return self.signatures.get(name or DEFAULT_SIGNATURE)

    def run(
        self, signature: str, inputs: Arrays, outputs: tuple[str, ...]
    ) -> dict[str, np.ndarray]:
        """Computes some outputs of a signature; the inputs must have passed its `check`.

        Returns:
            Arrays by name; strings as arrays of bytes objects.

        Raises:
            ServingError: what the graph says against the inputs.
        """
        with self.in_use():
            call = self._callable(signature, outputs)
            try:
                values = call(*(inputs[name] for name in self.signatures[signature].inputs))
            except tf.errors.OpError as error:
                raise from_tensorflow(error) from None
            return {
                name: np.asarray(value, dtype=object if isinstance(value, bytes | str) else None)
                for name, value in zip(outputs, values, strict=True)
            }

    @contextlib.contextmanager
    def in_use(self) -> Iterator[None]:
        """Keeps the model in memory."""
        with self._idle:
            self._users += 1
        try:
            yield
        finally:
            with self._idle:
                self._users -= 1
                self._idle.notify_all()

    def close(self) -> None:
        """Frees the model as soon as nothing uses it; blocks until then."""
        with self._idle:
            self._idle.wait_for(lambda: self._users == 0)
        self._callable.cache_clear()
        self._session.close()

    def _make_callable(self, signature: str, outputs: tuple[str, ...]) -> Callable:
        # A fifth of the cost of `Session.run`, and what TF Serving does; the method is private.
        served = self.signatures[signature]
        options = config_pb2.CallableOptions(
            feed=[tensor.name for tensor in served.inputs.values()],
            fetch=[served.outputs[name].name for name in outputs],
        )
        options.run_options.timeout_in_ms = int(self._timeout * 1000)
        with self._building:
            return self._session._make_callable_from_options(options)


def _tensors(infos: Mapping[str, meta_graph_pb2.TensorInfo]) -> dict[str, Tensor]:
    for name, info in infos.items():
        if info.WhichOneof("encoding") != "name":
            raise ValueError(f"{name} is no dense tensor; signatures must have dense ones only.")
    return {name: Tensor.of(infos[name]) for name in sorted(infos)}


def dtype_name(dtype: tf.DType) -> str:
    """Returns what TensorFlow's C++ side calls a dtype."""
    return _DTYPE_NAMES.get(dtype, dtype.name)


def _set(names: set[str]) -> str:
    return "{" + ",".join(sorted(names)) + "}"


def unknown_signature(name: str, code: Code) -> ServingError:
    """Returns the failure of a request for a signature that is not there."""
    name = name or DEFAULT_SIGNATURE
    if code == Code.FAILED_PRECONDITION:
        return ServingError(code, f'Serving signature key "{name}" not found.')
    return ServingError(code, f'Serving signature name: "{name}" not found in signature def')
