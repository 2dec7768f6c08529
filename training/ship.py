"""`python -m training.ship RUN NAME`: adds the preset of a finished run to the zoo.

The preset is written to `zoo/presets/builtin_weights/NAME`, with a model card, a sheet of images
and golden outputs. `--page` writes `docs/presets.md` and the metadata blocks of the model cards
from all shipped presets.
"""

import dataclasses
import pathlib
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from training.processor import processor_name
from training.run_folder import RunFolder, write_text
from zoo.command_line import parse_options
from zoo.environment import prepare_tensorflow
from zoo.errors import UserError

if TYPE_CHECKING:
    from training.preset_card import Card

MAX_BYTES = 3_000_000
"""Maximal size of a shipped preset's weight files, all parts together."""
PAGE = pathlib.Path("docs/presets.md")

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `python -m training.ship`."""

    run: Annotated[tyro.conf.Positional[pathlib.Path | None], tyro.conf.arg(metavar="RUN")] = None
    """The folder of a finished run."""
    name: Annotated[tyro.conf.Positional[str | None], tyro.conf.arg(metavar="NAME")] = None
    """The preset's name."""
    to: pathlib.Path | None = None
    """Parent folder of the preset's folder. By default the folder in the package."""
    weights_dtype: Literal["float32", "float16"] = "float32"
    """Dtype of the weight files; float16 halves their size."""
    licence: str | None = None
    """Licence of the data; required for data sets without a known licence."""
    hardware: str | None = None
    """Description of the training hardware. By default this machine."""
    limits: str = ""
    """Sentences for the model card on the preset's limits."""
    data_dir: str | None = None
    """Folder of data sets that TensorFlow Datasets has prepared. By default the run's folder."""
    page: bool = False
    """Write docs/presets.md and the metadata blocks of the model cards."""


def ship(options: Options) -> pathlib.Path:
    """Writes a finished run's preset with all files of a shipped one, whole or not at all.

    Further networks of the run become parts of the preset if the weights of all together take at
    most 3 MB. The shipped networks compute in float32.

    Returns:
        The preset's folder.

    Raises:
        UserError: if the run is not finished, the name is not valid, the weights are too large,
            the licence of the data is not known, or the data of a classifier have changed.
    """
    if options.run is None or options.name is None:
        raise UserError("Give RUN and NAME, or --page.")
    if not _NAME.fullmatch(options.name):
        raise UserError(
            "NAME must be lower-case letters, digits and underscores, such as ls_gan_mnist; "
            f"given {options.name!r}."
        )
    from training.preset_card import Card, data_licence, split_digests
    from training.stored_run import command_of, load_run_data, read_finished
    from zoo.presets import builtin, save_bundle
    from zoo.tasks import ImageClassifier, from_preset

    recipe, scores = read_finished(options.run)
    preset = RunFolder(options.run).preset
    # Presets of runs before December 2026 compute in the precision of the run.
    task = from_preset(preset, dtype="float32")
    card = Card(
        name=options.name,
        recipe=recipe,
        scores=scores,
        command=command_of(recipe),
        licence=options.licence or data_licence(recipe.data.data),
        hardware=options.hardware or this_machine(),
        limits=options.limits,
        data=load_run_data(options.run, recipe, data_dir=options.data_dir)
        if isinstance(task, ImageClassifier)
        else None,
        digests=split_digests(options.run),
    )
    folder = (options.to or builtin.FOLDER) / options.name
    all_parts = _parts(preset)
    for parts in (all_parts, {}):
        try:
            save_bundle(
                folder,
                root=task,
                parts=parts,
                finish=_finish(preset, card, with_trainer=bool(parts)),
                weights_dtype=options.weights_dtype,
                metadata=card.metadata(task),
            )
            return folder
        except _TooLargeError as error:
            size = error.size
    raise UserError(
        f"The weights of {options.run} take {size:,} bytes, and a shipped preset at most "
        f"{MAX_BYTES:,}. Halve them with --weights-dtype float16, or train a smaller network."
    )


class _TooLargeError(Exception):
    def __init__(self, size: int):
        super().__init__(size)
        self.size = size


def _finish(
    preset: pathlib.Path, card: "Card", *, with_trainer: bool
) -> Callable[[pathlib.Path], None]:
    """Returns the function that checks a written preset's size and adds the files of the card."""
    from zoo.presets.layout import PART_FOLDERS, TRAINER_FILE
    from zoo.tasks import ImageGenerator, from_preset

    def finish(staged: pathlib.Path) -> None:
        if (size := weight_bytes(staged)) > MAX_BYTES:
            raise _TooLargeError(size)
        if with_trainer and (preset / TRAINER_FILE).exists():
            shutil.copy(preset / TRAINER_FILE, staged)
        part = staged / PART_FOLDERS["ImageGenerator"]
        generator = ImageGenerator.from_preset(part) if part.exists() else None
        # The card describes the written weights, which may be rounded.
        card.write(staged, from_preset(staged), generator)

    return finish


def _parts(preset: pathlib.Path) -> dict[str, Any]:
    """Loads the further networks of a run's preset."""
    from zoo.presets import load_network
    from zoo.presets.layout import CONFIG_FILE, TASK_FILE
    from zoo.tasks import from_preset

    folders = sorted(path.parent for path in preset.glob(f"*/{CONFIG_FILE}"))
    return {
        folder.name: (from_preset if (folder / TASK_FILE).exists() else load_network)(
            folder, dtype="float32"
        )
        for folder in folders
    }


def weight_bytes(preset: pathlib.Path) -> int:
    """Returns the size of all weight files of a preset and its parts."""
    return sum(path.stat().st_size for path in preset.rglob("*.weights.h5"))


def this_machine() -> str:
    """Returns a description of this machine's processors."""
    import os

    import tensorflow as tf

    gpus = [
        str(tf.config.experimental.get_device_details(gpu).get("device_name", "GPU"))
        for gpu in tf.config.list_physical_devices("GPU")
    ]
    return f"{os.cpu_count()} CPU threads ({processor_name()}), {', '.join(gpus) or 'no GPU'}"


def _write_page() -> None:
    """Writes the page of all shipped presets, and the metadata blocks of their cards."""
    from training.card_header import with_header
    from training.presets_page import presets_page
    from zoo.presets import builtin

    for name, metadata in builtin.builtin_metadata().items():
        card = builtin.FOLDER / name / "README.md"
        write_text(card, with_header(card.read_text(), name, dict(metadata)))
    write_text(PAGE, presets_page())
    print(PAGE)


def main(arguments: Sequence[str], *, prog: str = "python -m training.ship") -> int:
    """Runs the command; returns the exit code."""
    options = parse_options(Options, arguments, command=prog, description=__doc__)
    try:
        prepare_tensorflow()
        if options.name is not None or not options.page:
            print(ship(options))
        if options.page:
            _write_page()
    except (UserError, ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
