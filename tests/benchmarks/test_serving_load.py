"""What the figures of the load on the playground are made of."""

import random

from benchmarks.serving_load import PARTS, Result, _rows
from benchmarks.serving_visits import CLASSES, LATENTS, SIZE, Answer, calls


def test_rows_count_errors_and_summarise_times():
    answers = [Answer("a", 0.001 * i) for i in range(1, 100)] + [Answer("b", 1.0, "503")]
    first, second, everything = _rows(answers)
    assert (first.name, first.requests, first.errors, round(first.p50)) == ("a", 99, 0, 50)
    assert (second.requests, second.errors, second.p99) == (1, 1, 1000.0)
    assert (everything.requests, everything.errors) == (100, 1)
    sizes = [1.0] * len(PARTS)
    result = Result("m", 64, 1.0, [first], 2, 1, sizes, [3] * len(PARTS), 0.5, ["bad"])
    assert "| a | 99 | 0 | 50 | 98 |" in result.table() and "FAULT: bad" in result.table()


def test_wrong_answers_are_recognised():
    right = {
        "generate_png": [{"b64": "iVBORw0KGgo="}] * 16,
        "classify": [[["0", 0.1]] * CLASSES],
        "score": [{"losses": [0.0] * CLASSES}],
    }
    image = [[[0]] * SIZE] * SIZE
    for call in calls(random.Random(0)):
        signature = call.body["signature_name"]
        if signature in ("serving_default", "image_bytes") and call.model == "digits":
            assert call.check([{"probabilities": [1.0] + [0.0] * (CLASSES - 1)}])
            assert not call.check([{"probabilities": [0.5] + [0.0] * (CLASSES - 1)}])
        elif signature in right:
            assert call.check(right[signature])
            if signature == "generate_png":
                assert not call.check([{"b64": "AAAA"}] * 16)
        else:
            count = {"generate_truncated": 16, "interpolate": 9}.get(signature)
            count = count or len(call.body["instances"])
            assert count in (1, 9, 16, LATENTS)
            assert call.check([image] * count) and not call.check([image] * (count + 1))
