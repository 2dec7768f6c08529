"""Runs a SavedModel in a separate process, with TensorFlow but without Keras and the zoo.

`export.verify` starts it. It reads pickled requests from one file and writes pickled results to
another.
"""

import pickle
import sys

# From here on, importing either package fails.
sys.modules["keras"] = None  # type: ignore[assignment]
sys.modules["zoo"] = None  # type: ignore[assignment]

import tensorflow as tf  # noqa: E402

Interface = dict[str, tuple[str, list[int | None]]]


def _interface(specs: dict[str, tf.TensorSpec]) -> Interface:
    """Returns dtype and shape by tensor name."""
    return {name: (spec.dtype.name, spec.shape.as_list()) for name, spec in specs.items()}


def main(folder: str, requests_path: str, results_path: str) -> None:
    """Computes the answer of every request: outputs by name, or the text of the error.

    Args:
        folder: the SavedModel.
        requests_path: file with a pickled list of (signature, inputs).
        results_path: file to write the answers and the signatures' interfaces to.
    """
    loaded = tf.saved_model.load(folder).signatures
    with open(requests_path, "rb") as file:
        requests = pickle.load(file)
    answers: list[dict | str] = []
    for signature, inputs in requests:
        try:
            outputs = loaded[signature](**{k: tf.constant(v) for k, v in inputs.items()})
            answers.append({name: value.numpy() for name, value in outputs.items()})
        except (tf.errors.OpError, TypeError, ValueError) as error:
            answers.append(f"{type(error).__name__}: {error}")
    interfaces = {
        name: (_interface(f.structured_input_signature[1]), _interface(f.structured_outputs))
        for name, f in loaded.items()
    }
    with open(results_path, "wb") as file:
        pickle.dump({"interfaces": interfaces, "answers": answers}, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
