"""Presets: a trained network on disk, in Keras-Hub's directory layout, by plain Keras.

```
config.json          `zoo>NetworkBackbone`, the network's own configuration inside
model.weights.h5     the network's weights
task.json            `zoo>NetworkImageClassifier` or `zoo>NetworkImageGenerator`
task.weights.h5      the weights outside of the network (a classifier's head)
metadata.json        format, versions, sizes and SHA-256 of the weight files, data, metrics
generator/, critic/  further presets: what was trained along with the deployed task
```
"""

from zoo.presets.builtin import list_presets
from zoo.presets.read import load_network
from zoo.presets.write import save_bundle

__all__ = ["list_presets", "load_network", "save_bundle"]
