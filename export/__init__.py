"""Exports trained models as SavedModels, ONNX and LiteRT files, and serves them."""
