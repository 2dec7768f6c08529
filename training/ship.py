"""`python -m training.ship RUN NAME`: makes a finished run a preset that comes with the zoo.

The preset of the run is written once more under `zoo/presets/builtin_weights/NAME`, with a model
card, a sheet of images and golden outputs; `--page` writes `docs/presets.md` anew from all of them.
"""

import argparse
import json
import pathlib
import re
import shlex
import shutil
import sys
from typing import TYPE_CHECKING, Any

from training.processor import processor_name
from training.recipe import Recipe, flag
from training.recipe_file import NOT_DECIDING, differences, override
from training.recipes import find
from training.run_folder import RunFolder, read_recipe, write_text
from zoo.environment import prepare_tensorflow
from zoo.errors import UserError

if TYPE_CHECKING:
    from zoo.presets.weights import WeightsDtype
    from zoo.tasks import Task

MAX_BYTES = 3_000_000
"""The most that a shipped preset's weight files may take, all parts together."""
PAGE = pathlib.Path("docs/presets.md")

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


def ship(
    run: pathlib.Path,
    name: str,
    *,
    to: pathlib.Path | None = None,
    weights_dtype: "WeightsDtype" = "float32",
    licence: str | None = None,
    hardware: str | None = None,
    limits: str = "",
    data_dir: str | None = None,
) -> pathlib.Path:
    """Writes a finished run's preset with all that a shipped one has, whole or not at all.

    What was trained beside the deployed task stays with it where the weights of all together take
    no more than 3 MB, and is left out otherwise.

    Args:
        run: the folder of a finished run.
        name: the preset's name.
        to: the folder that the preset's folder is made in; by default the package's.
        weights_dtype: `"float16"` halves the weight files.
        licence: that of the data; needed for data that are not known here.
        hardware: what the run was trained on; this machine by default.
        limits: sentences for the model card on what it is not good for.
        data_dir: where the data set is; None for where the run had it.

    Returns:
        The preset's folder.

    Raises:
        UserError: no finished run, a name that cannot be, too large, or unknown data.
    """
    if not _NAME.fullmatch(name):
        raise UserError(f"NAME must be like ls_gan_mnist, letters, digits, underscores: {name!r}.")
    recipe, scores = read_finished(run)
    from training.preset_card import Card, data_licence
    from zoo.presets import builtin, save_bundle
    from zoo.presets.layout import PART_FOLDERS, TRAINER_FILE
    from zoo.tasks import ImageGenerator, from_preset

    card = Card(
        name=name,
        recipe=recipe,
        scores=scores,
        command=command_of(recipe),
        licence=licence or data_licence(recipe.data.data),
        hardware=hardware or this_machine(),
        limits=limits,
        data_dir=data_dir,
    )
    preset = RunFolder(run).preset
    task = from_preset(preset)
    parts = _parts(preset, task)
    folder = (to or builtin.FOLDER) / name
    options: dict[str, Any] = {"weights_dtype": weights_dtype, "metadata": card.metadata(task)}

    def finish(staged: pathlib.Path) -> None:
        if (size := weight_bytes(staged)) > MAX_BYTES:
            raise _TooLargeError(size)
        # Not the run's: what is shipped may be rounded.
        shipped = from_preset(staged)
        trainer = preset / TRAINER_FILE
        if trainer.exists() and any((staged / part).exists() for part in parts):
            shutil.copy(trainer, staged)
        part = staged / PART_FOLDERS["ImageGenerator"]
        generator = ImageGenerator.from_preset(part) if part.exists() else None
        card.write(staged, shipped, generator)

    try:
        save_bundle(folder, root=task, parts=parts, finish=finish, **options)
    except _TooLargeError:
        try:
            save_bundle(folder, root=task, finish=finish, **options)
        except _TooLargeError as error:
            raise UserError(
                f"The weights of {run} take {error.size:,} bytes, and a shipped preset at most "
                f"{MAX_BYTES:,}. Halve them with --weights-dtype float16, or train a smaller "
                "network."
            ) from None
    return folder


class _TooLargeError(Exception):
    def __init__(self, size: int):
        super().__init__(size)
        self.size = size


def _parts(preset: pathlib.Path, task: "Task") -> dict[str, Any]:
    """Loads what was trained beside the task."""
    from zoo.presets import load_network
    from zoo.presets.layout import CONFIG_FILE, TASK_FILE
    from zoo.tasks import from_preset

    folders = sorted(path.parent for path in preset.glob(f"*/{CONFIG_FILE}"))
    return {
        folder.name: from_preset(folder) if (folder / TASK_FILE).exists() else load_network(folder)
        for folder in folders
    }


