"""The page in a real browser: names, models that do not fit, failures, small screens."""

import asyncio
import re
import threading

import numpy as np
import pytest

from export.server.http_server import HttpServer
from export.server.playground import Playground
from export.server.proxy import Proxy
from tests.support.browser import Watched
from tests.support.played import CLASSES, HOSTILE, address, answer, choose, grid
from tests.support.server_process import free_port


def test_names_are_shown_as_text(opened, page):
    choose(opened, "toy")
    assert HOSTILE in page.locator("#model option").all_inner_texts()
    assert page.locator("#bars tbody th").all_inner_texts() == list(CLASSES)
    assert page.locator("img").count() == 0


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (HOSTILE, "does not know the signatures of <img src=x"),
        ("broken", 'its state is "END"'),
    ],
)
def test_models_that_the_page_cannot_use(opened, page, model, message):
    choose(opened, "toy")
    page.select_option("#model", model)
    opened.idle()
    assert message in page.inner_text("#error")
    assert page.locator("section:visible").count() == 0
    assert message in opened.errors.pop()
    choose(opened, "toy")
    assert page.locator("#error").is_hidden()


def test_every_control_has_a_name_and_can_be_focused(opened, page):
    script = """() => [...document.querySelectorAll('button, input, select, canvas[role]')]
      .filter(e => !(e.labels?.length || e.ariaLabel || e.textContent.trim()))
      .map(e => e.id || e.outerHTML)"""
    for model in ("toy", "toy_generator"):
        choose(opened, model)
        assert page.evaluate(script) == []
    page.focus("#model")
    reached = []
    for _ in range(9):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id"))
    assert {"version", "reload", "seed", "count", "label", "truncation"} <= set(reached)


def test_a_phone_in_the_dark(browser, server):
    watched = Watched(
        browser, viewport={"width": 360, "height": 740}, color_scheme="dark", has_touch=True
    )
    page = watched.page
    page.goto(address(server))
    page.wait_for_selector("#bars:not([hidden])")
    box = page.locator("#pad").bounding_box()
    page.touchscreen.tap(box["x"] + 100, box["y"] + 100)
    watched.until(
        "document.querySelector('#seen').getContext('2d').getImageData(0, 0, 8, 8).data"
        ".some((value, i) => i % 4 < 3 && value > 0)"
    )
    for model in ("toy", "toy_generator"):
        choose(watched, model)
        assert page.evaluate("document.scrollingElement.scrollWidth") <= 360
    back = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert sum(map(int, re.findall(r"\d+", back))) < 150
    assert not watched.errors
    watched.context.close()


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("HTMLCanvasElement.prototype.getContext = () => null", "cannot draw on a canvas"),
        (
            "const real = fetch; window.fetch = (url, ...rest) => url === 'models.json' "
            "? Promise.resolve(new Response('{\"models\": []}')) : real(url, ...rest)",
            "The server has no model",
        ),
        (
            "const real = fetch; window.fetch = (url, ...rest) => url === 'models.json' "
            '? Promise.resolve(new Response(\'{"models": ["gone"]}\')) : real(url, ...rest)',
            "Could not find any versions of model gone",
        ),
        ("window.fetch = () => Promise.reject(new Error('off'))", "does not answer (off)"),
        (
            "window.fetch = () => Promise.resolve(new Response('{\"p\": NaN}'))",
            "not valid JSON (HTTP 200)",
        ),
    ],
)
def test_a_browser_or_a_server_that_cannot_be_used(browser, server, script, message):
    watched = Watched(browser)
    watched.page.add_init_script(script)
    watched.page.goto(address(server))
    watched.page.wait_for_selector("#error:not([hidden])")
    assert message in watched.page.inner_text("#error")
    assert any(message in error for error in watched.errors)
    watched.context.close()


def test_the_page_waits_for_a_model_that_is_loading(browser, server):
    watched = Watched(browser)
    watched.page.add_init_script("""
      const real = fetch;
      let asked = 0;
      window.fetch = async (url, ...rest) => {
        const answer = await real(url, ...rest);
        if (url !== '/v1/models/toy' || asked++) return answer;
        return new Response((await answer.text()).replace('AVAILABLE', 'LOADING'));
      };
    """)
    watched.page.goto(address(server))
    watched.page.wait_for_selector("#status:has-text('The server is loading toy')")
    watched.page.wait_for_selector("#bars:not([hidden])")
    assert not watched.errors
    watched.context.close()


def test_the_page_works_in_front_of_another_server(browser, server):
    """TensorFlow Serving has no page, so another process serves it and passes requests on."""
    proxy = Proxy(f"http://127.0.0.1:{server.rest_port}", timeout=30.0, max_bytes=1 << 20)
    page_server = HttpServer(Playground(proxy, lambda: ["toy_generator"]), drain_seconds=1.0)
    port = free_port()

    async def serve():
        await page_server.start("127.0.0.1", port)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        watched = Watched(browser)
        watched.page.goto(f"http://127.0.0.1:{port}/")
        watched.page.wait_for_selector("#grid canvas")
        watched.idle()
        rows = [{"seed": i, "label": 0} for i in range(16)]
        expected = np.squeeze(answer(server, "generate", rows), -1)
        np.testing.assert_array_equal(grid(watched), expected)
        assert not watched.errors
        assert all(f":{port}/" in url for url in watched.requests)
        watched.context.close()
    finally:
        page_server.should_exit = True
        thread.join()


def test_only_the_files_of_the_page_are_served(server):
    status, headers, body = server.ask_raw("GET", "/playground/")
    assert status == 200 and b"<h1>Playground</h1>" in body
    policy = headers["content-security-policy"]
    assert "unsafe" not in policy and "default-src 'none'" in policy
    assert "access-control-allow-origin" not in headers
    assert server.ask_raw("GET", "/")[1]["location"] == "/playground/"
    for path in ("x.js", "../serve.py", "%2e%2e/serve.py", "..%2fserve.py", "nothing.html"):
        assert server.ask_raw("GET", f"/playground/{path}")[0] == 404
    assert server.ask_raw("POST", "/playground/", b"{}")[0] == 405
    assert server.ask_raw("GET", "/playground/", host="evil.example")[0] == 421
    assert server.ask_raw("GET", "/v1/models/toy", host="evil.example:80")[0] == 421
    assert server.ask_raw("GET", "/playground/", host="localhost:1")[0] == 200
