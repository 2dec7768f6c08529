"""ONNX and LiteRT files, written by Keras' exporters and checked before they are published."""

import contextlib
import dataclasses
import importlib
import os
import pathlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import tensorflow as tf

from export.check_requests import BATCHES, MAX_BATCH, check_requests
from export.conversion_errors import name_failing_layers
from export.labelled_images import LabelledImages
from export.portable_network import PortableNetwork
from export.runtimes import LiteRtRuntime, OnnxRuntime, Runtime
from export.served_name import check_name
from export.signatures import signatures
from export.verify import TOLERANCE, VerificationError
from zoo import ema
from zoo.errors import UserError
from zoo.networks.network import ImageNetwork, Network
from zoo.tasks import ImageClassifier, Task

INT8_TOLERANCE = 0.05
"""Largest mean difference of probabilities, or of pixels in [-1, 1], due to int8 weights."""


@dataclasses.dataclass(frozen=True)
class Format:
    """A file format that Keras writes.

    Args:
        suffix: suffix of the file names.
        modules: modules of the extra `[formats]` that write and check the format.
        runtime: class that runs such a file.
        options: further arguments of Keras' exporter.
    """

    suffix: str
    modules: tuple[str, ...]
    runtime: type[Runtime]
    options: Mapping[str, object] = dataclasses.field(default_factory=dict)


# A plain LiteRT interpreter does not have TensorFlow's own operations.
_BUILTINS = {"target_spec": {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]}}
FORMATS = {
    "onnx": Format(".onnx", ("onnx", "tf2onnx", "onnxruntime"), OnnxRuntime),
    "litert": Format(".tflite", ("ai_edge_litert.interpreter",), LiteRtRuntime, _BUILTINS),
}
QUANTIZATIONS = {"int8": {"optimizations": [tf.lite.Optimize.DEFAULT]}}


@dataclasses.dataclass(frozen=True)
class Report:
    """Path of a written file, and differences from its model.

    Args:
        path: the file.
        largest: largest difference of any output from the model's, over all batch sizes.
        mean: mean difference.
        same_class: share of images with the same class as the model's, None for other tasks.
        accuracy: accuracies of the file and of the model on labelled images, None without them.
    """

    path: pathlib.Path
    largest: float
    mean: float
    same_class: float | None = None
    accuracy: tuple[float, float] | None = None

    def text(self) -> str:
        """Returns the report as lines of text."""
        size = self.path.stat().st_size / 1e6
        batches = ", ".join(map(str, (*BATCHES, MAX_BATCH)))
        lines = [
            f"{self.path} ({size:.1f} MB)",
            f"  difference from the model: {self.largest:.2g} at most, {self.mean:.2g} on average "
            f"(batches of {batches})",
        ]
        if self.same_class is not None:
            lines.append(f"  same class as the model for {self.same_class:.1%} of these images")
        if self.accuracy is not None:
            file, model = self.accuracy
            lines.append(f"  accuracy on the labelled images: {file:.2%}, the model's {model:.2%}")
        return "\n".join(lines)


