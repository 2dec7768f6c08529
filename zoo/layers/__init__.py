"""Layers that Keras lacks, or has in a form that replicas and exact resume cannot use."""

from zoo.layers.dropout import StatelessDropout

__all__ = ["StatelessDropout"]
