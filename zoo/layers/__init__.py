"""Layers that Keras does not have, or whose Keras version breaks replica parity or exact resume."""

from zoo.layers.conditional_normalization import ConditionalBatchNormalization
from zoo.layers.dropout import StatelessDropout
from zoo.layers.projection import LabelProjection

__all__ = ["ConditionalBatchNormalization", "LabelProjection", "StatelessDropout"]
