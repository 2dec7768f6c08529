"""The playground in a real browser: every control, and pictures compared with the REST API."""

import asyncio
import io
import re
import shutil
import threading

import numpy as np
import pytest
from PIL import Image

from export import saved_model as saved_model_module
from export.server.http_server import HttpServer
from export.server.playground import Playground
from export.server.proxy import Proxy
from tests.serving.conftest import SHAPE
from tests.support.browser import Watched, chromium
from tests.support.random_weights import randomize
from tests.support.server_process import free_port, serving
from zoo.latents import latents_from_seeds
from zoo.networks import CLSGANFeatures, DCGANGenerator
from zoo.tasks import ImageClassifier, ImageGenerator

HOSTILE = "<img src=x onerror=alert(1)>"
CLASSES = ("ant", HOSTILE, "cat")


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def server(browser, tmp_path_factory, saved_model):
    """A server of a classifier, two versions of its generator, and models that do not fit."""
    folder = tmp_path_factory.mktemp("played")
    features = CLSGANFeatures(SHAPE, filters=2)
    network = DCGANGenerator(SHAPE, latent_dim=4, base_filters=4, num_classes=3)
    generator = randomize(ImageGenerator(network))
    classifier = randomize(ImageClassifier(features, 3, class_names=CLASSES))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(saved_model_module, "verify", lambda folder, task: None)
        saved_model_module.save_all({"toy": classifier, "toy_generator": generator}, folder)
    shutil.copytree(folder / "toy_generator" / "1", folder / "toy_generator" / "2")
    shutil.copytree(saved_model, folder / "other" / "1")
    (folder / "broken" / "1").mkdir(parents=True)
    (folder / "broken" / "1" / "saved_model.pb").write_bytes(b"damaged")
    text = "model_config_list {"
    for name, base in (
        ("toy", "toy"), ("toy_generator", "toy_generator"), (HOSTILE, "other"),
        ("broken", "broken"),
    ):  # fmt: skip
        policy = "model_version_policy { all {} }"
        text += f' config {{ name: "{name}" base_path: "{folder / base}" {policy} }}'
    (folder / "models.config").write_text(text + "}")
    arguments = ("--playground", "--model-config-file", folder / "models.config")
    with serving(*arguments, model="toy", grpc=False) as running:
        running.wait_for(2, model="toy_generator")
        yield running


@pytest.fixture(scope="module")
def opened(browser, server):
    """The page of the server, which loads without an error."""
    watched = Watched(browser, viewport={"width": 1180, "height": 900}, accept_downloads=True)
    watched.page.goto(address(server))
    watched.page.wait_for_selector("#bars:not([hidden])")
    assert not watched.errors
    yield watched
    watched.context.close()


@pytest.fixture
def page(opened):
    """The page; the test must leave no error on the console, and no request to other hosts."""
    opened.errors.clear()
    yield opened.page
    assert not opened.errors
    base = opened.page.url.removesuffix("playground/")
    assert all(url.startswith(base) for url in opened.requests)


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


def test_the_grid_shows_the_images_of_the_rest_api(opened, page, server):
    choose(opened, "toy_generator", "1")
    assert page.locator("#label option").all_inner_texts() == list(CLASSES)
    page.fill("#seed", "3")
    page.fill("#count", "4")
    page.select_option("#label", "2")
    page.click("text=Generate")
    opened.idle()
    rows = [{"seed": 3 + i, "label": 2} for i in range(4)]
    before = grid(opened)
    np.testing.assert_array_equal(before, np.squeeze(answer(server, "generate", rows), -1))
    picture = np.array(download(page, "#grid-png"))
    factor = picture.shape[1] // (8 * 9 - 1)
    np.testing.assert_array_equal(picture[:, :, 0][::factor, ::factor][:8, 9:17], before[1])
    page.locator("#truncation").fill("0.5")
    page.wait_for_timeout(200)
    opened.idle()
    truncated = answer(server, "generate_truncated", [{**row, "truncation": 0.5} for row in rows])
    np.testing.assert_array_equal(grid(opened), np.squeeze(truncated, -1))
    page.locator("#truncation").fill("1")
    page.click("#next")
    page.wait_for_timeout(200)
    opened.idle()
    assert page.locator("#seed").input_value() == "7"
    rows = [{"seed": 7 + i, "label": 2} for i in range(4)]
    np.testing.assert_array_equal(grid(opened), np.squeeze(answer(server, "generate", rows), -1))
    assert re.fullmatch(r"p50 \d+ ms, \d+ answers", page.inner_text("#latency"))


