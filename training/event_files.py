"""Scalars of TensorBoard's event files, read without TensorFlow while a run writes them."""

import dataclasses
import math
import pathlib
import struct
from typing import Any

from tensorboard.compat.proto import event_pb2

_HEAD = struct.Struct("<QI")
_TAIL_BYTES = 4
_MOST_BYTES = 64 << 20


@dataclasses.dataclass(frozen=True)
class Report:
    """The scalars of one report.

    Attributes:
        seconds: the time of the report, in seconds since 1970.
        values: the finite scalars by name.
    """

    seconds: float
    values: dict[str, float]


class EventFolder:
    """Reads the event files of a folder; each call of `reports` reads what was added.

    Args:
        folder: the folder, which may not exist yet.
    """

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self._offsets: dict[pathlib.Path, int] = {}
        self._reports: dict[int, Report] = {}

    def reports(self) -> dict[int, Report]:
        """Returns the reports by step, the lowest step first.

        A run that was resumed can have several reports of one step. The newest one is used.
        """
        for path in sorted(self.folder.glob("events.out.tfevents.*")):
            self._read(path)
        return dict(sorted(self._reports.items()))

    def _read(self, path: pathlib.Path) -> None:
        offset = self._offsets.get(path, 0)
        with open(path, "rb") as file:
            file.seek(offset)
            content = file.read()
        place = 0
        while len(content) - place >= _HEAD.size:
            length, _ = _HEAD.unpack_from(content, place)
            end = place + _HEAD.size + length + _TAIL_BYTES
            if length > _MOST_BYTES or end > len(content):
                break  # The record is damaged, or not completely written yet.
            record = content[place + _HEAD.size : end - _TAIL_BYTES]
            self._add(event_pb2.Event.FromString(record))
            place = end
        self._offsets[path] = offset + place

    def _add(self, event: event_pb2.Event) -> None:
        values = {}
        for value in event.summary.value:
            if value.metadata.plugin_data.plugin_name == "scalars":
                number = _number(value.tensor)
                if math.isfinite(number):
                    values[value.tag] = number
        known = self._reports.get(event.step)
        if not values or (known and known.seconds > event.wall_time):
            return
        # The scalars of one report are separate events.
        joined = known.values if known and event.wall_time - known.seconds < 1.0 else {}
        self._reports[event.step] = Report(event.wall_time, joined | values)


def _number(tensor: Any) -> float:
    """Returns the float of a `TensorProto` without dimensions."""
    if len(tensor.tensor_content) == 4:
        return struct.unpack("<f", tensor.tensor_content)[0]
    return tensor.float_val[0] if tensor.float_val else math.nan
