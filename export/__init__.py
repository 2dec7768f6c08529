"""Shipping things: SavedModels for TF Serving."""
