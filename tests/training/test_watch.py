"""`training.watch`: the page of a run that trains in another process."""

import http.client
import json
import os
import pathlib
import subprocess
import sys
import threading
import time

import pytest

from tests.support.browser import Watched, chromium
from training import watch
from training.event_files import EventFolder
from training.healthy import bands
from training.watch_server import WatchServer
from zoo.errors import UserError

ROOT = pathlib.Path(__file__).parents[2]
STEPS = 60


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run in another process; it has begun, and ends within seconds."""
    folder = tmp_path_factory.mktemp("watched") / "<b>run"
    command = f"--model wgan_gp --steps {STEPS} --report-every 10 --batch-size 8 --latent-dim 4"
    small = "--generator-filters 4 --critic-filters 4 --critic-steps 1 --jit off"
    process = subprocess.Popen(
        [sys.executable, "-m", "training.fit", *command.split(), *small.split()]
        + ["--run-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "-1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    deadline = time.monotonic() + 120
    while not (folder / "recipe.json").exists():
        assert process.poll() is None and time.monotonic() < deadline, process.stdout.read()
        time.sleep(0.05)
    yield folder, process
    process.kill()
    process.communicate()


@pytest.fixture(scope="module")
def server(run):
    with WatchServer(run[0]) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


def ask(server, path, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=30)
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response.status, dict(response.getheaders()), content


def state_of(server):
    return json.loads(ask(server, "/state.json")[2])


def test_the_state_follows_the_training(run, server):
    seen = []
    deadline = time.monotonic() + 200
    while not seen or seen[-1]["phase"] != "finished":
        assert time.monotonic() < deadline, run[1].stdout.read()
        seen.append(state_of(server))
        time.sleep(0.1)
    phases = [state["phase"] for state in seen]
    assert set(phases) <= {"starting", "training", "finished"}
    steps = [state["step"] for state in seen]
    assert steps == sorted(steps) and steps[-1] == STEPS and seen[-1]["steps"] == STEPS
    during = [state for state in seen if state["seconds_left"] is not None]
    assert all(0 <= state["seconds_left"] < 200 for state in during)
    last = seen[-1]
    assert last["samples"] == [10, 20, 30, 40, 50, 60]
    curves = {curve["title"]: curve for curve in last["curves"]}
    band = curves["gradient_norm_interpolates"]["band"]
    assert (band["low"], band["high"]) == (0.9, 1.1) and curves["generator_loss"]["band"] is None
    points = curves["critic_loss"]["lines"][0]["points"]
    assert [step for step, _ in points] == last["samples"]
    assert last["images_per_second"] > 0 and last["seconds_per_step"] > 0


def test_the_page_shows_curves_and_a_film(run, server):
    run[1].wait()
    with chromium() as browser:
        watched = Watched(browser, viewport={"width": 360, "height": 740})
        page = watched.page
        page.goto(server.address)
        page.wait_for_selector("#curves:not([hidden])")
        assert page.inner_text("#phase") == "Finished" and page.inner_text("#name") == "<b>run"
        count = len(state_of(server)["curves"])
        assert page.locator("#panels svg polyline").count() == count
        assert page.locator("#panels svg rect.band").count() == 3
        shown = "document.querySelector('#frame').getAttribute('src')"
        assert page.evaluate(shown) == "samples/000060.png"
        watched.until("document.querySelector('#frame').naturalWidth > 0")
        page.focus("#place")
        page.keyboard.press("Home")
        assert page.evaluate(shown) == "samples/000010.png"
        assert page.inner_text("#step") == "step 10"
        page.click("#play")
        watched.until(f"{shown} !== 'samples/000010.png'")
        page.click("#play")
        assert page.get_attribute("#play", "aria-pressed") == "false"
        assert page.evaluate("document.scrollingElement.scrollWidth") <= 360
        assert not watched.errors
        assert all(url.startswith(server.address) for url in watched.requests)


def test_only_the_files_of_the_page_are_served(run, server):
    run[1].wait()
    status, headers, page = ask(server, "/")
    assert status == 200 and b"<progress" in page and "unsafe" not in str(headers)
    status, headers, report = ask(server, "/report.html")
    assert status == 200 and b"data:image/png" in report and b"<b>run" not in report
    for path in ("/../watch.py", "/%2e%2e/watch.py", "/samples/5.png", "/samples/..png", "/x.js"):
        assert ask(server, path)[0] == 404
    assert ask(server, "/state.json", Host="evil.example")[0] == 421
    damaged = run[0] / "recipe.json"
    text = damaged.read_text()
    damaged.write_text("{")
    status, _, content = ask(server, "/state.json")
    assert status == 500 and "damaged" in json.loads(content)["error"]
    damaged.write_text(text)


def test_mistakes(tmp_path, run, server, capsys):
    assert watch.main([str(tmp_path)]) == 2
    assert "is not the folder of a run" in capsys.readouterr().err
    assert watch.main([str(run[0]), "--port", str(server.server_port)]) == 2
    assert "Choose another --port" in capsys.readouterr().err
    assert watch.main([str(run[0]), "--port", "70000"]) == 2
    assert "0..65535" in capsys.readouterr().err
    (tmp_path / "seed-3").mkdir()
    (tmp_path / "seed-3" / "recipe.json").write_text("{}")
    with pytest.raises(UserError, match="seed-3"):
        WatchServer(tmp_path)


def test_event_files_are_read_while_they_grow(run, tmp_path):
    run[1].wait()
    (source,) = (run[0] / "logs" / "train").glob("events*")
    content = source.read_bytes()
    folder = EventFolder(tmp_path)
    assert folder.reports() == {}
    counts = []
    for end in (0, 20, len(content) // 2, len(content) - 1, len(content)):
        (tmp_path / source.name).write_bytes(content[:end])
        counts.append(len(folder.reports()))
    assert counts == sorted(counts) and counts[1] == 0 and counts[-1] == 6
    assert folder.reports() == EventFolder(source.parent).reports()
    (tmp_path / source.name).write_bytes(content + b"\xff" * 40)
    assert folder.reports() == EventFolder(source.parent).reports()


def test_bands_are_those_of_the_page_of_models():
    text = (ROOT / "docs" / "models.md").read_text()
    assert "`clipped_weights` stays under a tenth" in text
    assert "stays within a tenth of 1, and the largest norm within a" in text
    assert bands("wgan")["clipped_weights"].high == 0.1
    assert bands("lgan") == {"gap": bands("gan")["gap"]}
