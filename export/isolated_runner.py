"""Runs a SavedModel in a process of its own that has TensorFlow and nothing of ours.

Called by `export.verify`: reads pickled requests from one file, writes pickled results to another.
"""

import pickle
import sys

# Import of either fails from here on: what runs below needs neither.
sys.modules["keras"] = None  # type: ignore[assignment]
sys.modules["zoo"] = None  # type: ignore[assignment]

import tensorflow as tf  # noqa: E402

Border = dict[str, tuple[str, list[int | None]]]


def _border(specs: dict[str, tf.TensorSpec]) -> Border:
    return {name: (spec.dtype.name, spec.shape.as_list()) for name, spec in specs.items()}


def main(folder: str, requests_path: str, results_path: str) -> None:
    """Answers each (signature, inputs) with its outputs, or with the error's class and text."""
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
    borders = {
        name: (_border(f.structured_input_signature[1]), _border(f.structured_outputs))
        for name, f in loaded.items()
    }
    with open(results_path, "wb") as file:
        pickle.dump({"borders": borders, "answers": answers}, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
