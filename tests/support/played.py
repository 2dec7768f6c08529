"""What the tests of the playground do with its page."""

import io

import numpy as np
from PIL import Image

HOSTILE = "<img src=x onerror=alert(1)>"
CLASSES = ("ant", HOSTILE, "cat")


def address(server):
    return f"http://127.0.0.1:{server.rest_port}/playground/"


def choose(opened, model, version=None):
    if opened.page.locator("#model").input_value() != model:
        opened.page.select_option("#model", model)
        opened.idle()
    if version:
        opened.page.select_option("#version", version)
    opened.idle()


def answer(server, signature, instances, model="toy_generator"):
    status, document = server.predict(
        {"signature_name": signature, "instances": instances}, model=model
    )
    assert status == 200, document
    return document["predictions"]


def grid(opened):
    count = opened.page.locator("#grid canvas").count()
    return np.stack([opened.pixels("#grid canvas", i) for i in range(count)])


def download(page, selector):
    with page.expect_download() as waiting:
        page.click(selector)
    return Image.open(io.BytesIO(waiting.value.path().read_bytes()))
