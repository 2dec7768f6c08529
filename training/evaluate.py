"""`python -m training.evaluate RUN_OR_PRESET --metrics fid,kid,is,pr,mre,error`: computes scores.

Without `--metrics` it computes the test error of a classifier, as `--metrics error` does. The
scores of a run are appended to its `scores.jsonl`; `--out` appends them to another file.
"""

import dataclasses
import logging
import pathlib
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from training.metrics.metric import Inversion
from training.options.devices import DeviceOptions
from training.run_folder import append_lines
from zoo.command_line import flag, parse_options
from zoo.environment import prepare_tensorflow
from zoo.errors import UserError

if TYPE_CHECKING:
    from training.data.image_data import ImageData
    from training.evaluation_targets import Target
    from training.metrics.evaluation import Evaluation
    from training.metrics.metric import Metric
    from zoo.tasks import ImageClassifier


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `python -m training.evaluate`."""

    source: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="RUN_OR_PRESET")]
    """A run, a folder of `seed-*` runs, a preset's folder, name or address."""
    metrics: str | None = None
    """Comma-separated metrics: fid,kid,is,pr,mre,error."""
    split: str = "test"
    """The reference split: train, validation or test."""
    samples: int = 10_000
    """Number of generated images."""
    seed: int = 0
    """Seed of the first generated image."""
    seeds: int = 1
    """Number of sets of generated images; each set is measured."""
    data: str | None = None
    """The reference data set. By default the training data set."""
    data_dir: str | None = None
    """Folder of data sets that TensorFlow Datasets has prepared."""
    image_size: int | None = None
    """Side in pixels to resize the real images to."""
    refuse_unreadable: bool = False
    """Stop at image files that cannot be read. By default they are skipped with a warning."""
    features: str | None = None
    """The feature network: inception, or the data set of a shipped network."""
    inception_weights: pathlib.Path | None = None
    """File of the weights of the FID Inception network."""
    cache_dir: pathlib.Path | None = None
    """Folder of the cache of features and statistics."""
    no_cache: bool = False
    """Do not cache features and statistics."""
    out: pathlib.Path | None = None
    """File to append the scores to, one JSON object per line."""
    inversion: Annotated[Inversion, tyro.conf.OmitArgPrefixes] = dataclasses.field(
        default_factory=Inversion
    )

    def given(self) -> dict[str, Any]:
        """Returns the options whose values differ from the defaults, by their flat names."""
        default = Options(source=self.source).flat()
        return {name: value for name, value in self.flat().items() if value != default[name]}

    def flat(self) -> dict[str, Any]:
        """Returns all options by their flat names, such as `mre_steps`."""
        values = dataclasses.asdict(self)
        inversion = values.pop("inversion")
        return values | {f"mre_{name}": value for name, value in inversion.items()}


OF_FEATURES = (
    "samples",
    "seed",
    "seeds",
    "features",
    "inception_weights",
    "cache_dir",
    "no_cache",
)
OF_METRICS = ("split", "data", "image_size", "refuse_unreadable", "out")


def load_data(target: "Target", options: Options) -> "ImageData":
    """Loads the data set that the options, the run or the preset name.

    Raises:
        UserError: if no data set is named, or it cannot be loaded.
    """
    from training import data as data_sets

    recipe = target.recipe
    name = options.data or (recipe.data.data if recipe else target.described.get("trained_on"))
    if name is None:
        raise UserError(
            f"{target.preset} does not record its training data: give --data with a data set."
        )
    same = recipe is not None and name == recipe.data.data
    own = options.data is None and target.trained_in is not None
    try:
        data = data_sets.load(
            name,
            image_size=options.image_size or (recipe.data.image_size if recipe and same else None),
            data_dir=options.data_dir or (recipe.data.data_dir if recipe and same else None),
            manual_dir=recipe.data.manual_dir if recipe and same else None,
            refuse_unreadable=options.refuse_unreadable,
        )
    except UserError as error:
        if not own:
            raise
        raise UserError(
            f"{error}\nThese are the data of the run {target.trained_in}. If they have moved, give "
            "their place with --data."
        ) from None
    if own and options.image_size is None:
        _check_unchanged(target, data)
    return data


def _check_unchanged(target: "Target", data: "ImageData") -> None:
    """Raises UserError if the data of a run have changed since its training."""
    from training.data_digest import check_same_data

    assert target.trained_in is not None
    try:
        check_same_data(target.trained_in, data)
    except UserError as error:
        raise UserError(
            f"{error}\nTo evaluate on other data on purpose, name them with --data."
        ) from None


