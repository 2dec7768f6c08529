"""Runs torch-fidelity 0.4.0 in a separate interpreter, to compute or check golden values.

In `tests/training/metrics`:

    python3 -m venv peer && peer/bin/pip install torch==2.13.0 scipy tqdm pillow
    peer/bin/pip install --no-deps torch-fidelity==0.4.0
    peer/bin/python ../../support/metrics_peer.py metrics data/peer.json
    peer/bin/python ../../support/metrics_peer.py inception data/inception.npz
    peer/bin/python ../../support/metrics_peer.py tiny data

`PEER_PYTHON=peer/bin/python pytest -m peer` recomputes the values and compares. torch-fidelity
imports torchvision, which the metrics do not use; an empty module replaces it.
"""

import json
import os
import pathlib
import subprocess
import sys
import types
import zlib

import numpy as np

PYTHON = os.environ.get("PEER_PYTHON", sys.executable)
SIZES = {"plenty": (300, 260, 20), "fewer_than_features": (30, 25, 64), "one_short": (64, 300, 64)}
WEIGHTS_SEED = 7


def features(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns generated and reference features, float64, and logits of the generated images."""
    generated, reference, dim = SIZES[name]
    random = np.random.default_rng([1, generated, reference])
    mixing = random.normal(size=(dim, dim)) / dim**0.5
    fake = np.maximum(random.normal(size=(generated, dim)) @ mixing, 0.0)
    real = np.maximum(random.normal(size=(reference, dim)) @ mixing + 0.2, 0.0)
    return fake, real, 2.0 * random.normal(size=(generated, 7))


def random_tensor(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Returns a random weight tensor for Inception, scaled to preserve the activations' size."""
    random = np.random.default_rng([WEIGHTS_SEED, zlib.crc32(name.encode())])
    if name.endswith(("bn.weight", "running_var")):
        return random.uniform(0.7, 1.3, shape).astype(np.float32)
    if name.endswith(("bias", "running_mean")):
        return random.normal(0.0, 0.1, shape).astype(np.float32)
    fan_in = int(np.prod(shape[1:]))
    return (random.normal(size=shape) * (2.0 / fan_in) ** 0.5).astype(np.float32)


def images() -> np.ndarray:
    """Returns two uint8 colour images `[2, 32, 32, 3]`."""
    return np.random.default_rng(3).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)


def run(*arguments: object) -> None:
    """Runs a command of this file in the peer's interpreter."""
    subprocess.run([PYTHON, __file__, *map(str, arguments)], check=True)


class _Stub(types.ModuleType):
    """A module in which every name exists."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        return sys.modules.get(f"{self.__name__}.{name}", object)


def _torch_fidelity() -> types.ModuleType:
    import torch  # noqa: F401

    try:
        import torchvision  # noqa: F401
    except ImportError:
        parts = ("", ".datasets", ".transforms", ".transforms.functional", ".models")
        sys.modules |= {f"torchvision{part}": _Stub(f"torchvision{part}") for part in parts}
    import torch_fidelity

    return torch_fidelity


def _metrics(path: pathlib.Path) -> None:
    _torch_fidelity()
    import torch
    from torch_fidelity import metric_fid, metric_isc, metric_kid, metric_prc

    golden = {}
    for name in SIZES:
        fake, real, logits = map(torch.from_numpy, features(name))
        statistics = [metric_fid.fid_features_to_statistics(each) for each in (fake, real)]
        values = metric_fid.fid_statistics_to_metric(*statistics, False)
        size = min(len(fake), len(real), 100)
        values |= metric_kid.kid_features_to_metric(
            fake, real, kid_subsets=13, kid_subset_size=size, verbose=False
        )
        values |= metric_isc.isc_features_to_metric(logits)
        values |= metric_prc.prc_features_to_metric(fake, real, verbose=False)
        golden[name] = values
    path.write_text(json.dumps(golden, indent=2) + "\n")


def _inception(path: pathlib.Path, weights: str | None = None) -> None:
    """Writes the outputs of the peer's network with our random weights, and optionally these."""
    _torch_fidelity()
    import torch
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
    from torch_fidelity.interpolate_compat_tensorflow import (
        interpolate_bilinear_2d_like_tensorflow1x,
    )

    FeatureExtractorInceptionV3.load_state_dict = lambda self, state: None
    empty = path.with_suffix(".empty")
    torch.save({}, empty)
    names = ["2048", "logits_unbiased", "logits"]
    network = FeatureExtractorInceptionV3("peer", names, feature_extractor_weights_path=str(empty))
    empty.unlink()
    state = network.state_dict()
    random = {
        name: torch.from_numpy(random_tensor(name, tuple(value.shape)))
        for name, value in state.items()
        if not name.endswith("num_batches_tracked")
    }
    torch.nn.Module.load_state_dict(network, state | random)
    if weights is not None:
        old = weights.endswith(".old")
        torch.save(network.state_dict(), weights, _use_new_zipfile_serialization=not old)
    batch = torch.from_numpy(images().transpose(0, 3, 1, 2))
    outputs = dict(zip(names, (each.numpy() for each in network(batch)), strict=True))
    resized = interpolate_bilinear_2d_like_tensorflow1x(
        batch.float(), size=(299, 299), align_corners=False
    )
    pixels = resized.numpy().transpose(0, 2, 3, 1)
    if weights is None:  # A golden file contains a part of each array.
        outputs = {name: values[:, ::16] for name, values in outputs.items()}
        pixels = pixels[:, ::23, ::23]
    np.savez_compressed(path, pixels=pixels, **{f"out_{k}": v for k, v in outputs.items()})


def _tiny(folder: pathlib.Path) -> None:
    """Writes one small state dict in both formats of PyTorch."""
    import torch

    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    state = model.state_dict()
    state["0.weight"] = torch.arange(6.0).reshape(3, 2).T  # Not contiguous.
    torch.save(state, folder / "tiny_zip.pth")
    torch.save(state, folder / "tiny_stream.pth", _use_new_zipfile_serialization=False)


if __name__ == "__main__":
    command, out, *rest = sys.argv[1:]
    {"metrics": _metrics, "inception": _inception, "tiny": _tiny}[command](pathlib.Path(out), *rest)
