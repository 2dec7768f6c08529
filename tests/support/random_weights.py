"""Random weights, with which the outputs of a model differ like those of a trained one."""

import numpy as np


def randomize(model):
    """Assigns random values to all variables of a model and returns it."""
    random = np.random.default_rng(0)
    for variable in model.variables:
        values = random.normal(0.0, 0.2, variable.shape)
        if len(variable.shape) > 1:
            values *= 5.0 * np.sqrt(2.0 / np.prod(variable.shape[:-1]))
        elif "gamma" in variable.path or "variance" in variable.path:
            values = np.abs(values) + 1.0
        variable.assign(values)
    return model
