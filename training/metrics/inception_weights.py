"""The weights of the FID Inception network, from a file that the user has downloaded."""

import hashlib
import os
import pathlib

import numpy as np

from training.metrics.inception import FEATURES, LOGITS, Inception
from training.metrics.torch_file import read_state_dict
from zoo.errors import UserError

FILE = "pt_inception-2015-12-05-6726825d.pth"
SHA256_PREFIX = "6726825d"
VARIABLE = "FID_INCEPTION_WEIGHTS"
HOW_TO_GET = (
    f"The file is {FILE} (SHA-256 {SHA256_PREFIX}..., 91 MB) in the GitHub releases of "
    "pytorch-fid (release fid_weights) and torch-fidelity (release v0.2.0, with the name "
    "weights-inception-2015-12-05-6726825d.pth). Download it and give its path with "
    f"--inception-weights or the environment variable {VARIABLE}. Or use a shipped feature "
    "network with --features, such as cifar10."
)


def find_weights(path: pathlib.Path | None) -> pathlib.Path:
    """Returns the given path of the weights, or the one in the environment variable.

    Raises:
        UserError: if there is no path or no file; the message explains the download.
    """
    named = os.environ.get(VARIABLE)
    path = path or (pathlib.Path(named) if named else None)
    if path is None:
        raise UserError(f"The Inception features need a file of weights. {HOW_TO_GET}")
    try:
        found = path.is_file()
    except (OSError, ValueError):  # A name that is too long, or that contains a null byte.
        found = False
    if not found:
        shown = str(path) if len(str(path)) <= 200 else f"{str(path)[:200]}..."
        raise UserError(f"There is no file {shown!r} with the Inception weights. {HOW_TO_GET}")
    return path


def load_inception(
    path: pathlib.Path | None, *, sha256_prefix: str = SHA256_PREFIX
) -> tuple[Inception, str]:
    """Builds the network and loads its weights from a file.

    Args:
        path: the state dict; None for the path in the environment variable.
        sha256_prefix: the expected start of the file's SHA-256.

    Returns:
        The network and the file's SHA-256.

    Raises:
        UserError: if there is no file, its checksum is wrong, or it is not a state dict of this
            network.
    """
    path = find_weights(path)
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror}.") from None
    if not digest.startswith(sha256_prefix):
        raise UserError(
            f"{path} has the SHA-256 {digest[:8]}..., expected {sha256_prefix}...: it is the wrong "
            f"file or damaged. {HOW_TO_GET}"
        )
    network = Inception()
    assign(network, read_state_dict(path), source=str(path))
    return network, digest


def assign(network: Inception, state: dict[str, np.ndarray], *, source: str) -> None:
    """Copies a state dict into the network.

    Raises:
        UserError: if a tensor is missing or has the wrong shape.
    """

    def take(name: str, shape: tuple[int, ...]) -> np.ndarray:
        if name not in state or state[name].shape != shape:
            given = f"{state[name].shape}" if name in state else "nothing"
            raise UserError(
                f"{source} is not the state dict of the FID Inception: {name} must have the shape "
                f"{shape}, found {given}. {HOW_TO_GET}"
            )
        return state[name]

    for key, convolution in network.convolutions.items():
        height, width, channels, filters = convolution.kernel.shape
        kernel = take(f"{key}.conv.weight", (filters, channels, height, width))
        convolution.kernel.assign(kernel.transpose(2, 3, 1, 0))
        norm = network.norms[key]
        pairs = (
            (norm.gamma, "weight"),
            (norm.beta, "bias"),
            (norm.moving_mean, "running_mean"),
            (norm.moving_variance, "running_var"),
        )
        for variable, name in pairs:
            variable.assign(take(f"{key}.bn.{name}", (filters,)))
    network.predictions.kernel.assign(take("fc.weight", (LOGITS, FEATURES)).T)
    network.predictions.bias.assign(take("fc.bias", (LOGITS,)))
