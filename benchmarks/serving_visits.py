"""The requests that the playground sends, as visits: what one user of the page asks for."""

import base64
import io
import json
import random
import re
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPException
from typing import Any, NamedTuple

from PIL import Image

CLASSIFIER, GENERATOR = "digits", "digits_generator"
CLASSES, SIZE, LATENTS = 10, 8, 64
PAGE = "page and its files"
DESCRIPTIONS = "models, versions, signatures"
_USES = 3
_MODULE = re.compile(rb'from "\./(\w+\.js)"')


class Call(NamedTuple):
    """A call of the page.

    Attributes:
        name: name of the row in the table of results.
        model: name of the model.
        verb: `"predict"` or `"classify"`.
        body: the request.
        check: returns whether the rows of an answer are right.
    """

    name: str
    model: str
    verb: str
    body: dict[str, Any]
    check: Callable[[list], bool]


class Answer(NamedTuple):
    """The answer to a request.

    Attributes:
        name: name of the row in the table of results.
        seconds: time from the request to the whole answer.
        error: what was wrong; empty if nothing was.
    """

    name: str
    seconds: float
    error: str = ""


def calls(numbers: random.Random) -> list[Call]:
    """Returns one call per control: of the generator's controls, then of the classifier's."""
    first, label = numbers.randrange(1 << 31), numbers.randrange(CLASSES)
    seeds = [{"seed": first + i, "label": label} for i in range(16)]
    truncated = [{**row, "truncation": 0.7} for row in seeds]
    path = [
        {"seed": first, "end_seed": first + 1, "fraction": i / 8, "label": label} for i in range(9)
    ]
    moved = [
        {"latent": [numbers.gauss(0, 1) for _ in range(LATENTS)], "label": label}
        for _ in range(LATENTS)
    ]
    pixels = numbers.randbytes(SIZE * SIZE)
    image = [[[pixels[SIZE * y + x]] for x in range(SIZE)] for y in range(SIZE)]
    file = {"b64": base64.b64encode(_png(pixels)).decode()}

    def generator(name: str, signature: str, rows: list, check: Callable[[list], bool]) -> Call:
        body = {"signature_name": signature, "instances": rows}
        return Call(f"generator, {name} images", GENERATOR, "predict", body, check)

    def classifier(signature: str, row: dict, check: Callable[[list], bool]) -> Call:
        body = {"signature_name": signature, "instances": [row]}
        return Call(f"classifier, {signature}", CLASSIFIER, "predict", body, check)

    names = {"signature_name": "classify", "examples": [{"image": file}]}
    return [
        generator("generate_png, 16", "generate_png", seeds, _are_png(16)),
        generator("generate_truncated, 16", "generate_truncated", truncated, _are_images(16)),
        generator("interpolate, 9", "interpolate", path, _are_images(9)),
        generator("serving_default, 64", "serving_default", moved, _are_images(LATENTS)),
        generator("serving_default, 1", "serving_default", moved[:1], _are_images(1)),
        Call("classifier, classify", CLASSIFIER, "classify", names, lambda r: len(r[0]) == CLASSES),
        classifier("serving_default", {"images": image}, _is_distribution),
        classifier("image_bytes", {"image_bytes": file}, _is_distribution),
        classifier("score", {"images": image}, lambda rows: len(rows[0]["losses"]) == CLASSES),
    ]


def visit(connection: HTTPConnection, numbers: random.Random) -> Iterator[Answer]:
    """Sends the requests of one visit: opens the page, then uses each control some times."""
    yield from _open_page(connection)
    versions: dict[str, int] = {}
    for model in (CLASSIFIER, GENERATOR):
        answer, document = ask_json(connection, DESCRIPTIONS, "GET", f"/v1/models/{model}")
        yield answer
        states = document.get("model_version_status", [])
        loaded = [int(one["version"]) for one in states if one["state"] == "AVAILABLE"]
        if not loaded:
            yield Answer(DESCRIPTIONS, 0.0, answer.error or f"{model} has no loaded version")
            return
        versions[model] = max(loaded)
        path = f"/v1/models/{model}/versions/{versions[model]}/metadata"
        yield ask_json(connection, DESCRIPTIONS, "GET", path)[0]
    for call in [call for _ in range(_USES) for call in calls(numbers)]:
        path = f"/v1/models/{call.model}/versions/{versions[call.model]}:{call.verb}"
        answer, document = ask_json(connection, call.name, "POST", path, call.body)
        rows = document.get("results" if call.verb == "classify" else "predictions", [])
        if not answer.error and not (rows and call.check(rows)):
            answer = answer._replace(error=f"wrong answer: {str(document)[:100]}")
        yield answer


def _open_page(connection: HTTPConnection) -> Iterator[Answer]:
    """Asks for the page and all files that it loads."""
    wanted, seen = ["", "style.css", "main.js"], {""}
    while wanted:
        name = wanted.pop()
        answer, content = ask(connection, PAGE, "GET", f"/playground/{name}")
        yield answer
        wanted += {found.decode() for found in _MODULE.findall(content)} - seen
        seen |= {name, *wanted}
    yield ask_json(connection, DESCRIPTIONS, "GET", "/playground/models.json")[0]
    path = f"/playground/classes.json?model={GENERATOR}"
    yield ask_json(connection, DESCRIPTIONS, "GET", path)[0]


def ask_json(
    connection: HTTPConnection, name: str, method: str, path: str, body: object = None
) -> tuple[Answer, dict[str, Any]]:
    """Sends a request; returns its answer, and the document ({} after an error)."""
    answer, content = ask(connection, name, method, path, body)
    if answer.error:
        return answer, {}
    try:
        return answer, json.loads(content)
    except ValueError:
        return answer._replace(error=f"no JSON: {content[:100]!r}"), {}


def ask(
    connection: HTTPConnection, name: str, method: str, path: str, body: object = None
) -> tuple[Answer, bytes]:
    """Sends a request; returns its answer and the content."""
    content, error = b"", ""
    data = None if body is None else json.dumps(body).encode()
    start = time.perf_counter()
    try:
        connection.request(method, path, data)
        with connection.getresponse() as response:
            content = response.read()
        if response.status != 200:
            error = f"{response.status} {path}: {content[:200].decode(errors='replace')}"
    except (OSError, HTTPException) as failure:
        error = f"{path}: {type(failure).__name__}: {failure}"
        connection.close()
    return Answer(name, time.perf_counter() - start, error), content


def _png(pixels: bytes) -> bytes:
    content = io.BytesIO()
    Image.frombytes("L", (SIZE, SIZE), pixels).save(content, format="png")
    return content.getvalue()


def _are_png(count: int) -> Callable[[list], bool]:
    def check(rows: list) -> bool:
        files = [base64.b64decode(row["b64"]) for row in rows]
        return len(files) == count and all(file.startswith(b"\x89PNG") for file in files)

    return check


def _are_images(count: int) -> Callable[[list], bool]:
    return lambda rows: len(rows) == count and all(len(row) == len(row[0]) == SIZE for row in rows)


def _is_distribution(rows: list) -> bool:
    probabilities = rows[0]["probabilities"]
    return len(probabilities) == CLASSES and abs(sum(probabilities) - 1.0) < 1e-3