def save_portable(
    tasks: Mapping[str, Network],
    directory: str | os.PathLike,
    *,
    file_format: str,
    quantize: str | None = None,
    labelled: LabelledImages | None = None,
) -> list[Report]:
    """Writes `directory/NAME.onnx` or `.tflite` for each task.

    All files are checked before the first is published.

    Args:
        tasks: tasks in float32, by name.
        directory: the folder to write to.
        file_format: `"onnx"` or `"litert"`.
        quantize: `"int8"` stores 8-bit weights in a LiteRT file `NAME_int8.tflite`; activations
            stay float32 (dynamic range quantization).
        labelled: images and classes to measure the accuracy of classifiers on.

    Returns:
        One report per file.

    Raises:
        UserError: a missing package, a name that is not allowed, a file that exists, a task in
            another precision, or a layer that the format does not have.
        VerificationError: a file differs from its model; nothing was published.
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
            portable = PortableNetwork(ema.clone(task))
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
        raise UserError(f"{path} exists. Remove it, or choose another folder or --name.")
    network = task.network if isinstance(task, Task) else task
    if {network.compute_dtype, task.compute_dtype} != {"float32"}:
        raise UserError(
            f"{name} computes in {network.compute_dtype}, and these formats need float32. Load it "
            "with dtype='float32'."
        )
    if not isinstance(task, Task | ImageNetwork):
        raise UserError(
            f"{name} is a {type(task).__name__}, expected an ImageClassifier, an ImageGenerator or "
            "a critic."
        )


@contextlib.contextmanager
def _temporary_file(directory: pathlib.Path, suffix: str) -> Iterator[pathlib.Path]:
    """Creates a hidden file, which is removed afterwards unless it was renamed."""
    descriptor, name = tempfile.mkstemp(prefix=".export-", suffix=suffix, dir=directory)
    os.close(descriptor)
    path = pathlib.Path(name)
    path.chmod(0o644)  # Temporary files are private, published ones are not.
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _convert(
    portable: PortableNetwork, path: pathlib.Path, file_format: str, options: Mapping[str, object]
) -> None:
    """Writes and loads the file; an error names the layers that the format does not have."""
    specs = portable.specs()
    with name_failing_layers(portable, specs, file_format):
        portable.export(
            str(path), format=file_format, input_signature=specs, verbose=False, **options
        )
        FORMATS[file_format].runtime(path)


def _compare(
    portable: PortableNetwork,
    runtime: Runtime,
    labelled: LabelledImages | None,
    quantized: bool,
) -> Report:
    """Compares a file's outputs with the model's, and measures the accuracy of a classifier.

    Raises:
        VerificationError: outputs that differ too much.
    """
    task = portable.task
    differences, same_class = [], []
    for request in check_requests(task, {"serving_default": signatures(task)["serving_default"]}):
        if request.compare is None:
            continue
        actual, expected = runtime.run(request.inputs), portable.outputs(request.inputs)
        for name, value in expected.items():
            differences.append(_differences(name, actual[name], value, quantized))
            if name == "probabilities":
                same_class.append(actual[name].argmax(-1) == value.argmax(-1))
    everything = np.concatenate(differences)
    report = Report(pathlib.Path(), float(everything.max()), float(everything.mean()))
    if not isinstance(task, ImageClassifier):
        return report
    accuracy = None if labelled is None else _accuracy(task, runtime, *labelled)
    share = float(np.concatenate(same_class).mean())
    return dataclasses.replace(report, same_class=share, accuracy=accuracy)


def _differences(
    name: str, actual: np.ndarray, expected: np.ndarray, quantized: bool
) -> np.ndarray:
    """Returns the absolute differences of an output, flat.

    Raises:
        VerificationError: another shape, values that are not finite, or too large differences.
    """
    title = f"{name} of a batch of {len(expected)}"
    if actual.shape != expected.shape or not np.isfinite(actual).all():
        raise VerificationError(f"{title} is {actual}, the model's is {expected}.")
    differences = np.abs(actual - expected).ravel()
    # Probabilities and pixels are at most 1, but scores may be large.
    scale = max(1.0, float(np.abs(expected).max()))
    largest, mean = differences.max() / scale, differences.mean() / scale
    if (mean > INT8_TOLERANCE) if quantized else (largest > 10 * TOLERANCE):
        raise VerificationError(
            f"{title} differs from the model's by {largest:.2g} at most and {mean:.2g} on average "
            f"(relative to {scale:.3g})."
        )
    return differences


def _accuracy(
    task: ImageClassifier, runtime: Runtime, images: np.ndarray, labels: np.ndarray
) -> tuple[float, float]:
    """Returns the accuracies of the file and of the model."""
    if images.shape[1:] != task.image_shape:
        raise UserError(
            f"--data has images of shape {images.shape[1:]}, the model takes {task.image_shape}."
        )
    parts = [images[i : i + MAX_BATCH] for i in range(0, len(images), MAX_BATCH)]
    file = np.concatenate([runtime.run({"images": part})["probabilities"] for part in parts])
    model = task.predict(images)
    return float((file.argmax(-1) == labels).mean()), float((model.argmax(-1) == labels).mean())