def test_two_clicked_images_are_joined_by_a_path(opened, page, server):
    choose(opened, "toy_generator", "2")
    buttons = page.locator("#grid button")
    buttons.nth(1).click()
    buttons.nth(3).focus()
    page.keyboard.press("Enter")
    opened.idle()
    start, end = (int(buttons.nth(i).get_attribute("data-seed")) for i in (1, 3))
    assert buttons.nth(3).get_attribute("aria-label") == f"Image of seed {end}, chosen as B"
    page.fill("#path-count", "5")
    page.keyboard.press("Tab")
    opened.until("document.querySelector('#strip').width === 5 * 9 - 1")
    label = int(page.locator("#label").input_value())
    rows = [{"seed": start, "end_seed": end, "fraction": i / 4, "label": label} for i in range(5)]
    images = np.squeeze(answer(server, "interpolate", rows), -1)
    strip = opened.pixels("#strip")
    for i, image in enumerate(images):
        np.testing.assert_array_equal(strip[:, 9 * i : 9 * i + 8], image)
    frames = {opened.pixels("#loop").tobytes() for _ in range(20)}
    assert len(frames) > 1
    page.click("#play")
    frames = {opened.pixels("#loop").tobytes() for _ in range(5)}
    assert len(frames) == 1 and page.inner_text("#play") == "Play"
    film = download(page, "#path-gif")
    assert film.n_frames == 8 and film.info["duration"] == 80 and film.info["loop"] == 0
    for i, image in zip([0, 1, 2, 3, 4, 3, 2, 1], range(8), strict=True):
        film.seek(image)
        shown = np.array(film.convert("L"))[:: film.height // 8, :: film.width // 8]
        np.testing.assert_array_equal(shown, images[i])
    assert download(page, "#path-png").height % 8 == 0


def test_sliders_move_the_image_along_its_principal_directions(opened, page, server):
    choose(opened, "toy_generator", "1")
    page.locator("#grid button").nth(0).click()
    opened.idle()
    page.click("#find")
    page.wait_for_selector("#changed:not([hidden])")
    opened.idle()
    seed, label = (int(page.locator(name).input_value()) for name in ("#seed", "#label"))
    (image,) = answer(server, "generate", [{"seed": seed, "label": label}])
    start = opened.pixels("#slid")
    np.testing.assert_allclose(start, np.squeeze(image, -1), atol=1)
    page.locator("#sliders input").nth(0).fill("3")
    opened.idle()
    assert not np.array_equal(opened.pixels("#slid"), start)
    assert page.locator("#sliders output").nth(0).inner_text() == "3.0"
    page.click("#reset")
    opened.idle()
    np.testing.assert_array_equal(opened.pixels("#slid"), start)
    assert download(page, "#slid-png").width % 8 == 0


def test_the_mathematics_of_the_page(opened, page):
    script = """async ({seed, matrix}) => {
      const {latentOf} = await import('/playground/latents.js');
      const {leading} = await import('/playground/directions.js');
      const kinds = ['normal', 'uniform'];
      return {latents: kinds.map(k => latentOf(seed, 7, k)), found: leading(matrix.flat(), 5, 2)};
    }"""
    random = np.random.default_rng(0)
    factor = random.normal(size=(5, 5)) * [3.0, 2.0, 1.0, 0.5, 0.1]
    matrix = factor.T @ factor
    seed = 2**40 + 12345
    got = page.evaluate(script, {"seed": seed, "matrix": matrix.tolist()})
    for kind, latent in zip(("normal", "uniform"), got["latents"], strict=True):
        expected = latents_from_seeds(np.array([seed]), 7, kind)[0]
        np.testing.assert_allclose(latent, expected, atol=1e-5)
    values, vectors = np.linalg.eigh(matrix)
    np.testing.assert_allclose(got["found"]["shares"], values[:-3:-1] / values.sum(), rtol=1e-6)
    for found, expected in zip(got["found"]["directions"], vectors.T[:-3:-1], strict=True):
        assert abs(np.dot(found, expected)) == pytest.approx(1.0, abs=1e-6)


def shown_probabilities(page):
    return [float(text.split()[0]) for text in page.locator("#bars td b").all_inner_texts()]


def test_a_drawing_is_classified_as_by_the_rest_api(opened, page, server):
    choose(opened, "toy")
    box = page.locator("#pad").bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 220, steps=4)
    page.mouse.up()
    opened.idle()
    seen = opened.pixels("#seen")
    assert seen.shape == (8, 8) and 0 < seen.mean() < 255
    rows = [{"images": seen[..., np.newaxis].tolist()}]
    (expected,) = answer(server, "serving_default", rows, model="toy")
    np.testing.assert_allclose(
        shown_probabilities(page), 100 * np.array(expected["probabilities"]), atol=0.051
    )
    assert expected["class_name"] in page.inner_text("#verdict")
    (scores,) = answer(server, "score", rows, model="toy")
    losses = page.locator("#bars td:not(.bar)").all_inner_texts()
    np.testing.assert_allclose([float(loss) for loss in losses], scores["losses"], atol=6e-4)
    assert f"{scores['real_score']:.3f}" in page.inner_text("#real-score")

    page.click("#find-nearest")
    page.wait_for_selector("#nearest figure:not([hidden])")
    best = int(np.argmax(expected["probabilities"]))
    rows = [{"seed": seed, "label": best} for seed in range(64)]
    images = np.squeeze(answer(server, "generate", rows), -1).astype("float64")
    nearest = int(((images - seen) ** 2).sum(axis=(1, 2)).argmin())
    assert f"Seed {nearest}," in page.inner_text("#nearest figcaption")
    np.testing.assert_array_equal(opened.pixels("#near"), images[nearest])


