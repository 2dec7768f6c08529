"""Tests of the command `training.evaluate`: output, appended rows and errors."""

import json
import pathlib

import numpy as np
import pytest
from PIL import Image

from tests.support.cases import QUICK_CLSGAN
from tests.support.metric_cases import noise_data
from training import data as data_sets
from training import evaluate
from training.data.image_data import ImageData
from training.fit import main as fit
from training.metrics import METRICS, find_metrics
from zoo.networks import DCGANGenerator
from zoo.presets import save_bundle
from zoo.tasks import ImageGenerator

TINY = ["--generator-filters", "8", "--critic-filters", "4", "--latent-dim", "5"]
FEW = ["--samples", "40", "--no-cache"]
MRE = ["--mre-images", "6", "--mre-steps", "3", "--mre-restarts", "1"]
MRE += ["--mre-learning-rate", "0.1"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> pathlib.Path:
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="module", autouse=True)
def in_folder(folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("TFDS_DATA_DIR", str(folder / "tfds"))
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        yield


@pytest.fixture(scope="module")
def runs(folder) -> pathlib.Path:
    """Two runs of CLS-GAN with different seeds; each has a generator and a classifier."""
    arguments = [*QUICK_CLSGAN, "--steps", "2", "--no-control", *TINY]
    assert fit([*arguments, "--seeds", "2", "--run-dir", "runs"]) == 0
    return folder / "runs"


@pytest.fixture(scope="module")
def generator() -> ImageGenerator:
    return ImageGenerator(DCGANGenerator((8, 8, 1), latent_dim=5, base_filters=8))


@pytest.fixture(scope="module")
def preset(folder, generator) -> pathlib.Path:
    save_bundle(folder / "preset", root=generator, parts={}, metadata={})
    return folder / "preset"


@pytest.fixture
def images(folder) -> pathlib.Path:
    """A folder of grey 8x8 images and one file that is not an image."""
    root = folder / "images"
    root.mkdir(exist_ok=True)
    for number, pixels in enumerate(noise_data(count=60).train.images[..., 0]):
        Image.fromarray(pixels).save(root / f"{number:02d}.png")
    (root / "broken.png").write_bytes(b"no image")
    return root


def rows_of(path: pathlib.Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_metric_of_two_runs(runs, folder, capsys):
    """`--out` gets one row per metric and seed, each run gets its own rows."""
    arguments = ["--metrics", ",".join(METRICS), *FEW, *MRE, "--out", "out.jsonl"]
    assert evaluate.main([str(runs), *arguments]) == 0
    printed = capsys.readouterr().out
    rows = rows_of(folder / "out.jsonl")
    assert [row["metric"] for row in rows] == [*METRICS, *METRICS]
    assert [row["seed"] for row in rows] == [0] * len(METRICS) + [1] * len(METRICS)
    network = rows[0]["features"]
    keys = {row["metric"]: row["key"] for row in rows}
    assert keys == {
        "fid": f"fid[{network},40/test]",
        "kid": f"kid[{network},40/test,100x40]",
        "is": f"is[{network},40,10 splits]",
        "pr": f"pr[{network},40/test,k=3+5]",
        "mre": "mre[6/test,3x1 at 0.1]",
        "error": "error[400/test]",
        "calibration": "calibration[400/test,15 bins]",
    }
    for row in rows:
        assert np.isfinite(row["value"]) and row["key"] in printed
        assert row["model"] == "clsgan" and row["labels"] == 100 and row["steps"] == 2
    own = rows_of(runs / "seed-1" / "scores.jsonl")
    assert [row for row in own if "key" in row] == rows[len(METRICS) :]
    assert (
        f"{keys['fid']}: " in printed and "± " in printed and "too few for a covariance" in printed
    )


def test_without_metrics_the_test_error_of_each_run_is_appended(runs, capsys):
    """The row is the same as with `--metrics error`."""
    assert evaluate.main([str(runs), "--metrics", "error"]) == 0
    capsys.readouterr()
    assert evaluate.main([str(runs)]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 2
    for folder, line in zip(sorted(runs.iterdir()), printed, strict=True):
        result = json.loads((folder / "result.json").read_text())
        *_, asked, plain = rows_of(folder / "scores.jsonl")
        assert plain == asked and plain["key"] == "error[400/test]"
        assert plain["value"] == result["test_error"]
        assert line.startswith(f"test error {100 * result['test_error']:.2f} % (")


def test_rows_of_a_shipped_preset_have_its_training_settings(folder):
    assert evaluate.main(["clsgan_digits_100", "--metrics", "error", "--out", "shipped.jsonl"]) == 0
    (row,) = rows_of(folder / "shipped.jsonl")
    assert (row["model"], row["trained_on"], row["seed"]) == ("clsgan", "digits", 0)
    assert (row["labels"], row["weights"], row["value"]) == (100, "average", 0.04)


def test_seed_split_and_samples_decide_the_images(preset, folder):
    """`--seeds 2` also measures the next images."""
    options = ["--data", "digits", "--metrics", "fid", "--no-cache"]
    values = {}
    for name, more in {
        "plain": ["--samples", "40"],
        "again": ["--samples", "40"],
        "seed": ["--samples", "40", "--seed", "1"],
        "samples": ["--samples", "41"],
        "split": ["--samples", "40", "--split", "validation"],
        "two": ["--samples", "40", "--seeds", "2"],
        "next": ["--samples", "40", "--seed", "40"],
        "features": ["--samples", "40", "--features", "mnist"],
    }.items():
        out = folder / f"{name}.jsonl"
        assert evaluate.main([str(preset), *options, *more, "--out", str(out)]) == 0
        values[name] = [row["value"] for row in rows_of(out)]
    assert values["plain"] == values["again"]
    assert values["two"] == values["plain"] + values["next"]
    different = [values[name][0] for name in ("plain", "seed", "samples", "split", "features")]
    assert len(set(different)) == 5


def test_the_cache_is_written_to_the_default_or_given_folder(preset, folder):
    options = ["--data", "digits", "--metrics", "fid", "--samples", "40"]
    assert evaluate.main([str(preset), *options]) == 0
    names = {path.name.split("-")[0] for path in (folder / "cache").rglob("*.npz")}
    assert names == {"digits", "DCGANGenerator"}
    assert evaluate.main([str(preset), *options, "--cache-dir", "here"]) == 0
    assert len(list((folder / "here").iterdir())) == 2


def test_unreadable_images_are_skipped_and_named_or_refused(preset, images, folder, capsys):
    options = [str(preset), "--data", str(images), "--metrics", "fid", *FEW, "--features", "digits"]
    assert evaluate.main([*options, "--out", "skipped.jsonl"]) == 0
    assert "1 unreadable image file(s): broken.png" in capsys.readouterr().err
    (row,) = rows_of(folder / "skipped.jsonl")
    assert row["data"] == "images" and row["reference_images"] == 6
    refuse = [*options, "--refuse-unreadable", "--out", "refused.jsonl"]
    assert evaluate.main(refuse) == 2
    assert "broken.png" in capsys.readouterr().err
    assert not (folder / "refused.jsonl").exists()


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (["--metrics", "fidd"], "Did you mean 'fid'"),
        (["--metrics", ""], "at least one metric"),
        (["--metrics", "fid"], "give --data"),
        (["--metrics", "fid", "--data", "digits", "--split", "tests"], "no split 'tests'"),
        (["--metrics", "fid", "--data", "digits", "--samples", "3"], "at least 10"),
        (["--metrics", "fid", "--data", "digits", "--image-size", "16"], "(8, 8, 1)"),
        (["--metrics", "fid", "--data", "ring"], "points"),
        (["--metrics", "fid", "--data", "digits", "--seeds", "0"], "--seeds"),
        (["--metrics", "fid", "--data", "digits", "--seed", "-1"], "`--seed` must be an integer"),
        (["--metrics", "fid", "--data", "digits", "--seed", str(2**63 - 9)], "consecutive seeds"),
        (["--metrics", "mre", "--data", "digits", "--mre-steps", "0"], "--mre-steps"),
        (["--metrics", "mre", "--data", "digits", "--mre-labels", "searched"], "no classes"),
        (["--metrics", "fid", "--data", "digits", "--mre-steps", "9"], "the metric mre"),
        (["--metrics", "mre", "--data", "digits", "--samples", "99"], "a metric of features"),
        (["--metrics", "error", "--data", "digits"], "ImageClassifier"),
        (["--metrics", "fid", "--data", "digits", "--refuse-unreadable"], "--refuse-unreadable"),
        (["--metrics", "fid", "--data", "digits", "--features", "inception"], "6726825d"),
        (
            ["--metrics", "fid", "--data", "digits", "--no-cache", "--cache-dir", "x"],
            "--cache-dir has no effect",
        ),
        (["--split", "train"], "--split has no effect without --metrics"),
    ],
)
def test_wrong_options_exit_with_2_and_nothing_is_written(
    arguments, printed, preset, folder, capsys, monkeypatch
):
    monkeypatch.delenv("FID_INCEPTION_WEIGHTS", raising=False)
    out = folder / "nothing.jsonl"
    more = ["--out", str(out)] if "--metrics" in arguments else []
    assert evaluate.main([str(preset), *arguments, *more]) == 2
    error = capsys.readouterr().err
    assert printed in error and "Traceback" not in error
    assert not out.exists()


def test_a_run_without_a_classifier_needs_metrics(folder, capsys):
    assert fit(["--model", "lsgan", "--steps", "1", *TINY, "--run-dir", "gan"]) == 0
    assert evaluate.main([str(folder / "gan")]) == 2
    assert "--metrics fid" in capsys.readouterr().err
    before = (folder / "gan" / "scores.jsonl").read_text()
    assert evaluate.main([str(folder / "gan"), "--metrics", "fid,error", *FEW]) == 2
    assert (folder / "gan" / "scores.jsonl").read_text() == before


def test_every_registered_metric_has_a_direction():
    for metric in find_metrics(METRICS):
        assert metric.better and set(metric.better.values()) <= {"low", "high"}


def test_the_message_has_both_shapes_if_they_differ(generator):
    from training.metrics.evaluation import Evaluation
    from zoo.errors import UserError

    data: ImageData = noise_data(side=12)
    evaluation = Evaluation(metrics=find_metrics(["mre"]), data=data, split="test", samples=10)
    with pytest.raises(UserError, match=r"\(8, 8, 1\), and noise has \(12, 12, 1\)"):
        evaluation.measure(generator=generator)


@pytest.mark.parametrize("metric", ["fid", "kid", "pr"])
def test_one_reference_image_is_refused_and_nothing_is_written(metric, preset, folder, capsys):
    np.savez(folder / "ten.npz", images=noise_data(count=10).train.images)
    out = folder / "one.jsonl"
    options = ["--data", str(folder / "ten.npz"), "--metrics", metric, *FEW, "--out", str(out)]
    assert evaluate.main([str(preset), *options, "--features", "digits"]) == 2
    error = capsys.readouterr().err
    assert f"The metric {metric} needs at least" in error and "test split of ten has 1" in error
    assert not out.exists()
    train = ["--model", "lsgan", "--steps", "2", *TINY, "--data", str(folder / "ten.npz")]
    score = ["--score-metrics", metric, "--best-by", {"pr": "recall"}.get(metric, metric)]
    score += ["--score-features", "digits", "--run-dir", "refused"]
    assert fit([*train, *score]) == 2
    error = capsys.readouterr().err
    assert "validation split of ten has 1" in error and "--score-split" in error
    assert not (folder / "refused").exists()


def test_a_score_that_is_not_finite_is_null_and_exits_with_2(preset, folder, capsys, monkeypatch):
    monkeypatch.setattr("training.metrics.fid.frechet_distance", lambda *moments: np.nan)
    out = folder / "null.jsonl"
    options = ["--data", "digits", "--metrics", "fid,kid", *FEW, "--out", str(out)]
    assert evaluate.main([str(preset), *options]) == 2
    printed = capsys.readouterr()
    assert "error: not a finite number: fid[" in printed.err and "fid is nan" in printed.out
    fid, kid = rows_of(out)
    assert fid["value"] is None and fid["values"] == {} and np.isfinite(kid["value"])
    assert "NaN" not in out.read_text()


@pytest.fixture(scope="module")
def folder_run(folder) -> pathlib.Path:
    """A run of CLS-GAN on a folder of two classes, whose data are recorded."""
    from training.data_digest import write_data_record

    images = noise_data(count=60)
    for number, pixels in enumerate(images.train.images[..., 0]):
        path = folder / "own" / ("cat", "dog")[number % 2] / f"{number:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    arguments = [*QUICK_CLSGAN, "--steps", "1", "--labels", "10", "--no-control", *TINY]
    assert fit([*arguments, "--data", str(folder / "own"), "--run-dir", "own_run"]) == 0
    write_data_record(folder / "own_run", data_sets.load(str(folder / "own")))
    return folder / "own_run"


def test_a_run_whose_data_changed_is_refused_unless_data_are_named(folder_run, folder, capsys):
    assert evaluate.main([str(folder_run)]) == 0
    before = (folder_run / "scores.jsonl").read_text()
    first = min((folder / "own" / "cat").iterdir())
    first.rename(folder / "own" / "dog" / f"moved-{first.name}")
    capsys.readouterr()
    assert evaluate.main([str(folder_run)]) == 2
    error = capsys.readouterr().err
    assert "images in the run" in error or "other pixels" in error
    assert "name them with --data" in error and "Traceback" not in error
    assert (folder_run / "scores.jsonl").read_text() == before
    named = ["--metrics", "error", "--data", str(folder / "own"), "--out", "named.jsonl"]
    assert evaluate.main([str(folder_run), *named]) == 0
    (folder / "own" / "dog" / f"moved-{first.name}").rename(first)


def test_a_run_whose_data_moved_is_refused_with_the_option_for_their_place(
    folder_run, folder, capsys
):
    (folder / "own").rename(folder / "moved")
    try:
        assert evaluate.main([str(folder_run)]) == 2
        error = capsys.readouterr().err
        assert "data of the run" in error and "give their place with --data" in error
        arguments = ["--metrics", "error", "--data", str(folder / "moved")]
        assert evaluate.main([str(folder_run), *arguments]) == 0
    finally:
        (folder / "moved").rename(folder / "own")


def test_classes_with_other_names_are_refused(folder_run, folder, capsys):
    """The same number of classes is not enough: the labels would mean other classes."""
    other = folder / "other"
    for number, pixels in enumerate(noise_data(count=60).train.images[..., 0]):
        path = other / ("dog", "zebra")[number % 2] / f"{number:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    before = (folder_run / "scores.jsonl").read_text()
    assert evaluate.main([str(folder_run), "--metrics", "error", "--data", str(other)]) == 2
    error = capsys.readouterr().err
    assert "Class 0 of the classifier is 'cat' and class 0 of other is 'dog'" in error
    assert (folder_run / "scores.jsonl").read_text() == before
