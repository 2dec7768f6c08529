"""Moving statistics of batch normalisation: only passes over real images may change them."""

import contextlib
from collections.abc import Iterator, Sequence

import keras


def moving_statistics(network: keras.Model) -> list[keras.Variable]:
    """Returns the moving means and variances of all batch normalisations of a network."""
    return [
        variable
        for layer in network._flatten_layers()
        if isinstance(layer, keras.layers.BatchNormalization)
        for variable in layer.non_trainable_variables
    ]


@contextlib.contextmanager
def unchanged_statistics(network: keras.Model) -> Iterator[None]:
    """Context in which passes in training mode leave the moving statistics of a network unchanged.

    The passes still normalise with the statistics of their own batch. All other state, such as the
    vectors of spectral normalisation, changes as usual. Passes over generated images run in this
    context, because prediction must use the statistics of real images.

    The updates are not computed at all, which is faster than to undo them: each update of a
    synchronised layer communicates with the other replicas.
    """
    statistics = {id(variable) for variable in moving_statistics(network)}
    if not statistics:
        yield
        return
    with keras.StatelessScope() as scope:
        yield
    for variable in network.non_trainable_variables:
        updated = scope.get_current_value(variable)
        if updated is not None and id(variable) not in statistics:
            variable.assign(updated)


@contextlib.contextmanager
def restored(variables: Sequence[keras.Variable]) -> Iterator[None]:
    """Context after which the variables have the values that they had before it."""
    before = [variable.value.read_value() for variable in variables]
    yield
    for variable, value in zip(variables, before, strict=True):
        variable.assign(value)
