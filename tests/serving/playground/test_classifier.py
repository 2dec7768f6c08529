"""The classifier's controls in a real browser: answers compared with the REST API."""

import io

import numpy as np
from PIL import Image

from tests.support.played import answer, choose


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
