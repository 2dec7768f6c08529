"""The order of reads and writes in one optimizer step."""

import keras
import numpy as np
import tensorflow as tf

from zoo.gradients import minimise


def ancestors(operation):
    """Returns all operations that must run before this one, by data or control edges."""
    found, waiting = set(), [operation]
    while waiting:
        one = waiting.pop()
        before = [tensor.op for tensor in one.inputs] + list(one.control_inputs)
        waiting += [other for other in before if other not in found]
        found.update(before)
    return found


def test_a_weight_is_updated_after_the_loss_of_its_old_value():
    """The gradient of `mean(x w)` depends only on x, so no data edge delays the update of w.

    If Grappler let a read of w run after the update, the loss would be that of the new value. So
    the update must depend on the loss itself.
    """
    weight = keras.Variable(np.ones(3, "float32"))
    optimizer = keras.optimizers.SGD(0.5)
    optimizer.build([weight])

    @tf.function
    def step(x):
        def loss():
            value = tf.reduce_mean(tf.linalg.matvec(x, weight.value), name="the_loss")
            return value, value

        return minimise(loss, [weight], optimizer)

    x = tf.constant([[1.0, 2.0, 4.0], [3.0, 2.0, 0.0]])
    graph = step.get_concrete_function(x).graph
    resource = next(inner for outer, inner in graph.captures if outer is weight.value.handle)
    updates = [
        operation
        for operation in graph.get_operations()
        if operation.type.startswith("Assign") and operation.inputs[0] is resource
    ]
    loss = graph.get_operation_by_name("the_loss")
    assert len(updates) == 1
    assert loss in ancestors(updates[0])
    assert float(step(x)) == 6.0
    np.testing.assert_allclose(weight.value, [0.0, 0.0, 0.0])
