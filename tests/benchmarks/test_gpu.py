"""The conductor of the measurements on a GPU, with stubs of its processes."""

import time

from benchmarks.gpu.conductor import first_answers
from benchmarks.gpu.determinism import OPERATIONS, _compared
from benchmarks.gpu.specs import WAVES, tiny


class Stub:
    """A process that answers after some polls, and counts those that run."""

    running, most = 0, 0

    def __init__(self, polls):
        self.polls = polls
        Stub.running += 1
        Stub.most = max(Stub.most, Stub.running)

    def poll(self):
        self.polls -= 1
        if self.polls > 0:
            return None
        Stub.running -= 1
        return {"digest": "equal"}

    def stop(self):
        self.polls = -1


def test_processes_start_in_order_and_a_few_at_a_time():
    polls = {"a": 1, "b": 2, "c": 1, "d": 10_000, "e": 10_000, "f": 1}
    starts = {name: lambda count=count: Stub(count) for name, count in polls.items()}
    found = first_answers(starts, at_once=2, until=time.monotonic() + 1.0)
    assert Stub.most == 2
    assert {name for name, said in found.items() if "digest" in said} == {"a", "b", "c"}
    assert found["d"] == found["e"] == {"failed": "not ready in time"}
    assert found["f"] == {"failed": "not started in time"}


def test_runs_are_equal_only_if_they_have_ended():
    said = {"digest": "x", "values": [1.0, 2.0]}
    late = {"failed": "not ready in time"}
    lines = _compared(
        {
            ("lsgan", "XLA", "first"): said,
            ("lsgan", "XLA", "second"): {"digest": "y", "values": [1.0, 2.5]},
            ("lsgan", "no XLA", "first"): late,
            ("lsgan", "no XLA", "second"): late,
            ("lsgan", "no XLA", "resumed"): late,
            ("lsgan", OPERATIONS, ""): said,
        }
    )
    assert [line.get("equal") for line in lines] == [False, False, None]
    assert [line.get("largest_difference") for line in lines] == [0.5, None, None]
    assert lines[1]["resumed_equal"] is False and len(lines[1]["failed"]) == 3
    assert lines[2] == {"model": "lsgan", "operations": "all deterministic"}


def test_the_wave_of_inputs_has_a_constant_batch_host_and_device():
    for spec in map(tiny, WAVES["input"]):
        assert spec.modes == ("loop:2", "loop_data:2", "loop_device:2") and spec.batch == 8
