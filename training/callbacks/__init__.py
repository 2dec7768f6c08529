"""What happens beside the steps: sample grids, TensorBoard, checkpoints, throughput, validation."""
