"""ONNX and LiteRT files of a task, written by Keras' own exporters and checked before published."""

import contextlib
import dataclasses
import importlib
import os
import pathlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from export.check_requests import BATCHES, MAX_BATCH, cases
from export.conversion_errors import unsupported
from export.runtimes import LiteRtRuntime, OnnxRuntime, Runtime
from export.served_name import check_name
from export.signatures import signatures
from export.verify import TOLERANCE, VerificationError
from zoo import ema
from zoo.errors import UserError
from zoo.images import prepare
from zoo.networks.network import ImageNetwork, Inputs, Network
from zoo.tasks import ImageClassifier, ImageGenerator, Task

INT8_TOLERANCE = 0.05
"""Mean difference of probabilities, or of pixels in [-1, 1], that int8 weights may make."""


@dataclasses.dataclass(frozen=True)
class Format:
    """A file format that Keras writes.

    Args:
        suffix: of its files.
        modules: what writing and checking it needs, from the extra `[formats]`.
        runtime: what runs such a file.
        options: further arguments of Keras' exporter.
    """

    suffix: str
    modules: tuple[str, ...]
    runtime: type[Runtime]
    options: Mapping[str, object] = dataclasses.field(default_factory=dict)


# Without TensorFlow's own operations, which a plain LiteRT interpreter does not have.
_BUILTINS = {"target_spec": {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]}}
FORMATS = {
    "onnx": Format(".onnx", ("onnx", "tf2onnx", "onnxruntime"), OnnxRuntime),
    "litert": Format(".tflite", ("ai_edge_litert.interpreter",), LiteRtRuntime, _BUILTINS),
}
QUANTIZATIONS = {"int8": {"optimizations": [tf.lite.Optimize.DEFAULT]}}


@dataclasses.dataclass(frozen=True)
class Report:
    """What was written, and how near it is to its model.

    Args:
        path: the file.
        largest: the largest difference of any output to the model's, over all batch sizes.
        mean: the mean difference.
        same_class: share of images that are given the model's class, None for other tasks.
        accuracy: (the file's, the model's) on labelled images, where there were any.
    """

    path: pathlib.Path
    largest: float
    mean: float
    same_class: float | None = None
    accuracy: tuple[float, float] | None = None

    def text(self) -> str:
        """Returns it as lines for a person."""
        size = self.path.stat().st_size / 1e6
        batches = ", ".join(map(str, (*BATCHES, MAX_BATCH)))
        lines = [
            f"{self.path} ({size:.1f} MB)",
            f"  difference to the model: {self.largest:.2g} at most, {self.mean:.2g} on average "
            f"(batches of {batches})",
        ]
        if self.same_class is not None:
            lines.append(f"  the model's class for {self.same_class:.1%} of these images")
        if self.accuracy is not None:
            own, models = self.accuracy
            lines.append(f"  accuracy on the test split: {own:.2%}, the model's {models:.2%}")
        return "\n".join(lines)


