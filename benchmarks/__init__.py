"""Measurements: speed, against peers, in one run. Never tests."""
