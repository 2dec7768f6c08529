"""`python -m training.evaluate RUN`: the test error again, from the run's files alone."""

import argparse
import pathlib
import sys
from typing import Any

from training.errors import UserError
from training.quiet import quiet_tensorflow
from training.recipe import Recipe, override
from training.recipes import find
from training.run_folder import RunFolder, read_recipe


def stored_recipe(folder: pathlib.Path) -> Recipe:
    """Makes the recipe of a run from its `recipe.json`."""
    fields = read_recipe(folder)
    recipe = find(str(fields.get("model")), data=str(fields.get("data")))
    return override(recipe, fields, source=str(folder / "recipe.json"))


def evaluate(folder: pathlib.Path, *, data_dir: str | None) -> dict[str, Any]:
    """Evaluates the preset of a run on the test split and appends to its `scores.jsonl`.

    Args:
        folder: the run's folder.
        data_dir: where the data set is; None for where the run had it.

    Returns:
        The score with its protocol.

    Raises:
        UserError: no run, an unfinished one, or one without a classifier.
    """
    recipe = stored_recipe(folder)
    run = RunFolder(folder)
    if not run.preset.exists():
        raise UserError(f"{folder} has no preset yet: finish the run with its own command first.")
    if not recipe.needs_labels:
        raise UserError(
            f"{folder} is a run of {recipe.model}, which has no classifier to take the error of."
        )
    from training import data as data_sets
    from training.metrics.error_rate import error_rate
    from zoo.tasks import ImageClassifier

    data = data_sets.load(
        recipe.data,
        image_size=recipe.image_size,
        data_dir=data_dir or recipe.data_dir,
        manual_dir=recipe.manual_dir,
    )
    score = {
        "evaluated": str(run.preset),
        "data": data.name,
        "split": "test",
        "test_images": len(data.test.images),
        "test_error": error_rate(ImageClassifier.from_preset(run.preset), data.test),
    }
    run.add_score(score)
    return score


def main(arguments: list[str]) -> int:
    """Runs the command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m training.evaluate", description=__doc__)
    parser.add_argument("run", type=pathlib.Path, metavar="RUN", help="folder of a finished run")
    parser.add_argument("--data-dir", help="folder with data sets that TFDS has prepared")
    options = parser.parse_args(arguments)
    quiet_tensorflow()
    try:
        score = evaluate(options.run, data_dir=options.data_dir)
    except (UserError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    share, count = score["test_error"], score["test_images"]
    print(f"test error {100 * share:.2f} % ({round(share * count)} of {count:,}), {score['data']}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
