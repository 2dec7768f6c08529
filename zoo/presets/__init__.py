"""Presets: trained networks on disk, in KerasHub's directory layout, read and written by Keras.

```
config.json          `zoo>NetworkBackbone`, which contains the network's configuration
model.weights.h5     the network's weights
task.json            `zoo>NetworkImageClassifier` or `zoo>NetworkImageGenerator`
task.weights.h5      the weights outside the network (a classifier's head)
metadata.json        format, versions, sizes and SHA-256 of the weight files, data, metrics
generator/, critic/  presets of the networks that were trained together with the deployed task
```
"""

from zoo.presets.builtin import list_presets
from zoo.presets.read import load_network
from zoo.presets.write import save_bundle

__all__ = ["list_presets", "load_network", "save_bundle"]
