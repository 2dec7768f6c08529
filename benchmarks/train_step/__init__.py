"""How fast one GAN step is: this project, a plain Keras step, and PyTorch, with equal work."""
