import json

import numpy as np
import pytest

from training.data.label_maps import LabelMap, make_label_map
from zoo.errors import UserError

LABELS = np.arange(300) % 10


def make(count, seed=0, labels=LABELS, data="toy", num_classes=10):
    return make_label_map(labels, data=data, num_classes=num_classes, count=count, seed=seed)


def test_balanced_and_sorted():
    labels = np.random.default_rng(0).integers(0, 10, 2_000)
    chosen = make(500, labels=labels)
    assert np.bincount(labels[chosen.indices]).tolist() == [50] * 10
    assert chosen.indices.dtype == np.int64 and np.all(np.diff(chosen.indices) > 0)
    assert chosen.count == 500


def test_never_changes():
    chosen = make(20)
    assert chosen.indices.tolist() == [
        40,
        57,
        73,
        92,
        134,
        141,
        151,
        157,
        164,
        166,
        173,
        182,
        186,
        199,
        228,
        230,
        245,
        269,
        295,
        298,
    ]
    assert chosen.digest == "2656eba777b041b4a97be69292a78c52d802eb26b2be3e6043dba144a5b04966"


def test_depends_on_data_and_seed_and_grows():
    rows = set(make(50).indices)
    assert rows != set(make(50, seed=1).indices)
    assert rows != set(make(50, data="other").indices)
    assert rows < set(make(100).indices)


def test_all_and_none():
    assert make(None).indices.tolist() == list(range(300)) and make(None).count == 300
    assert make(0).count == 0
    assert make(0, labels=None, num_classes=0).indices.shape == (0,)


def test_json():
    chosen = make(20, seed=3)
    again = LabelMap.from_json(chosen.to_json())
    assert again.digest == chosen.digest and np.array_equal(again.indices, chosen.indices)
    assert (again.data, again.count, again.seed) == ("toy", 20, 3)
    assert again.indices.dtype == np.int64


@pytest.mark.parametrize("field", ["data", "count", "seed", "indices"])
def test_json_that_was_changed(field):
    fields = json.loads(make(20).to_json())
    fields[field] = {"data": "b", "count": 30, "seed": 9, "indices": list(range(20))}[field]
    with pytest.raises(UserError, match="digest"):
        LabelMap.from_json(json.dumps(fields))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"indices": [1], "other": 2}'])
def test_json_of_something_else(text):
    with pytest.raises(UserError, match="not the JSON text"):
        LabelMap.from_json(text)


def test_errors():
    with pytest.raises(UserError, match="has 300 training images; got 310"):
        make(310)
    with pytest.raises(UserError, match="got -10"):
        make(-10)
    with pytest.raises(UserError, match="Nearest: 20 or 30"):
        make(25)
    with pytest.raises(UserError, match="Nearest: 10[.]"):
        make(5)
    with pytest.raises(UserError, match="class 3 has only 2"):
        make(40, labels=np.delete(LABELS, np.flatnonzero(LABELS == 3)[2:]))
    for count in (10, None):
        with pytest.raises(UserError, match="no labels"):
            make(count, labels=None)
