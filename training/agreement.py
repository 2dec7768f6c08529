"""Agreement of all hosts of a run on numbers that its chief has measured."""

from collections.abc import Sequence

import tensorflow as tf


def agree(strategy: tf.distribute.Strategy, numbers: Sequence[float]) -> list[float]:
    """Returns the numbers of the chief, on every host. All hosts must call it together.

    Args:
        strategy: the strategy of the run.
        numbers: as many numbers on each host. Only those of the chief count.
    """
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return list(numbers)
    mine = tf.constant(numbers, tf.float64)

    @tf.function
    def shared() -> tf.Tensor:
        def of_replica() -> tf.Tensor:
            context = tf.distribute.get_replica_context()
            # The first replica is one of the chief.
            is_first = tf.equal(context.replica_id_in_sync_group, 0)
            known = tf.where(is_first, mine, tf.zeros_like(mine))
            return context.all_reduce(tf.distribute.ReduceOp.SUM, known)

        return strategy.run(of_replica)

    agreed = strategy.experimental_local_results(shared())[0]
    return [float(number) for number in agreed.numpy()]
