"""A headless Chromium for tests of pages, and what it reports."""

import contextlib
import shutil
import time

import numpy as np
import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_PIXELS = """canvas => {
  const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return [canvas.height, canvas.width, ...data];
}"""


@contextlib.contextmanager
def chromium():
    """Yields a browser, or skips the test if there is none."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="needs playwright: pip install playwright"
    )
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        pytest.skip(f"needs a browser on the PATH: {', '.join(_NAMES)}")
    with playwright.sync_playwright() as running:
        # Containers often lack the kernel's user namespaces, which Chromium's sandbox needs.
        browser = running.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


class Watched:
    """A page with a record of its console's errors and its requests.

    Attributes:
        errors: texts of errors on the console, and of exceptions.
        requests: addresses of all requests, except of `data:` and `blob:`.
    """

    def __init__(self, browser, **context):
        self.context = browser.new_context(**context)
        self.page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", self._on_message)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.context.on("request", self._on_request)

    def _on_message(self, message) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def _on_request(self, request) -> None:
        if not request.url.startswith(("data:", "blob:")):
            self.requests.append(request.url)

    def pixels(self, selector: str, number: int = 0) -> np.ndarray:
        """Returns the grey levels of a canvas, `[height, width]`."""
        height, width, *data = self.page.locator(selector).nth(number).evaluate(_PIXELS)
        levels = np.array(data, dtype="uint8").reshape(height, width, 4)
        assert (levels[..., 3] == 255).all()
        assert (levels[..., 0] == levels[..., 2]).all()
        return levels[..., 0]

    def until(self, script: str, seconds: float = 20.0) -> None:
        """Waits until an expression is true.

        Playwright's own `wait_for_function` evaluates a string in the page, which the page's
        content security policy forbids.
        """
        deadline = time.monotonic() + seconds
        while not self.page.evaluate(script):
            assert time.monotonic() < deadline, f"{script} did not become true"
            self.page.wait_for_timeout(20)

    def idle(self) -> None:
        """Waits until the page has no request that it waits for."""
        self.until("!document.body.hasAttribute('aria-busy')")
