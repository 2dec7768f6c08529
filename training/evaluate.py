"""`python -m training.evaluate RUN_OR_PRESET --metrics fid,kid,is,pr,mre,error`: scores.

Without `--metrics`, the test error of a CLS-GAN run again, from the run's files alone. Scores of a
run are appended to its `scores.jsonl`; `--out` writes them to a file of one's own.
"""

import argparse
import dataclasses
import logging
import pathlib
import sys
from typing import TYPE_CHECKING, Any

from training.evaluation_targets import Target, find_targets, stored_recipe
from training.metrics import parse_metrics
from training.options.devices import DeviceOptions
from training.recipe import flag
from training.run_folder import RunFolder, append_lines
from zoo.environment import prepare_tensorflow
from zoo.errors import UserError

if TYPE_CHECKING:
    from training.data.image_data import ImageData
    from training.metrics.evaluation import Evaluation
    from training.metrics.metric import Metric


def load_data(target: Target, options: argparse.Namespace) -> "ImageData":
    """Loads the images that the options, the run or the preset name.

    Raises:
        UserError: none is named, or it cannot be had.
    """
    from training import data as data_sets

    recipe = target.recipe
    name = options.data or (recipe.data.data if recipe else target.described.get("trained_on"))
    if name is None:
        raise UserError(f"{target.preset} does not say what it was trained on: give --data.")
    same = recipe is not None and name == recipe.data.data
    return data_sets.load(
        name,
        image_size=options.image_size or (recipe.data.image_size if recipe and same else None),
        data_dir=options.data_dir or (recipe.data.data_dir if recipe and same else None),
        manual_dir=recipe.data.manual_dir if recipe and same else None,
        refuse_unreadable=options.refuse_unreadable,
    )


