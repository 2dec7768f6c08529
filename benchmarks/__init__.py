"""Benchmarks: speed measurements, with peers in the same run."""
