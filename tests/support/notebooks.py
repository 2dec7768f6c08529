"""`python -m tests.support.notebooks docs/quickstart.ipynb`: runs a notebook, writes its outputs.

Each notebook runs in a new empty folder. Times are removed from the stored outputs, so that a new
run of the same code writes the same file.
"""

import os
import pathlib
import re
import sys
import tempfile

import nbclient
import nbformat

ROOT = pathlib.Path(__file__).parents[2]
_SECONDS = 300
# Keras' bars: "2s", or "1:02" in bold, then "15ms/step".
_TIMES = re.compile(r" (?:\x1b\[1m)?[\d:]+s(?:\x1b\[0m)? \d+[mu]?s/step")


def execute(notebook: nbformat.NotebookNode) -> None:
    """Runs a notebook, and replaces its outputs.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        client = nbclient.NotebookClient(
            notebook,
            kernel_name="python3",
            timeout=_SECONDS,
            record_timing=False,
            resources={"metadata": {"path": folder}},
        )
        # The kernel imports the packages of this checkout, and chooses its own messages.
        inherited = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
        client.execute(env={**inherited, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "-1"})


def write_outputs(path: pathlib.Path) -> None:
    """Runs the notebook of a file, and writes the file with the new outputs."""
    notebook = nbformat.read(path, as_version=4)
    execute(notebook)
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            for texts, key in ((output, "text"), (output.get("data", {}), "text/plain")):
                if key in texts:
                    texts[key] = _TIMES.sub("", texts[key])
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    nbformat.validate(notebook)
    nbformat.write(notebook, path)


if __name__ == "__main__":
    write_outputs(pathlib.Path(sys.argv[1]))
