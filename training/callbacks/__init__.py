"""Keras callbacks of a run: sample grids, TensorBoard, checkpoints, throughput, validation."""
