"""Layers that Keras lacks, or has in a form that replicas and exact resume cannot use."""

from zoo.layers.conditional_normalization import ConditionalBatchNormalization
from zoo.layers.dropout import StatelessDropout
from zoo.layers.projection import LabelProjection

__all__ = ["ConditionalBatchNormalization", "LabelProjection", "StatelessDropout"]
