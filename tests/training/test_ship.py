"""Tests of `training.ship`: presets, model cards and the page of presets."""

import json
import shutil

import h5py
import numpy as np
import pytest
from PIL import Image

from training import fit, preset_card, ship
from training.data import load
from training.data_digest import data_record
from training.fit_options import read_command, read_recipe
from training.recipe_file import to_json
from training.recipes import find
from training.stored_run import command_of, read_finished
from zoo.networks import CLSGANFeatures, DCGANGenerator
from zoo.presets import builtin, save_bundle
from zoo.presets.golden import golden_outputs
from zoo.tasks import ImageClassifier, ImageGenerator, from_preset

TINY = ["--generator-filters", "8", "--critic-filters", "4", "--latent-dim", "5", "--steps", "3"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("ship")


@pytest.fixture(scope="module", autouse=True)
def in_folder(folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("TFDS_DATA_DIR", str(folder / "tfds"))
        yield


@pytest.fixture(scope="module")
def classifier_run(folder):
    """Writes the files of a finished run without training: CLS-GAN takes long to trace."""
    run = folder / "runs" / "c"
    recipe = find("clsgan", data="digits").with_options(generator_filters=8)
    features = CLSGANFeatures((8, 8, 1), filters=4, normalization="none")
    generator = DCGANGenerator((8, 8, 1), latent_dim=5, base_filters=8, num_classes=10)
    result = {"weights": "average", "seconds": 1.5, "labels": 100, "label_map": "abcdef0123"}
    result |= {"test_error": 0.9, "test_images": 400}
    score = {"key": "fid[x,10k/test]", "metric": "fid", "values": {"fid": 3.25}}
    score |= {"evaluated": "/home/a/preset"}
    save_bundle(
        run / "preset",
        root=ImageClassifier(features, 10),
        parts={"generator": ImageGenerator(generator)},
    )
    (run / "recipe.json").write_text(to_json(recipe))
    (run / "result.json").write_text(json.dumps(result))
    early = score | {"values": {"fid": 99.0}, "while_training": True, "step": 1}
    rows = map(json.dumps, (early, result, score))
    (run / "scores.jsonl").write_text("\n".join(rows))
    return run


@pytest.fixture(scope="module")
def generator_run(folder):
    assert fit.main(["--model", "lsgan", *TINY, "--seed", "4", "--run-dir", "runs/g"]) == 0
    return folder / "runs" / "g"


def shipped_preset(run, name, **options):
    return ship.ship(ship.Options(run=run, name=name, **options))


def test_a_generator_is_shipped_with_all_files(generator_run, tmp_path, capsys):
    assert ship.main([str(generator_run), "lsgan_tiny", "--to", str(tmp_path)]) == 0
    assert str(tmp_path / "lsgan_tiny") in capsys.readouterr().out
    shipped = tmp_path / "lsgan_tiny"
    task, original = from_preset(shipped), from_preset(generator_run / "preset")
    images = original.generate(3, seed=5)
    np.testing.assert_array_equal(task.generate(3, seed=5), images)
    assert (shipped / "critic" / "config.json").exists()
    golden = np.load(shipped / "golden.npz")["outputs"]
    assert golden.shape == (4, 8, 8, 1) and np.abs(golden - golden_outputs(task)).max() < 1e-6
    with Image.open(shipped / "sheet.png") as sheet:
        assert sheet.width > 300
    metadata = json.loads((shipped / "metadata.json").read_text())
    assert metadata["recipe"]["seed"] == 4 and metadata["licence"].startswith("CC BY 4.0")
    record = json.loads((generator_run / "data.json").read_text())
    digests = {name: split["digest"] for name, split in record["splits"].items()}
    assert metadata["data_digests"] == digests
    card = (shipped / "README.md").read_text()
    assert card.startswith("---\nlibrary_name: keras-hub\n")
    for printed in (
        digests["train"],
        metadata["command"],
        "--seed 4",
        "CC BY 4.0",
        "seconds on",
        "## Limits",
    ):
        assert printed in card


def test_the_command_on_the_card_gives_the_same_recipe(generator_run):
    recipe, _ = read_finished(generator_run)
    words = command_of(recipe).split()[3:]
    again = read_recipe(read_command(words))
    # `auto` of these two is decided by the machine of a run.
    assert again.with_options(run_dir="runs/g", steps_per_call=1, input="host") == recipe
    unusual = find("lsgan").with_options(
        flip=True, ema=None, epochs=2.0, steps=123, conditional="onehot"
    )
    words = command_of(unusual).split()[3:]
    assert {"--flip", "--epochs", "--ema"} <= set(words) and "--steps" not in words


def test_the_card_describes_the_rounded_classifier(classifier_run, tmp_path):
    shipped = shipped_preset(classifier_run, "clsgan_tiny", to=tmp_path, weights_dtype="float16")
    card = (shipped / "README.md").read_text()
    assert (
        "- `fid[x,10k/test]`: fid 3.25" in card
        and "fid 99" not in card
        and "- test error 90.00 % of 400 images, 100 labels (map abcdef01)" in card
        and "| all | 400 |" in card
        and "float16" in card
        and "sheet.png" in card
    )
    with h5py.File(shipped / "model.weights.h5") as file:
        kinds = set()
        file.visititems(lambda _, item: kinds.add(getattr(item, "dtype", None)))
        assert kinds == {None, np.dtype("float16")}
    golden = np.load(shipped / "golden.npz")["outputs"]
    task = from_preset(shipped)
    assert task.predictions.kernel.dtype == "float32"
    np.testing.assert_allclose(golden, golden_outputs(task), atol=1e-6)
    rounded = golden_outputs(from_preset(classifier_run / "preset"))
    np.testing.assert_allclose(golden, rounded, atol=0.02)
    assert np.any(golden != rounded)
    assert (shipped / "generator" / "config.json").exists()


def test_parts_are_left_out_if_they_are_too_large(generator_run, tmp_path, monkeypatch, capsys):
    whole = ship.weight_bytes(generator_run / "preset")
    monkeypatch.setattr(ship, "MAX_BYTES", whole - 1)
    shipped = shipped_preset(generator_run, "a", to=tmp_path)
    assert not (shipped / "critic").exists() and (shipped / "README.md").exists()
    monkeypatch.setattr(ship, "MAX_BYTES", 1000)
    assert ship.main([str(generator_run), "b", "--to", str(tmp_path)]) == 2
    printed = capsys.readouterr().err
    assert "--weights-dtype float16" in printed and "1,000" in printed
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_unfinished_runs_and_wrong_names_are_refused(generator_run, tmp_path, capsys):
    unfinished = tmp_path / "run"
    unfinished.mkdir()
    (unfinished / "recipe.json").write_text((generator_run / "recipe.json").read_text())
    for run, name, message in (
        (tmp_path, "x", "no recipe.json"),
        (unfinished, "x", "is not finished"),
        (generator_run, "../x", "NAME must be"),
        (generator_run, "X", "NAME must be"),
    ):
        assert ship.main([str(run), name, "--to", str(tmp_path / "out")]) == 2
        printed = capsys.readouterr().err
        assert message in printed and "Traceback" not in printed
    assert not (tmp_path / "out").exists()


def test_changed_data_of_a_classifier_are_refused(classifier_run, tmp_path, capsys):
    run = tmp_path / "run"
    shutil.copytree(classifier_run, run)
    record = data_record(load("digits"))
    (run / "data.json").write_text(json.dumps(record))
    assert ship.main([str(run), "good", "--to", str(tmp_path / "out")]) == 0
    record["splits"]["test"]["images"] += 1
    (run / "data.json").write_text(json.dumps(record))
    capsys.readouterr()
    assert ship.main([str(run), "bad", "--to", str(tmp_path / "out")]) == 2
    assert "test split: 401 images in the run, 400 now" in capsys.readouterr().err
    recipe = json.loads((run / "recipe.json").read_text()) | {"data": str(tmp_path / "moved")}
    (run / "recipe.json").write_text(json.dumps(recipe))
    licence = ["--licence", "CC0"]
    assert ship.main([str(run), "bad", "--to", str(tmp_path / "out"), *licence]) == 2
    assert f"These are the data of the run {run}." in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["good"]


def test_scores_of_a_shorter_run_are_not_read(generator_run, tmp_path, capsys):
    run = tmp_path / "run"
    shutil.copytree(generator_run, run)
    recipe, (result,) = read_finished(run)
    score = {"key": "fid[x,10k/test]", "metric": "fid", "values": {"fid": 3.25}, "steps": 3}
    shorter = [score | {"steps": 2, "values": {"fid": 9.0}}, result | {"steps": 2}]
    rows = [*shorter, result, score, score | {"while_training": True, "step": 3}]
    (run / "scores.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert read_finished(run) == (recipe, [result, score])
    for name in ("scores.jsonl", "result.json"):
        (run / name).write_text("[")
        assert ship.main([str(run), "bad", "--to", str(tmp_path / "out")]) == 2
        printed = capsys.readouterr().err
        assert f"{run / name} is damaged" in printed and "Traceback" not in printed


def test_unknown_data_need_a_licence(generator_run, tmp_path, monkeypatch):
    monkeypatch.setattr(preset_card, "DATA_LICENCES", {})
    with pytest.raises(ship.UserError, match="--licence"):
        shipped_preset(generator_run, "x", to=tmp_path)
    shipped = shipped_preset(
        generator_run, "x", to=tmp_path, licence="CC0", limits="Blurred.", hardware="an abacus"
    )
    card = (shipped / "README.md").read_text()
    assert "licence: CC0" in card and "Blurred." in card and "on an abacus" in card


def test_the_page_lists_what_is_shipped(generator_run, tmp_path, monkeypatch, capsys):
    shipped_preset(generator_run, "lsgan_tiny", to=tmp_path)
    monkeypatch.setattr(builtin, "FOLDER", tmp_path)
    monkeypatch.setattr(ship, "PAGE", tmp_path / "page.md")
    assert ship.main(["--page"]) == 0
    page = (tmp_path / "page.md").read_text()
    assert "## lsgan_tiny" in page and "LeastSquaresGAN: generator of digits" in page
    assert "lsgan_tiny" in str(builtin.list_presets())
    assert ship.main([]) == 2
    assert "Give RUN and NAME" in capsys.readouterr().err
