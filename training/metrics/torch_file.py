"""A reader of PyTorch state dicts that does not need PyTorch and does not run code in pickles.

It reads both formats of PyTorch: the zip archive (since 1.6) and the older stream of pickles. The
unpickler accepts ordered dicts and the call that rebuilds a tensor, and refuses any other name.
"""

import collections
import dataclasses
import io
import pathlib
import pickle
import struct
import zipfile
from typing import Any, BinaryIO

import numpy as np

from zoo.errors import UserError

_MAGIC = 0x1950A86A20F9469CFC6C
_DTYPES = {
    "DoubleStorage": np.dtype("<f8"),
    "FloatStorage": np.dtype("<f4"),
    "HalfStorage": np.dtype("<f2"),
    "LongStorage": np.dtype("<i8"),
    "IntStorage": np.dtype("<i4"),
}


@dataclasses.dataclass
class _Storage:
    """A tensor's memory: declared in the pickle, filled from the file afterwards."""

    dtype: np.dtype
    key: str
    size: int
    values: np.ndarray | None = None


@dataclasses.dataclass(frozen=True)
class _Tensor:
    """A view of a storage."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def array(self) -> np.ndarray:
        values = self.storage.values
        assert values is not None
        last = self.offset + sum((n - 1) * s for n, s in zip(self.shape, self.strides, strict=True))
        if min((self.offset, *self.shape, *self.strides)) < 0 or last >= max(len(values), 1):
            raise ValueError("a tensor exceeds its storage")
        steps = [stride * values.itemsize for stride in self.strides]
        view = np.lib.stride_tricks.as_strided(values[self.offset :], self.shape, steps)
        return view.copy()


class _Unpickler(pickle.Unpickler):
    """An unpickler for dicts of tensors only."""

    def __init__(self, file: BinaryIO):
        super().__init__(file, encoding="utf-8")
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, strides, *rest: _Tensor(
                storage, offset, tuple(shape), tuple(strides)
            )
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        raise ValueError(f"it uses {module}.{name}, which no state dict needs")

    def persistent_load(self, reference: Any) -> _Storage:
        kind, dtype, key, _, size, *_ = reference
        if kind != "storage" or not isinstance(dtype, np.dtype):
            raise ValueError(f"it refers to a {kind!r} instead of a tensor's storage")
        return self.storages.setdefault(str(key), _Storage(dtype, str(key), int(size)))


def read_state_dict(path: pathlib.Path) -> dict[str, np.ndarray]:
    """Reads a state dict.

    Args:
        path: a `.pth` or `.pt` file written by `torch.save(model.state_dict(), path)`.

    Returns:
        Arrays by name.

    Raises:
        UserError: if the file is damaged, or does not contain tensors.
    """
    try:
        if zipfile.is_zipfile(path):
            found = _read_zip(path)
        else:
            with path.open("rb") as file:
                found = _read_stream(file)
        if not isinstance(found, dict):
            raise ValueError(f"it contains a {type(found).__name__} instead of a dict")
        return {
            str(name): value.array() for name, value in found.items() if isinstance(value, _Tensor)
        }
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror or error}.") from None
    except Exception as error:  # Damaged pickles and archives raise many types.
        raise UserError(f"{path} is not a PyTorch state dict: {error}.") from None


def _read_zip(path: pathlib.Path) -> Any:
    with zipfile.ZipFile(path) as archive:
        (pickled,) = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        root = pickled.removesuffix("data.pkl")
        unpickler = _Unpickler(io.BytesIO(archive.read(pickled)))
        found = unpickler.load()
        for storage in unpickler.storages.values():
            content = archive.read(f"{root}data/{storage.key}")
            storage.values = np.frombuffer(content, storage.dtype)
    return found


def _read_stream(file: BinaryIO) -> Any:
    header = [_Unpickler(file).load() for _ in range(3)]
    if header[0] != _MAGIC:
        raise ValueError("its first bytes are wrong")
    unpickler = _Unpickler(file)
    found = unpickler.load()
    for key in _Unpickler(file).load():
        storage = unpickler.storages[str(key)]
        (size,) = struct.unpack("<q", file.read(8))
        content = file.read(size * storage.dtype.itemsize)
        storage.values = np.frombuffer(content, storage.dtype, count=size)
    return found
