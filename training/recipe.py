"""Recipes: everything that decides a run, typed, documented, and written to `recipe.json`.

A model's own recipe class (in `training/recipes/`) adds the model's fields to these; a field that a
model has no use for does not exist for it, so giving it is an error.
"""

import dataclasses
import difflib
import json
import pathlib
import tomllib
import typing
from typing import Any, ClassVar, Literal

import yaml

from zoo.errors import UserError

if typing.TYPE_CHECKING:
    import keras

    from training.data.image_data import ImageData
    from training.data.label_maps import LabelMap
    from training.data.pipeline import Stream
    from zoo.models.trainer import StatelessTrainer

# Where a run lives and what is done with its outcome: these may differ when it is resumed.
NOT_DECIDING = (
    "run_dir",
    "data_dir",
    "manual_dir",
    "export",
    "checkpoint_every",
    "kimg",
    "epochs",
    "strategy",
    "devices",
    "virtual_devices",
    "steps_per_call",
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """Fields that every model has."""

    model: str
    """What to train; see the list of models."""
    recipe: str = ""
    """Named recipe to start from, such as `paper`; by default the one for the model and data."""
    data: str = "digits"
    """TFDS name (digits, mnist, cifar10, lsun/bedroom, ...), folder of images, or .npz file."""
    data_dir: str | None = None
    """Folder with data sets that TFDS has prepared."""
    manual_dir: str | None = None
    """Folder with the data set's original files; TFDS checks their checksums and prepares them."""
    image_size: int | None = None
    """Crop to a square and resize to this many pixels, antialiased; by default as the data are."""
    shift: int = 0
    """Weak augmentation: move each training image by up to this many pixels, each step anew."""
    flip: bool = False
    """Weak augmentation: mirror each training image left to right at random."""
    rotate: float = 0.0
    """Weak augmentation: turn each training image by up to this many degrees, each step anew."""
    zoom: float = 0.0
    """Weak augmentation: scale each axis by up to this share, each step anew."""
    seed: int = 0
    """Seed of weights, order of the data, noise, and the choice of labelled images."""
    steps: int = 3000
    """Length of the run in generator steps."""
    kimg: float | None = None
    """Length of the run in thousands of real images, instead of `steps`."""
    epochs: float | None = None
    """Length of the run in passes over the training images, instead of `steps`."""
    batch_size: int = 64
    """Images of one critic step, over all devices together."""
    report_every: int = 300
    """Steps between lines of the report, sample grids and validation."""
    checkpoint_every: int = 500
    """Steps between checkpoints; the last three are kept."""
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    """Precision of the networks' arithmetic; weights, losses and penalties stay float32."""
    jit: Literal["auto", "on", "off"] = "auto"
    """Compile the step with XLA; `auto` does on one GPU, does not on several devices, and on a CPU
    tries both where the run has 500 steps or more. A run goes on as it began."""
    rematerialise: bool = False
    """Keep only what goes into each block of DCGAN and ResNet networks, and compute the rest again
    for the gradient: less memory, more time, the same numbers but for rounding."""
    steps_per_call: int = 1
    """Steps that TensorFlow takes before Python sees them; the numbers are the same. Reports,
    checkpoints and the length of the run must fall on multiples of it."""
    init_from: str | None = None
    """Preset, or folder of a finished run, whose weights both networks start with; the optimizers
    start anew."""
    score_metrics: str | None = None
    """Metrics that are measured while it trains, on the averaged weights, such as `fid,kid`."""
    score_every: float | None = None
    """Thousands of real images between two such measurements; by default at every report."""
    score_samples: int = 2000
    """Images that are generated for such a measurement."""
    score_split: Literal["validation", "train"] = "validation"
    """What such a measurement compares with; never the test split."""
    score_features: str | None = None
    """Feature network of such measurements; by default the one shipped for the data."""
    best_by: str | None = None
    """Value (`fid`, `recall`, `error`, ...) by which the best state is kept and made the outcome;
    by default the outcome is the last state."""
    run_dir: str | None = None
    """Folder of the run; by default runs/MODEL-DATA-TIME. A run that is there goes on."""
    export: str | None = None
    """Folder to which a SavedModel for TF Serving is written at the end."""
    strategy: Literal["auto", "single", "mirrored", "multi_worker", "tpu"] = "auto"
    """TensorFlow's way to distribute: `auto` is mirrored over all GPUs, single without them;
    multi_worker reads TF_CONFIG or Slurm's variables."""
    devices: int = 0
    """How many devices of this host train together; 0 takes all GPUs, or one CPU."""
    virtual_devices: int = 1
    """Splits the CPU into this many logical devices, to try out several without a GPU."""

    needs_labels: ClassVar[bool] = False

    def check(self) -> None:
        """Raises UserError where a field's value cannot be."""
        counts = ("steps", "batch_size", "report_every", "checkpoint_every", "virtual_devices")
        for field in (*counts, "steps_per_call"):
            if getattr(self, field) < 1:
                raise UserError(
                    f"{option(field)} must be at least 1, given {getattr(self, field)}."
                )
        given_otherwise = self.kimg is not None or self.epochs is not None
        length = () if given_otherwise else ("steps",)
        for field in ("report_every", "checkpoint_every", *length):
            if getattr(self, field) % self.steps_per_call:
                raise UserError(
                    f"{option(field)} {getattr(self, field)} must be a multiple of "
                    f"--steps-per-call {self.steps_per_call}."
                )
        self._check_scores()
        for field in ("shift", "rotate", "zoom", "devices"):
            if getattr(self, field) < 0:
                raise UserError(
                    f"{option(field)} must not be negative, given {getattr(self, field)}."
                )

    def check_size(self, image_shape: tuple[int, ...]) -> None:
        """Raises UserError where the networks cannot make or take images of this shape."""
        return

    def _check_scores(self) -> None:
        fields = {field.name: field.default for field in dataclasses.fields(Recipe)}
        names = ("score_every", "score_samples", "score_split", "score_features", "best_by")
        if self.score_metrics is None:
            for field in names:
                if getattr(self, field) != fields[field]:
                    raise UserError(f"{option(field)} has no effect without --score-metrics.")
        if self.score_every is not None and self.score_every <= 0:
            raise UserError(f"--score-every must be positive, given {self.score_every}.")

    def critic_batches(self) -> int:
        """How many batches of real images one step takes."""
        return 1

    def with_steps(self, *, training_images: int) -> "Recipe":
        """Turns `kimg` or `epochs` into `steps`."""
        if self.kimg is not None and self.epochs is not None:
            raise UserError("Give one of --steps, --kimg and --epochs, not several.")
        images = self.kimg * 1000 if self.kimg is not None else None
        if self.epochs is not None:
            images = self.epochs * training_images
        if images is None:
            return self
        several = self.steps_per_call
        calls = round(images / (self.batch_size * self.critic_batches() * several))
        return dataclasses.replace(self, steps=max(calls, 1) * several)

    def label_map(self, data: "ImageData") -> "LabelMap | None":
        """Says which training images keep their label; None for models that use none."""
        return None

    def streams(self, data: "ImageData", label_map: "LabelMap | None") -> "dict[str, Stream]":
        """Says which images the model is shown, by stream."""
        raise NotImplementedError

    def build(
        self, *, image_shape: tuple[int, ...], class_names: tuple[str, ...]
    ) -> "StatelessTrainer":
        """Makes the model and compiles it."""
        raise NotImplementedError

    def build_control(
        self, *, image_shape: tuple[int, ...], class_names: tuple[str, ...]
    ) -> "StatelessTrainer | None":
        """Makes a model to compare with, trained on the labelled stream; None for none."""
        return None

    def networks(self, model: "StatelessTrainer") -> "dict[str, keras.Model]":
        """Names the networks whose parameters are counted in the report."""
        raise NotImplementedError

    def save_preset(
        self, model: "StatelessTrainer", directory: "pathlib.Path", *, metadata: dict[str, Any]
    ) -> None:
        """Writes what is deployed of the model, in averaged weights, as a preset."""
        raise NotImplementedError


def option(field: str) -> str:
    """Returns the command line's spelling of a field."""
    return "--" + field.replace("_", "-")


def field_names(recipe: Recipe | type[Recipe]) -> list[str]:
    """Returns the names of all fields."""
    return [field.name for field in dataclasses.fields(recipe)]


def to_json(recipe: Recipe) -> str:
    """Returns the recipe as JSON text."""
    return json.dumps(dataclasses.asdict(recipe), indent=2) + "\n"


def read_settings(path: str) -> dict[str, Any]:
    """Reads overrides from a YAML, TOML or JSON file: one mapping of field to value."""
    file = pathlib.Path(path)
    try:
        text = file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"Cannot read the settings file {path}: {error}") from None
    try:
        settings = tomllib.loads(text) if file.suffix == ".toml" else yaml.safe_load(text)
    except (tomllib.TOMLDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{path} is not valid {file.suffix[1:] or 'YAML'}: {error}") from None
    if not isinstance(settings, dict):
        raise UserError(f"{path} must hold one mapping of option to value, such as `steps: 500`.")
    return {str(key).replace("-", "_"): value for key, value in settings.items()}


def override(recipe: Recipe, settings: dict[str, Any], *, source: str) -> Recipe:
    """Returns the recipe with fields replaced; unknown keys and wrong types are errors."""
    types = typing.get_type_hints(type(recipe))
    for key, value in settings.items():
        if key not in field_names(recipe):
            near = difflib.get_close_matches(key, field_names(recipe), n=1)
            hint = f" Did you mean `{near[0]}`?" if near else ""
            raise UserError(f"{source}: {recipe.model} has no option `{key}`.{hint}")
        if not _is_of_type(value, types[key]):
            expected = getattr(types[key], "__name__", str(types[key]))
            raise UserError(f"{source}: `{key}` must be {expected}, given {value!r}.")
    return dataclasses.replace(recipe, **settings)


def _is_of_type(value: Any, expected: Any) -> bool:
    if typing.get_origin(expected) is typing.Literal:
        return value in typing.get_args(expected)
    options = typing.get_args(expected) or (expected,)
    if isinstance(value, bool):
        return bool in options
    if isinstance(value, int) and float in options:
        return True
    return any(
        value in typing.get_args(one)
        if typing.get_origin(one) is typing.Literal
        else isinstance(value, one)
        for one in options
    )


def differences(left: Recipe, right: dict[str, Any]) -> list[str]:
    """Lists the deciding fields in which a recipe differs from one read from `recipe.json`.

    A field that the file does not have had its default then. `--jit auto` goes on either way.
    """
    mine = json.loads(to_json(left))
    defaults = {field.name: field.default for field in dataclasses.fields(left)}
    right = {name: defaults[name] for name in mine if name not in right} | right
    keys = [key for key in {**mine, **right} if key not in NOT_DECIDING]
    return [
        f"{option(key)}: {right.get(key, '(not there)')} in the run, {mine.get(key)} now"
        for key in keys
        if mine.get(key) != right.get(key) and (key, mine.get(key)) != ("jit", "auto")
    ]