def test_drawing_by_keyboard_frames_and_buttons(opened, page):
    choose(opened, "toy")
    page.click("#clear")
    opened.idle()
    assert opened.pixels("#seen").max() == 0
    page.locator("#pen").fill("40")
    page.focus("#pad")
    page.keyboard.press("Space")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    opened.idle()
    drawn = opened.pixels("#seen")
    assert drawn.max() > 0 and "pen up at 170, 140" in page.get_attribute("#pad", "aria-label")
    page.select_option("#frame", "1")
    opened.idle()
    assert opened.pixels("#seen").mean() > drawn.mean()
    page.select_option("#frame", "none")
    page.click("#invert")
    opened.idle()
    np.testing.assert_allclose(opened.pixels("#seen"), 255 - drawn.astype(int), atol=3)


def png(levels):
    content = io.BytesIO()
    Image.fromarray(levels).save(content, format="png")
    return content.getvalue()


def test_a_chosen_file_is_sent_as_it_is(opened, page, server):
    choose(opened, "toy")
    content = png(np.random.default_rng(1).integers(0, 256, (21, 30), dtype="uint8"))
    file = {"name": "a.png", "mimeType": "image/png", "buffer": content}
    with page.expect_request(lambda request: "image_bytes" in (request.post_data or "")):
        page.set_input_files("#file", file)
    opened.idle()
    script = "b => btoa(String.fromCharCode(...b))"
    sent = page.evaluate(script, list(content))
    rows = [{"image_bytes": {"b64": sent}}]
    (expected,) = answer(server, "image_bytes", rows, model="toy")
    np.testing.assert_allclose(
        shown_probabilities(page), 100 * np.array(expected["probabilities"]), atol=0.051
    )
    # The same file, dropped.
    page.click("#clear")
    drop = """(pad, bytes) => {
      const data = new DataTransfer();
      data.items.add(new File([Uint8Array.from(bytes)], 'b.png', {type: 'image/png'}));
      pad.dispatchEvent(new DragEvent('drop', {dataTransfer: data, cancelable: true}));
    }"""
    with page.expect_request(lambda request: "image_bytes" in (request.post_data or "")):
        page.locator("#pad").evaluate(drop, list(content))
    opened.idle()


def test_files_that_cannot_be_used_are_refused(opened, page):
    choose(opened, "toy")
    for name, buffer, message in (
        ("big.png", bytes((8 << 20) + 1), "at most 8388608 bytes"),
        ("notes.png", b"no image", "not an image"),
    ):
        page.set_input_files("#file", {"name": name, "mimeType": "image/png", "buffer": buffer})
        page.wait_for_selector(f"#error:has-text('{message}')")
        assert message in opened.errors.pop()


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
