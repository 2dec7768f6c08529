"""Hostile inputs from a seed: each one must succeed, or be refused in one sentence."""
