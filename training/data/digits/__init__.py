"""The data set that comes with the package: 1,797 handwritten digits of 8x8 pixels.

`training.data.digits.builder` holds its TensorFlow Datasets builder; importing it registers the
name `digits` there.
"""
