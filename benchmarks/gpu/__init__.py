"""Measurements on one GPU: step speed, XLA over replicas, determinism, and CLS-GAN on CIFAR-10."""
