"""Tiny SavedModels for the tests of the server."""

import pathlib

import tensorflow as tf


def half_plus_two(folder: pathlib.Path, bias: float = 2.0) -> pathlib.Path:
    """Writes a model of y = x / 2 + bias, with one more signature per feature of the protocol."""
    module = tf.Module()
    module.bias = tf.Variable(bias)

    def spec(dtype=tf.float32, shape=(None,), name=None):
        return tf.TensorSpec(shape, dtype, name=name)

    def function(**inputs):
        return lambda f: tf.function(f).get_concrete_function(
            **{name: spec(*given, name=name) for name, given in inputs.items()}
        )

    floats, texts = (tf.float32, (None,)), (tf.string, (None,))

    @function(x=floats)
    def default(x):
        return {"y": x / 2.0 + module.bias}

    @function(a=(tf.float32, (None, 2)), b=(tf.int64, (None,)))
    def several(a, b):
        return {"total": tf.reduce_sum(a, 1) + tf.cast(b, tf.float32), "b": b}

    echoes = {}
    for dtype in (tf.uint8, tf.int32, tf.int64, tf.uint64, tf.bool, tf.float64, tf.float16):

        @function(x=(dtype, (None,)))
        def echo(x):
            return {"y": tf.identity(x)}

        echoes[f"echo_{dtype.name}"] = echo

    @function(x=texts)
    def strings(x):
        return {"text": tf.identity(x), "raw_bytes": tf.identity(x)}

    @function(x=(tf.float32, None))
    def scalar(x):
        return {"total": tf.reduce_sum(x), "count": tf.size(x)}

    def parsed(inputs):
        return tf.io.parse_example(
            inputs, {"x": tf.io.FixedLenFeature([], tf.float32, default_value=-1.0)}
        )["x"]

    @function(inputs=texts)
    def classify(inputs):
        x = parsed(inputs)
        names = tf.constant([["small", "large"]])
        scores = tf.stack([1.0 - x, x], axis=1)
        return {"classes": tf.tile(names, [tf.shape(x)[0], 1]), "scores": scores}

    @function(inputs=texts)
    def regress(inputs):
        return {"outputs": parsed(inputs) / 2.0 + module.bias}

    @function(x=floats)
    def positive(x):
        with tf.control_dependencies([tf.debugging.assert_positive(x, "x must be positive")]):
            return {"y": tf.identity(x)}

    @function(x=floats)
    def slow(x):
        steps = tf.while_loop(
            lambda i, _: i < tf.cast(1e6 * x[0], tf.int64),
            lambda i, t: (i + 1, t + 1.0),
            (tf.constant(0, tf.int64), 0.0),
        )
        return {"y": x + 0.0 * steps[1]}

    signatures = {
        "serving_default": default,
        "several": several,
        "strings": strings,
        "scalar": scalar,
        "classify": classify,
        "regress": regress,
        "positive": positive,
        "slow": slow,
        **echoes,
    }
    tf.saved_model.save(module, str(folder), signatures=signatures)
    return folder
