"""Test images for small presets, and a function that edits their JSON files."""

import json

import numpy as np

SHAPE = (8, 8, 1)
IMAGES = np.random.default_rng(0).integers(0, 256, (4, *SHAPE), dtype="uint8")


def edit_json(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def same_predictions(one, other):
    return np.array_equal(one.predict(IMAGES), other.predict(IMAGES))
