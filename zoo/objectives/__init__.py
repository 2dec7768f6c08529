"""Objectives: pure functions of critic outputs, one file a family."""
