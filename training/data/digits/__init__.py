"""The data set that comes with the package: 1,797 handwritten digits of 8x8 pixels.

`training.data.digits.builder` contains its TensorFlow Datasets builder. Importing the builder
registers the name `digits`.
"""
