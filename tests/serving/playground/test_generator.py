"""The generator's controls in a real browser: pictures compared with the REST API."""

import re

import numpy as np
import pytest
import tensorflow as tf

from tests.support.played import CLASSES, answer, choose, download, grid
from zoo.latents import interpolate_latents, latents_from_seeds


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


def test_the_path_and_the_sliders_are_truncated(opened, page, server):
    choose(opened, "toy_generator", "2")
    buttons = page.locator("#grid button")
    buttons.nth(0).click()
    buttons.nth(2).click()
    page.locator("#truncation").fill("0.5")
    page.wait_for_timeout(200)
    opened.idle()
    seeds = [int(buttons.nth(i).get_attribute("data-seed")) for i in (0, 2)]
    label = int(page.locator("#label").input_value())
    page.fill("#path-count", "5")
    page.keyboard.press("Tab")
    opened.until("document.querySelector('#strip').width === 5 * 9 - 1")
    opened.idle()
    a, b = tf.split(latents_from_seeds(tf.constant(seeds, tf.int64), 4), 2)
    fractions = tf.linspace(0.0, 1.0, 5)
    latents = 0.5 * interpolate_latents(tf.repeat(a, 5, 0), tf.repeat(b, 5, 0), fractions)
    expected = images_of(server, latents, label)
    strip = opened.pixels("#strip")
    for i, image in enumerate(expected):
        np.testing.assert_allclose(strip[:, 9 * i : 9 * i + 8], image, atol=1.01)
    assert page.locator("#path-state").is_hidden()
    page.click("#find")
    page.wait_for_selector("#changed:not([hidden])")
    opened.idle()
    np.testing.assert_allclose(opened.pixels("#slid"), expected[0], atol=1.01)
    page.locator("#truncation").fill("1")
    page.wait_for_timeout(200)
    opened.idle()
    (image,) = answer(server, "generate", [{"seed": seeds[0], "label": label}])
    np.testing.assert_allclose(opened.pixels("#slid"), np.squeeze(image, -1), atol=1)


def images_of(server, latents, label):
    """Returns the grey levels of latents, as floats `[n, 8, 8]`."""
    rows = [{"latent": latent.tolist(), "label": label} for latent in latents.numpy()]
    floats = np.squeeze(answer(server, "serving_default", rows), -1)
    return np.round((floats + 1.0) * 127.5)


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