def make_evaluation(target: "Target", metrics: "list[Metric]", options: Options) -> "Evaluation":
    """Prepares everything that does not depend on the target's weights.

    Raises:
        UserError: if the data, the split or the feature network cannot be loaded.
    """
    from training.cache import cache_folder
    from training.distribute import make_strategy
    from training.metrics.evaluation import Evaluation
    from training.metrics.feature_networks import load_feature_network

    # One process evaluates, on all of its devices.
    devices = target.recipe.devices if target.recipe else DeviceOptions()
    if devices.strategy == "multi_worker":
        devices = dataclasses.replace(devices, strategy="auto")
    strategy = make_strategy(devices)
    data = load_data(target, options)
    evaluation = Evaluation(
        metrics=metrics,
        data=data,
        split=options.split,
        samples=options.samples,
        inversion=options.inversion,
        cache=None if options.no_cache else options.cache_dir or cache_folder("metrics"),
        strategy=strategy,
    )
    if not any(metric.of_features for metric in metrics):
        return evaluation
    network = load_feature_network(
        options.features,
        data=data.name,
        inception=options.inception_weights,
        strategy=strategy,
    )
    return evaluation.with_network(network)


def evaluate(options: Options) -> list[dict[str, Any]]:
    """Evaluates a run, several runs, or a preset; appends to each run's `scores.jsonl`.

    Returns:
        The rows of all runs and seeds.

    Raises:
        UserError: if an option is wrong, or the data or the models cannot be loaded.
    """
    from training.evaluation_targets import find_targets
    from training.metrics import parse_metrics
    from zoo.tasks import ImageGenerator

    metrics = parse_metrics("error" if options.metrics is None else options.metrics)
    check_options(options, metrics)
    needs = {metric.needs for metric in metrics}
    rows: list[dict[str, Any]] = []
    for target in find_targets(options.source):
        evaluation = make_evaluation(target, metrics, options)
        generator = classifier = None
        if "generator" in needs:
            generator = ImageGenerator.from_preset(target.preset)
        if "classifier" in needs:
            classifier = _load_classifier(target, asked=options.metrics is not None)
        target_rows = []
        for number in range(options.seeds):
            seed = options.seed + number * options.samples
            measured = evaluation.measure(generator=generator, classifier=classifier, seed=seed)
            repeated = [row for row in measured if number == 0 or "sample_seed" in row]
            target_rows += [row | target.described for row in repeated]
        target.add_scores(target_rows)
        rows += target_rows
    if options.out is not None:
        append_lines(options.out, rows)
    return rows


def _load_classifier(target: "Target", *, asked: bool) -> "ImageClassifier":
    from zoo.tasks import ImageClassifier

    try:
        return ImageClassifier.from_preset(target.preset)
    except ValueError as error:
        hint = "" if asked else "\nTo measure a generator, give --metrics fid,kid,pr."
        raise UserError(f"{error}{hint}") from error


def check_options(options: Options, metrics: "list[Metric]") -> None:
    """Raises UserError for values out of range and for options that have no effect."""
    given = options.given()
    of_mre = tuple(name for name in options.flat() if name.startswith("mre_"))
    needed = (
        (of_mre, "mre" in [m.name for m in metrics], "the metric mre"),
        (OF_FEATURES, any(m.of_features for m in metrics), "a metric of features (fid,kid,is,pr)"),
        (OF_METRICS, options.metrics is not None, "--metrics"),
    )
    for group, present, what in needed:
        for name in group:
            if not present and name in given:
                raise UserError(f"{flag(name)} has no effect without {what}.")
    if options.no_cache and options.cache_dir is not None:
        raise UserError("--cache-dir has no effect with --no-cache: give one of them.")
    for name in ("seeds", "mre_images", "mre_steps", "mre_restarts"):
        value = options.flat()[name]
        if value < 1:
            raise UserError(f"{flag(name)} must be at least 1, given {value}.")
    from zoo.latents import as_seed

    try:
        as_seed(options.seed, name="--seed", count=max(options.seeds * options.samples, 1))
    except ValueError as error:
        raise UserError(str(error)) from None


def _print_rows(rows: list[dict[str, Any]]) -> None:
    from training.console import mean_and_deviation

    for row in rows:
        print(row["key"])
        for name, value in row["values"].items():
            print(f"  {name:<12}{value:.6g}")
        for warning in row["warnings"]:
            print(f"  warning: {warning}")
    keys = dict.fromkeys(row["key"] for row in rows)
    for key in keys:
        values = [row["value"] for row in rows if row["key"] == key and row["value"] is not None]
        if len(values) > 1:
            print(f"{key}: {mean_and_deviation(values)} over {len(values)}")


def _print_test_errors(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        error, count = row["value"], row["images"]
        print(
            f"test error {100 * error:.2f} % ({round(error * count)} of {count:,}), {row['data']}"
        )


def main(arguments: Sequence[str], *, prog: str = "python -m training.evaluate") -> int:
    """Runs the command; returns the exit code."""
    options = parse_options(Options, arguments, command=prog, description=__doc__)
    try:
        prepare_tensorflow()
        # Each set of images has its own graph, so warnings about retracing would be wrong.
        logging.getLogger("tensorflow").setLevel(logging.ERROR)
        rows = evaluate(options)
    except (UserError, ValueError, FileNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if options.metrics is None:
        _print_test_errors(rows)
    else:
        _print_rows(rows)
    if undefined := [row["key"] for row in rows if row["value"] is None]:
        print(f"error: not a finite number: {', '.join(undefined)}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
