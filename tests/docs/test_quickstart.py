"""The notebook of the documentation: its stored outputs, and a run of its cells."""

import pathlib
import re

import nbformat
import pytest

from tests.support.notebooks import ROOT, execute

PATH = ROOT / "docs" / "quickstart.ipynb"
# Calls of `fit` that the notebook does not contain.
MORE_CELLS = (
    """
from training import fit

fit.main(["--model", "lsgan", "--steps", "60", "--report-every", "20", "--run-dir", "runs/a"])
""",
    """
generator = zoo.networks.make_generator("mlp", image_shape=(8, 8, 1), latent_dim=8, filters=16)
critic = zoo.networks.make_critic("mlp", image_shape=(8, 8, 1), filters=16)
model = zoo.models.HingeGAN(generator, critic)
model.compile(keras.optimizers.Adam(2e-4), keras.optimizers.Adam(2e-4))
history = model.fit(digits.train.images, epochs=3)
""",
)


@pytest.fixture(scope="module")
def stored():
    return nbformat.read(PATH, as_version=4)


@pytest.fixture(scope="module")
def executed():
    """The notebook and two more cells, with the outputs of a run."""
    notebook = nbformat.read(PATH, as_version=4)
    notebook.cells += [nbformat.v4.new_code_cell(source) for source in MORE_CELLS]
    execute(notebook)
    return notebook


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def texts(cell):
    return [
        output.get("text") or output.get("data", {}).get("text/plain", "")
        for output in cell.outputs
    ]


def test_the_stored_outputs_name_no_machine(stored):
    assert PATH.stat().st_size < 300_000
    text = "".join("".join(texts(cell)) for cell in code_cells(stored))
    assert not re.search(r"/(home|root|tmp|work|usr)/", text)
    assert pathlib.Path.home().name not in text.split()
    assert not re.search(r"\d+[mu]?s/step", text)
    assert "execution" not in {key for cell in stored.cells for key in cell.metadata}


def test_every_cell_was_run_in_order(stored):
    counts = [cell.execution_count for cell in code_cells(stored)]
    assert counts == list(range(1, len(counts) + 1))
    assert sum("image/png" in o.get("data", {}) for c in code_cells(stored) for o in c.outputs) == 3


def test_a_run_gives_outputs_of_the_same_kinds(stored, executed):
    for before, after in zip(code_cells(stored), code_cells(executed), strict=False):
        assert kinds(before) == kinds(after), before.source


def kinds(cell):
    """Returns the types of outputs. Messages of libraries differ between machines."""
    return [output.output_type for output in cell.outputs if output.get("name") != "stderr"]


def test_fine_tuning_improves_the_classifier(executed):
    before, after = (
        float(texts(cell)[-1]) for cell in code_cells(executed) if "accuracy():.3f" in cell.source
    )
    assert before < 0.9 < after


@pytest.mark.parametrize("place", [-1, -2], ids=["model.fit", "training.fit"])
def test_bars_in_a_notebook_are_one_output_each(executed, place):
    cell = code_cells(executed)[place]
    found = texts(cell)
    assert not any(set("\r\b") & set(text) for text in found)
    starts = [i for i, text in enumerate(found) if re.search(r"Epoch \d/3\n$", text)]
    assert len(starts) == 3
    for start in starts:
        assert cell.outputs[start + 1].output_type == "display_data"
        assert re.search(r"(\d+)/\1.*━.*s/step.* - critic_loss: \d", found[start + 1])
