"""Metrics: features, statistics, value."""
