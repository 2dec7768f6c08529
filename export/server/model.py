"""A loaded version of a model: a TensorFlow session that runs its signatures."""

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
_CALLABLES = 64  # Cached choices of outputs; clients choose outputs by output_filter.

_DTYPE_NAMES = {tf.float16: "half", tf.float32: "float", tf.float64: "double"}

Arrays = Mapping[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Tensor:
    """An input or an output of a signature.

    Args:
        name: name of the tensor in the graph.
        dtype: dtype of the tensor.
        shape: shape with None for dimensions of any size; None for any rank.
    """

    name: str
    dtype: tf.DType
    shape: tuple[int | None, ...] | None

    @classmethod
    def from_proto(cls, info: meta_graph_pb2.TensorInfo) -> "Tensor":
        """Converts the tensor of a signature definition."""
        proto = info.tensor_shape
        shape = tuple(None if d.size < 0 else d.size for d in proto.dim)
        return cls(info.name, tf.as_dtype(info.dtype), None if proto.unknown_rank else shape)

    def admits(self, shape: tuple[int, ...]) -> bool:
        """Checks that an array of this shape can be an input."""
        if self.shape is None:
            return True
        return len(shape) == len(self.shape) and all(
            size is None or size == actual for size, actual in zip(self.shape, shape, strict=True)
        )


@dataclasses.dataclass(frozen=True)
class ServedSignature:
    """Name, inputs and outputs of a signature."""

    name: str
    inputs: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]

    def check(self, inputs: Arrays) -> None:
        """Checks names, dtypes and shapes of inputs.

        TF Serving does not check shapes, and a wrong one can end its process.

        Raises:
            ServingError: INVALID_ARGUMENT for other names, dtypes or shapes than declared.
        """
        if inputs.keys() != self.inputs.keys():
            actual, expected = set(inputs), set(self.inputs)
            raise invalid(
                f"input size does not match signature: {len(actual)}!={len(expected)} "
                f"len({_set(actual)}) != len({_set(expected)}). Sent extra: "
                f"{_set(actual - expected)}. Missing but required: {_set(expected - actual)}."
            )
        for index, (name, tensor) in enumerate(self.inputs.items()):
            dtype, shape = tf.as_dtype(inputs[name].dtype), inputs[name].shape
            if dtype != tensor.dtype:
                raise invalid(
                    f"Expects arg[{index}] to be {dtype_name(tensor.dtype)} but "
                    f"{dtype_name(dtype)} is provided"
                )
            if not tensor.admits(shape):
                expected_shape = [-1 if size is None else size for size in tensor.shape or ()]
                raise invalid(
                    f"Input {name} must have the shape {expected_shape} (-1 is any size), received "
                    f"{list(shape)}."
                )

    def select_outputs(self, output_filter: Sequence[str]) -> tuple[str, ...]:
        """Returns the names of the requested outputs, or of all outputs for an empty filter.

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

    Loading and running are blocking calls; the server makes them in threads.

    Args:
        name: name of the model.
        version: version of the model.
        folder: the SavedModel.
        tags: tags of the graph to load.
        timeout: float, seconds after which a computation is stopped.
        threads: operations that run at the same time, and threads of one operation; 0 for
            TensorFlow's choice.
        batching: the version's own batching parameters, None for those of the server.
        check_methods: bool, whether classify and regress check the method name of a signature.

    Raises:
        OSError, tf.errors.OpError, ValueError, RuntimeError: a damaged folder.
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
        """Returns a signature by name ("" for the default one), None for an unknown name."""
        return self.signatures.get(name or DEFAULT_SIGNATURE)

    def run(
        self, signature: str, inputs: Arrays, outputs: tuple[str, ...]
    ) -> dict[str, np.ndarray]:
        """Computes outputs of a signature; the inputs must have passed its `check`.

        Returns:
            Arrays by name; strings are arrays of bytes objects.

        Raises:
            ServingError: the failure of the graph.
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
        """Keeps the model in memory until the block ends."""
        with self._idle:
            self._users += 1
        try:
            yield
        finally:
            with self._idle:
                self._users -= 1
                self._idle.notify_all()

    def close(self) -> None:
        """Waits until the model is not in use, and frees it."""
        with self._idle:
            self._idle.wait_for(lambda: self._users == 0)
        self._callable.cache_clear()
        self._session.close()

    def _make_callable(self, signature: str, outputs: tuple[str, ...]) -> Callable:
        # TF Serving uses callables too: the call costs a fifth of `Session.run`.
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
            raise ValueError(
                f"{name} is not a dense tensor. Signatures must have dense tensors only."
            )
    return {name: Tensor.from_proto(infos[name]) for name in sorted(infos)}


def dtype_name(dtype: tf.DType) -> str:
    """Returns the name of a dtype in TensorFlow's C++ code."""
    return _DTYPE_NAMES.get(dtype, dtype.name)


def _set(names: set[str]) -> str:
    return "{" + ",".join(sorted(names)) + "}"


def unknown_signature(name: str, code: Code) -> ServingError:
    """Returns the error of a request for an unknown signature."""
    name = name or DEFAULT_SIGNATURE
    if code == Code.FAILED_PRECONDITION:
        return ServingError(code, f'Serving signature key "{name}" not found.')
    return ServingError(code, f'Serving signature name: "{name}" not found in signature def')
