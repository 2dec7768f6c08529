"""The Lipschitz GAN Zoo."""
