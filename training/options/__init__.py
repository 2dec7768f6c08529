"""Groups of options that concern running: data, networks, optimizers, scores, devices and the run.

Each group is the one home of its options; `zoo.options` and `zoo.models` hold the groups of step
and objective, which a model takes as they are.
"""