class Portable(Network):
    """What goes into a file: named, batched inputs and outputs, inference mode, float32.

    A classifier takes `images` (uint8) and gives `probabilities`, a generator takes `latent` (and
    `label`) and gives `images` (float32 in [-1, 1]), a critic takes `images` and gives `score`.
    Seeds, image files and tf.Examples stay with the SavedModel: these formats have neither
    TensorFlow's random numbers nor its decoders.

    Args:
        task: an `ImageClassifier`, an `ImageGenerator`, or a critic's network, in float32.
    """

    def __init__(self, task: Network):
        super().__init__(name=task.name, dtype="float32")
        self.task = task
        self.build_from_symbolic_inputs()

    def symbolic_inputs(self) -> Inputs:
        if isinstance(self.task, ImageGenerator):
            return self.task.symbolic_inputs()
        return keras.Input(self.task.image_shape, dtype="uint8", name="images")

    def call(self, inputs: Inputs) -> dict[str, tf.Tensor]:
        if isinstance(self.task, ImageClassifier):
            return {"probabilities": self.task.probabilities(inputs)}
        if isinstance(self.task, ImageGenerator):
            return {"images": keras.ops.cast(self.task(inputs, training=False), "float32")}
        scores = self.task(prepare(inputs, self.task.image_shape), training=False)
        return {"score": keras.ops.reshape(keras.ops.cast(scores, "float32"), [-1])}

    def answer(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Computes the outputs by name of inputs by name, on the CPU."""
        with tf.device("CPU:0"):
            tensors = {name: tf.constant(value) for name, value in inputs.items()}
            outputs = self(tensors if len(tensors) > 1 else next(iter(tensors.values())))
        return {name: value.numpy() for name, value in outputs.items()}

    def specs(self) -> list:
        """Returns the inputs as TensorFlow's exporters want them."""
        return [tf.nest.map_structure(_spec, self.symbolic_inputs())]


def _spec(tensor: keras.KerasTensor) -> tf.TensorSpec:
    return tf.TensorSpec(tensor.shape, tensor.dtype, name=tensor.name)


def save_portable(
    tasks: Mapping[str, Network],
    directory: str | os.PathLike,
    *,
    file_format: str,
    quantize: str | None = None,
    labelled: tuple[np.ndarray, np.ndarray] | None = None,
) -> list[Report]:
    """Writes `directory/NAME.onnx` or `.tflite` for each task; all are checked before the first.

    Args:
        tasks: tasks in float32, by name.
        directory: the folder.
        file_format: `"onnx"` or `"litert"`.
        quantize: `"int8"` for LiteRT with weights of 8 bits (dynamic range: activations stay
            float32); the file is `NAME_int8.tflite`.
        labelled: uint8 images `[N, height, width, channels]` and labels `[N]` to measure the
            accuracy of classifiers on.

    Returns:
        A report for each file.

    Raises:
        UserError: a missing package, a name or file that cannot be, another precision, layers that
            the format does not have.
        VerificationError: a file does not do what its model does; nothing was published.
    """
    chosen = FORMATS[file_format]
    _check_modules(file_format, chosen.modules)
    directory = pathlib.Path(directory).expanduser().absolute()
    suffix = f"_{quantize}{chosen.suffix}" if quantize else chosen.suffix
    paths = {name: directory / f"{name}{suffix}" for name in tasks}
    for name, task in tasks.items():
        _check_target(paths[name], name, task)
    directory.mkdir(parents=True, exist_ok=True)
    options = {**chosen.options, **(QUANTIZATIONS[quantize] if quantize else {})}
    reports = []
    with contextlib.ExitStack() as stack:
        staged = {}
        for name, task in tasks.items():
            staged[name] = stack.enter_context(_temporary_file(directory, chosen.suffix))
            portable = Portable(ema.clone(task))
            _convert(portable, staged[name], file_format, options)
            report = _compare(portable, chosen.runtime(staged[name]), labelled, bool(quantize))
            reports.append(dataclasses.replace(report, path=paths[name]))
        for name, path in paths.items():
            os.replace(staged[name], path)
    return reports


def _check_modules(file_format: str, modules: Sequence[str]) -> None:
    for module in modules:
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise UserError(
                f"--format {file_format} needs {error.name}: "
                "pip install 'lipschitz-gan-zoo[formats]'"
            ) from None


def _check_target(path: pathlib.Path, name: str, task: Network) -> None:
    check_name(name)
    if path.exists():
        raise UserError(f"{path} exists; remove it, or choose another folder or --name.")
    network = task.network if isinstance(task, Task) else task
    if {network.compute_dtype, task.compute_dtype} != {"float32"}:
        raise UserError(
            f"{name} computes in {network.compute_dtype}; these formats take float32: load it with "
            "dtype='float32'."
        )
    if not isinstance(task, Task | ImageNetwork):
        raise UserError(f"{name} is a {type(task).__name__}: no task and no critic.")


@contextlib.contextmanager
def _temporary_file(directory: pathlib.Path, suffix: str) -> Iterator[pathlib.Path]:
    descriptor, name = tempfile.mkstemp(prefix=".export-", suffix=suffix, dir=directory)
    os.close(descriptor)
    path = pathlib.Path(name)
    path.chmod(0o644)  # As a file made in the usual way; temporary ones are private.
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _convert(
    portable: Portable, path: pathlib.Path, file_format: str, options: Mapping[str, object]
) -> None:
    """Has Keras write the file; names the layers where it cannot."""
    specs = portable.specs()
    with unsupported(portable, specs, file_format):
        portable.export(
            str(path), format=file_format, input_signature=specs, verbose=False, **options
        )
        FORMATS[file_format].runtime(path)


def _compare(
    portable: Portable,
    runtime: Runtime,
    labelled: tuple[np.ndarray, np.ndarray] | None,
    quantized: bool,
) -> Report:
    task = portable.task
    differences, same = [], []
    for case in cases(task, {"serving_default": signatures(task)["serving_default"]}):
        if case.compare is None:
            continue
        given, expected = runtime.run(case.inputs), portable.answer(case.inputs)
        for name, value in expected.items():
            shape = given[name].shape
            if shape != value.shape or not np.isfinite(given[name]).all():
                raise VerificationError(
                    f"{name} of a batch of {len(value)} is {given[name]}, the model's is {value}."
                )
            differences.append(np.abs(given[name] - value).ravel())
            # Scores have any scale; probabilities and pixels are about 1.
            scale = max(1.0, float(np.abs(value).max()))
            largest, mean = differences[-1].max() / scale, differences[-1].mean() / scale
            if (mean > INT8_TOLERANCE) if quantized else (largest > 10 * TOLERANCE):
                raise VerificationError(
                    f"{name} of a batch of {len(value)} differs from the model's by {largest:.2g} "
                    f"at most and {mean:.2g} on average (relative to {scale:.3g})."
                )
            if name == "probabilities":
                same.append(given[name].argmax(-1) == value.argmax(-1))
    everything = np.concatenate(differences)
    report = Report(pathlib.Path(), float(everything.max()), float(everything.mean()))
    if not isinstance(task, ImageClassifier):
        return report
    accuracy = None if labelled is None else _accuracy(task, runtime, *labelled)
    share = float(np.concatenate(same).mean())
    return dataclasses.replace(report, same_class=share, accuracy=accuracy)


def _accuracy(
    task: ImageClassifier, runtime: Runtime, images: np.ndarray, labels: np.ndarray
) -> tuple[float, float]:
    """Returns the shares of right classes, by the file and by the model."""
    if images.shape[1:] != task.image_shape:
        raise UserError(
            f"--data has images of {images.shape[1:]}, the model takes {task.image_shape}."
        )
    parts = [images[i : i + MAX_BATCH] for i in range(0, len(images), MAX_BATCH)]
    own = np.concatenate([runtime.run({"images": part})["probabilities"] for part in parts])
    models = task.predict(images)
    return tuple(float((p.argmax(-1) == labels).mean()) for p in (own, models))  # type: ignore[return-value]
