import hashlib

import numpy as np
import pytest

from training.data.splitting import hash_order, hold_out
from zoo.errors import UserError


def test_hash_order_is_the_order_of_the_digests():
    keys = [str(number) for number in range(50)]
    expected = sorted(range(50), key=lambda i: hashlib.sha256(keys[i].encode()).hexdigest())
    assert hash_order(keys).tolist() == expected


def test_bytes_that_are_not_utf8_are_hashed_as_they_are():
    names = [b"caf\xe9.png", b"a.png", "é.png".encode(), b"\xff.png"]
    expected = sorted(range(4), key=lambda i: hashlib.sha256(names[i]).digest())
    keys = [name.decode("utf-8", "surrogateescape") for name in names]
    assert hash_order(keys).tolist() == expected


def test_unlabelled_rows_come_in_hash_order():
    test, validation, train = hold_out(205, None, parts=2)
    order = hash_order(map(str, range(205)))
    assert test.tolist() == sorted(order[:20])
    assert validation.tolist() == sorted(order[20:40])
    assert sorted([*test, *validation, *train]) == list(range(205))


def test_labelled_rows_are_balanced():
    labels = np.random.default_rng(0).integers(0, 7, 1_000)
    validation, train = hold_out(1_000, labels, parts=1)
    assert np.bincount(labels[validation]).tolist() == [100 // 7] * 7
    assert not set(validation) & set(train) and len(validation) + len(train) == 1_000


def test_at_most_five_thousand():
    validation, _ = hold_out(60_000, np.arange(60_000) % 10, parts=1)
    assert len(validation) == 5_000


def test_small_classes_keep_most_of_their_rows():
    labels = np.array([0] * 1_000 + [1] * 8)
    test, validation, train = hold_out(1_008, labels, parts=2)
    assert [np.sum(labels[rows] == 1) for rows in (test, validation, train)] == [2, 2, 4]


def test_more_classes_than_rows_to_take():
    validation, train = hold_out(40, np.arange(40), parts=1)
    assert len(validation) == 4 and len(train) == 36


def test_nothing_to_take():
    (train,) = hold_out(3, None, parts=0)
    assert train.tolist() == [0, 1, 2]
    with pytest.raises(UserError, match="only 9 training images"):
        hold_out(9, None, parts=1)