def weight_bytes(preset: pathlib.Path) -> int:
    """Returns the size of all weight files of a preset and its parts."""
    return sum(path.stat().st_size for path in preset.rglob("*.weights.h5"))


def read_finished(run: pathlib.Path) -> tuple[Recipe, list[dict[str, Any]]]:
    """Reads what a finished run decided and scored.

    Returns:
        The recipe; its evaluations, the result first, without those of unfinished states.

    Raises:
        UserError: no run, or one that is not finished.
    """
    folder = RunFolder(run)
    fields = read_recipe(run)
    if not (folder.result.exists() and folder.preset.exists()):
        raise UserError(
            f"{run} is not finished: it has no result.json or no preset. Run its command again."
        )
    name = str(fields.get("recipe") or "")
    recipe = find(str(fields.get("model")), data=str(fields.get("data")), name=name)
    recipe = override(recipe, fields, source=str(folder.recipe))
    result = json.loads(folder.result.read_text())
    lines = folder.scores.read_text().splitlines() if folder.scores.exists() else []
    scores = [score for score in map(json.loads, lines) if not score.get("while_training")]
    return recipe, [result, *(score for score in scores if score != result)]


def command_of(recipe: Recipe) -> str:
    """Returns the command that makes a run of this very recipe.

    Raises:
        UserError: no command does; the recipe's defaults have changed since.
    """
    default = find(recipe.model, data=recipe.data.data, name=recipe.recipe)
    words = ["--model", recipe.model, "--data", recipe.data.data]
    if recipe.recipe:
        words += ["--recipe", recipe.recipe]
    by_images = recipe.run.length_in_images
    length = {"kimg", "epochs"} if by_images else {"steps"}
    fixed = {"model", "data", "recipe", "steps", *NOT_DECIDING} - length
    unchanged = default.flat()
    for name, value in recipe.flat().items():
        if name in fixed or value == unchanged[name]:
            continue
        if isinstance(value, bool):
            words.append(flag(name) if value else flag(f"no_{name}"))
        else:
            words += [flag(name), str(value)]
    _check_command(words, recipe)
    return shlex.join(["python", "-m", "training.fit", *words])


def _check_command(words: list[str], recipe: Recipe) -> None:
    from training.command_line import read_command, read_recipe

    again = read_recipe(read_command(words))
    if recipe.run.length_in_images:
        again = again.with_options(steps=recipe.run.steps)
    if changed := differences(again, recipe.flat()):
        raise UserError("No command makes this run any more:\n  " + "\n  ".join(changed))


def this_machine() -> str:
    """Describes this machine's processors."""
    import os

    import tensorflow as tf

    gpus = [
        str(tf.config.experimental.get_device_details(gpu).get("device_name", "GPU"))
        for gpu in tf.config.list_physical_devices("GPU")
    ]
    return f"{os.cpu_count()} CPU threads ({processor_name()}), {', '.join(gpus) or 'no GPU'}"


def main(arguments: list[str]) -> int:
    """Runs the command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m training.ship", description=__doc__)
    parser.add_argument("run", nargs="?", type=pathlib.Path, metavar="RUN", help="a finished run")
    parser.add_argument("name", nargs="?", metavar="NAME", help="the preset's name")
    parser.add_argument("--to", type=pathlib.Path, help="folder that NAME is made in")
    parser.add_argument(
        "--weights-dtype", choices=["float32", "float16"], default="float32", help="of the files"
    )
    parser.add_argument("--licence", help="licence of the data")
    parser.add_argument("--hardware", help="what it was trained on (default: this machine)")
    parser.add_argument("--limits", default="", help="sentences for the model card")
    parser.add_argument("--data-dir", help="folder with data sets that TFDS has prepared")
    parser.add_argument("--page", action="store_true", help=f"write {PAGE} anew")
    options = vars(parser.parse_args(arguments))
    page = options.pop("page")
    if not page and options["name"] is None:
        parser.error("give RUN and NAME, or --page")
    prepare_tensorflow()
    try:
        if options["name"] is not None:
            print(ship(options.pop("run"), options.pop("name"), **options))
        if page:
            from training.preset_card import presets_page

            write_text(PAGE, presets_page())
            print(PAGE)
    except (UserError, ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
