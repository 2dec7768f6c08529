"""Penalties: functions of a critic and two batches, and constraints on its weights."""

from zoo.penalties.penalty import Penalty

__all__ = ["Penalty"]
