"""Requests that the graph of an exported model refuses: HTTP 400 with the reason."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from export.client import Client


def encoded(kind):
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((9, 9, 3), "uint8")).save(buffer, kind)
    return {"b64": base64.b64encode(buffer.getvalue()).decode()}


@pytest.mark.parametrize(
    ("model", "signature", "instance", "reason"),
    [
        ("digits_generator", "generate", {"seed": -1, "label": 0}, "seed must be an integer"),
        ("digits_generator", "generate_png", {"seed": -1, "label": 0}, "seed must be an integer"),
        ("digits_generator", "generate", {"seed": 3.7, "label": 0}, "int64"),
        ("digits_generator", "generate", {"seed": 2**63, "label": 0}, ""),
        ("digits_generator", "generate", {"seed": 1, "label": 9}, "label must be in"),
        ("digits", "image_bytes", encoded("TIFF"), "Convert it to PNG"),
    ],
)
def test_the_reason_is_in_the_answer(exported, model, signature, instance, reason):
    body = {"signature_name": signature, "instances": [instance]}
    status, document = exported.predict(body, model=model)
    assert status == 400 and reason in document["error"], document


def test_the_client_does_not_round_seeds(exported):
    client = Client(f"http://127.0.0.1:{exported.rest_port}", "digits_generator")
    for seeds in ([3.7], [2**63]):
        with pytest.raises(ValueError, match="integers below"):
            client.generate(seeds, labels=[0])
