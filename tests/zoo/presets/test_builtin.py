"""Built-in presets: complete, small, described, and with unchanged outputs."""

import json
import pathlib
import subprocess
import sys

import pytest

import zoo
from training import ship
from training.card_header import card_header, with_header
from training.fit_options import read_command, read_recipe
from training.presets_page import presets_page
from training.recipe_file import differences
from zoo.presets import builtin, golden

NAMES = list(builtin.builtin_folders())
ROOT = pathlib.Path(__file__).parents[3]
CHECK = """
import json, numpy as np, zoo
from zoo.presets import builtin, golden
found = {}
for name, folder in builtin.builtin_folders().items():
    outputs = golden.golden_outputs(zoo.from_preset(name))
    expected = np.load(folder / "golden.npz")["outputs"]
    found[name] = float(np.abs(outputs - expected).max())
    assert outputs.shape == expected.shape and np.ptp(expected, axis=0).max() > 0.01
print("FOUND", json.dumps(found))
"""


def test_golden_outputs_in_a_new_process():
    run = subprocess.run(
        [sys.executable, "-c", CHECK], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr[-2000:]
    found = json.loads(run.stdout.split("FOUND", 1)[1])
    assert list(found) == NAMES
    assert {name: value for name, value in found.items() if value > golden.TOLERANCE} == {}


@pytest.mark.parametrize("name", NAMES)
def test_every_preset_is_small_and_described(name):
    folder = builtin.builtin_folders()[name]
    assert ship.weight_bytes(folder) <= ship.MAX_BYTES
    metadata = builtin.builtin_metadata()[name]
    card = (folder / "README.md").read_text()
    assert metadata["command"] in card and metadata["licence"] in card
    recipe = read_recipe(read_command(metadata["command"].split()[3:]))
    then = differences(recipe, metadata["recipe"])
    changed = [line for line in then if not line.startswith("--steps")]
    assert not changed, f"{name} can no longer be trained by its command"


@pytest.mark.parametrize("name", NAMES)
def test_nothing_in_a_preset_is_of_one_machine(name):
    for path in builtin.builtin_folders()[name].rglob("*.json"):
        text = path.read_text()
        assert str(pathlib.Path.home()) not in text and '"/' not in text, path


def test_all_presets_together_are_small():
    files = [path for folder in builtin.builtin_folders().values() for path in folder.rglob("*")]
    assert sum(path.stat().st_size for path in files) <= 25_000_000


def test_the_page_is_up_to_date():
    page = (ROOT / "docs" / "presets.md").read_text()
    assert page == presets_page(), "run python -m training.ship --page"


@pytest.mark.parametrize("name", NAMES)
def test_the_metadata_block_of_a_card_is_up_to_date(name):
    card = (builtin.builtin_folders()[name] / "README.md").read_text()
    metadata = builtin.builtin_metadata()[name]
    assert card == with_header(card, name, metadata), "run python -m training.ship --page"
    assert card.startswith(f"{card_header(name, metadata)}\n\n# {name}\n")


def test_they_are_listed():
    table = zoo.list_presets()
    assert list(table) == NAMES and str(table).count("\n") == max(len(NAMES) - 1, 0)
    both = {**zoo.list_presets("ImageGenerator"), **zoo.list_presets("ImageClassifier")}
    assert both == dict(table)