def make_evaluation(
    target: Target, metrics: "list[Metric]", options: argparse.Namespace
) -> "Evaluation":
    """Makes everything ready that does not depend on the target's weights.

    Raises:
        UserError: data, split or feature network that cannot be had.
    """
    from training.cache import cache_folder
    from training.distribute import make_strategy
    from training.metrics.evaluation import Evaluation
    from training.metrics.feature_networks import load_feature_network
    from training.metrics.metric import Inversion

    # One process measures, over all of its own devices.
    devices = target.recipe.devices if target.recipe else DeviceOptions()
    if devices.strategy == "multi_worker":
        devices = dataclasses.replace(devices, strategy="auto")
    strategy = make_strategy(devices)
    data = load_data(target, options)
    named = {name[4:]: value for name, value in vars(options).items() if name.startswith("mre_")}
    given = {name: value for name, value in named.items() if value is not None}
    evaluation = Evaluation(
        metrics=metrics,
        data=data,
        split=options.split,
        samples=options.samples,
        inversion=Inversion(**given),
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


def evaluate(source: str, metrics: "list[Metric]", options: argparse.Namespace) -> list[dict]:
    """Evaluates a run, several, or a preset; appends to each run's `scores.jsonl`.

    Returns:
        The rows, of all seeds.

    Raises:
        UserError: something that is asked for cannot be.
    """
    from zoo.tasks import ImageClassifier, ImageGenerator

    rows: list[dict[str, Any]] = []
    for target in find_targets(source):
        evaluation = make_evaluation(target, metrics, options)
        needs = {metric.needs for metric in metrics}
        generator = classifier = None
        if "generator" in needs:
            generator = ImageGenerator.from_preset(target.preset)
        if "classifier" in needs:
            classifier = ImageClassifier.from_preset(target.preset)
        mine = []
        for number in range(options.seeds):
            seed = options.seed + number * options.samples
            measured = evaluation.measure(generator=generator, classifier=classifier, seed=seed)
            repeated = [row for row in measured if number == 0 or "sample_seed" in row]
            mine += [row | target.described for row in repeated]
        if target.run is not None:
            append_lines(target.run.scores, mine)
        rows += mine
    return rows


def classifier_error(folder: pathlib.Path, *, data_dir: str | None) -> dict[str, Any]:
    """Evaluates the preset of a CLS-GAN run on the test split and appends to its `scores.jsonl`.

    Raises:
        UserError: no run, an unfinished one, or one without a classifier.
    """
    recipe = stored_recipe(folder)
    run = RunFolder(folder)
    if not run.preset.exists():
        raise UserError(f"{folder} has no preset yet: finish the run with its own command first.")
    if not recipe.networks.needs_labels:
        raise UserError(
            f"{folder} is a run of {recipe.model}, which has no classifier to take the error of. "
            "Say what to measure of its images: --metrics fid,kid,pr."
        )
    from training import data as data_sets
    from training.metrics.error_rate import error_rate
    from zoo.tasks import ImageClassifier

    data = data_sets.load(
        recipe.data.data,
        image_size=recipe.data.image_size,
        data_dir=data_dir or recipe.data.data_dir,
        manual_dir=recipe.data.manual_dir,
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.evaluate", description=__doc__)
    add = parser.add_argument
    add("source", metavar="RUN_OR_PRESET", help="run, folder of seed-* runs, preset or its name")
    add("--metrics", help="some of fid,kid,is,pr,mre,error")
    add("--split", help="the reference: train, validation or test (default: test)")
    add("--samples", type=int, help="images to generate (default: 10000)")
    add("--seed", type=int, help="seed of the first image (default: 0)")
    add("--seeds", type=int, help="measure so many sets of images (default: 1)")
    add("--data", help="data set to compare with (default: that of the training)")
    add("--data-dir", help="folder with data sets that TFDS has prepared")
    add("--image-size", type=int, help="bring the real images to this many pixels")
    add(
        "--refuse-unreadable",
        action="store_true",
        help="stop at an image file that cannot be read instead of skipping it with a warning",
    )
    add("--features", help="feature network: inception, or the data set of a shipped one")
    add("--inception-weights", type=pathlib.Path, help="file of the FID Inception's weights")
    add("--mre-images", type=int, help="images of each split (default: 1000)")
    add("--mre-steps", type=int, help="gradient steps (default: 500)")
    add("--mre-restarts", type=int, help="latents tried for each image (default: 4)")
    add("--mre-learning-rate", type=float, help="rate of the first step (default: 0.2)")
    add("--mre-labels", choices=("given", "searched"), help="of conditional generators")
    add("--mre-max-norm", type=float, help="keep |z| below this many times sqrt(d)")
    add("--cache-dir", type=pathlib.Path, help="folder of kept features and statistics")
    add("--no-cache", action="store_true", help="keep no features and statistics")
    add("--out", type=pathlib.Path, help="file to append the scores to, one JSON object a line")
    return parser


DEFAULTS = {"split": "test", "samples": 10_000, "seed": 0, "seeds": 1}
OF_FEATURES = (
    "samples",
    "seed",
    "seeds",
    "features",
    "inception_weights",
    "cache_dir",
    "no_cache",
)
OF_ANY = ("split", "data", "image_size", "refuse_unreadable", "out")


def _check(options: argparse.Namespace, metrics: "list[Metric]") -> None:
    """Refuses options that would have no effect, and fills in the others."""
    names = [metric.name for metric in metrics]
    of_mre = tuple(name for name in vars(options) if name.startswith("mre_"))
    needed = (
        (of_mre, "mre" in names, "the metric mre"),
        (OF_FEATURES, any(m.of_features for m in metrics), "a metric of features (fid,kid,is,pr)"),
        (OF_ANY, bool(metrics), "--metrics"),
    )
    for group, there, what in needed:
        for name in group:
            if not there and getattr(options, name) not in (None, False):
                raise UserError(f"{flag(name)} has no effect without {what}.")
    if options.no_cache and options.cache_dir is not None:
        raise UserError("--cache-dir has no effect with --no-cache: give one of them.")
    for name, default in DEFAULTS.items():
        if getattr(options, name) is None:
            setattr(options, name, default)
    for name in ("seeds", "mre_images", "mre_steps", "mre_restarts"):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise UserError(f"{flag(name)} must be at least 1, given {value}.")
    if options.seed < 0:
        raise UserError(f"--seed must not be negative, given {options.seed}.")


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
        values = [row["value"] for row in rows if row["key"] == key]
        if len(values) > 1:
            print(f"{key}: {mean_and_deviation(values)} over {len(values)}")


def main(arguments: list[str]) -> int:
    """Runs the command; returns the exit code."""
    options = _parser().parse_args(arguments)
    prepare_tensorflow()
    # Every set of images has a graph of its own, which is no cause to warn of retracing.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    try:
        metrics = [] if options.metrics is None else parse_metrics(options.metrics)
        _check(options, metrics)
        if metrics:
            rows = evaluate(options.source, metrics, options)
            if options.out is not None:
                append_lines(options.out, rows)
            _print_rows(rows)
            return 0
        score = classifier_error(pathlib.Path(options.source), data_dir=options.data_dir)
    except (UserError, ValueError, FileNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    share, count = score["test_error"], score["test_images"]
    print(f"test error {100 * share:.2f} % ({round(share * count)} of {count:,}), {score['data']}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
