"""`python -m benchmarks.fit`: measures images/s of the step, and the cost of the input pipeline.

The step is timed in turns on batches of the input pipeline and on one constant batch. The ratio
of the two times is the cost of the input pipeline. The command prints one JSON object.
"""

import argparse
import itertools
import json
import platform
import statistics
import sys
import time
from collections.abc import Iterator

from training.recipe_file import override
from training.recipes import find
from zoo.environment import prepare_tensorflow
from zoo.errors import UserError

STEPS = 40
ROUNDS = 7


def seconds_of(step: object, batches: Iterator) -> float:
    """Times `STEPS` steps on the given batches."""
    started = time.perf_counter()
    for batch in itertools.islice(batches, STEPS):
        step(batch)  # type: ignore[operator]
    return time.perf_counter() - started


def measure(model_name: str, data_name: str, *, data_dir: str | None, batch: int) -> dict:
    """Measures one model on one data set.

    Args:
        model_name: the model.
        data_name: the data set.
        data_dir: folder in which TFDS has prepared it.
        batch: number of images in a batch.

    Returns:
        Medians over rounds: images/s, and the ratio of the seconds with pipeline batches to those
        with a constant batch.
    """
    import tensorflow as tf

    from training import data as data_sets
    from training.build import build_model
    from training.streams import batches, label_map_of, streams_of

    recipe = override(find(model_name, data=data_name), {"batch_size": batch}, source="")
    data = data_sets.load(data_name, data_dir=data_dir)
    model = build_model(recipe, image_shape=data.image_shape, class_names=tuple(data.class_names))
    dataset = batches(recipe, model, streams_of(recipe, data, label_map_of(recipe, data)))
    step = tf.function(model.train_step)
    fresh = iter(dataset)
    constant = next(fresh)
    step(constant)
    real, same = [], []
    for _ in range(ROUNDS):
        real.append(seconds_of(step, fresh))
        same.append(seconds_of(step, itertools.repeat(constant)))
    ratios = [r / s for r, s in zip(real, same, strict=True)]
    return {
        "model": model_name,
        "data": data_name,
        "batch": batch,
        "images_per_second": round(batch * STEPS / statistics.median(real)),
        "real_over_constant": round(statistics.median(ratios), 4),
        "real_over_constant_range": [round(min(ratios), 4), round(max(ratios), 4)],
        "machine": f"{platform.machine()}, {tf.config.threading.get_intra_op_parallelism_threads()}"
        " intra-op threads (0 = all cores)",
    }


def main(arguments: list[str]) -> int:
    """Runs the command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fit", description=__doc__)
    parser.add_argument("--model", default="clsgan")
    parser.add_argument("--data", default="digits")
    parser.add_argument("--data-dir")
    parser.add_argument("--batch-size", type=int, default=64)
    options = parser.parse_args(arguments)
    prepare_tensorflow()
    try:
        result = measure(
            options.model, options.data, data_dir=options.data_dir, batch=options.batch_size
        )
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
