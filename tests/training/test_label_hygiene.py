"""Hidden labels stay hidden: other labels of unlabelled images change nothing, bit for bit."""

import dataclasses
import json

import numpy as np
import pytest
import tensorflow as tf

from tests.support.cases import CLASSES, tiny_data, tiny_recipe
from training.data.image_data import ImageData, Split
from training.evaluation_targets import find_targets
from training.metrics.error_rate import error_rate
from training.recipe import Recipe
from training.run import run
from training.run_folder import RunFolder
from training.streams import label_map_of, streams_of
from zoo.errors import UserError
from zoo.tasks import ImageClassifier


def relabelled(data: ImageData, recipe: Recipe, *, hidden: bool) -> ImageData:
    """Permutes the labels of the hidden, or of the shown, training images; the map stays."""
    label_map = label_map_of(recipe, data)
    shown = label_map.indices
    rows = np.setdiff1d(np.arange(len(data.train)), shown) if hidden else shown
    labels = data.train.labels.copy()
    labels[rows] = (labels[rows] + 1) % len(CLASSES)
    return dataclasses.replace(data, train=Split(data.train.images, labels))


@dataclasses.dataclass(frozen=True, kw_only=True)
class FixedMap:
    """Stands for `make_label_map`, which would choose other rows by other labels."""

    label_map: object

    def __call__(self, *arguments: object, **options: object) -> object:
        return self.label_map


def state_after_a_run(recipe: Recipe, data: ImageData, folder) -> str:
    """The checksum of the whole last state, networks, averages and optimizers."""
    run(recipe, data, RunFolder(folder), tf.distribute.get_strategy())
    (last,) = sorted((folder / "checkpoints").glob("step-*.npz"))[-1:]
    control = sorted((folder / "control" / "checkpoints").glob("step-*.npz"))[-1:]
    assert len(control) == recipe.supervision.control
    return " ".join(path.name for path in [last, *control])


@pytest.mark.parametrize("control", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_hidden_labels_change_nothing_and_shown_ones_do(control, tmp_path, monkeypatch):
    recipe = tiny_recipe("clsgan", steps=4, report_every=4, control=control)
    data = tiny_data()
    from training.data import label_maps

    fixed = FixedMap(label_map=label_map_of(recipe, data))
    others = {hidden: relabelled(data, recipe, hidden=hidden) for hidden in (True, False)}
    monkeypatch.setattr(label_maps, "make_label_map", fixed)
    plain = state_after_a_run(recipe, data, tmp_path / "plain")
    assert state_after_a_run(recipe, others[True], tmp_path / "hidden") == plain
    assert state_after_a_run(recipe, others[False], tmp_path / "shown") != plain


def test_labels_of_a_stream_without_them_are_not_in_the_batch():
    recipe = tiny_recipe("clsgan")
    data = tiny_data()
    streams = streams_of(recipe, data, label_map_of(recipe, data))
    assert streams["labelled"].with_labels and not streams["unlabelled"].with_labels
    shown = set(streams["labelled"].indices)
    assert not shown & set(streams["unlabelled"].indices)


def test_the_test_split_is_read_once_and_at_the_end(tmp_path, monkeypatch):
    """`error_rate` is the only reader; while it trains it is given the validation split."""
    from training import stages
    from training.callbacks import validation

    read = []
    real = stages.error_rate

    def noted(classifier, split):
        read.append("test" if split is data.test else "validation")
        return real(classifier, split)

    data = tiny_data()
    monkeypatch.setattr(stages, "error_rate", noted)
    monkeypatch.setattr(validation, "error_rate", noted)
    recipe = tiny_recipe("clsgan", steps=4, report_every=2, control=False)
    result = run(recipe, data, RunFolder(tmp_path / "run"), tf.distribute.get_strategy())
    assert read == ["validation", "validation", "test"] and "test_error" in result


@pytest.mark.slow
def test_the_best_by_validation_error_is_what_is_tested(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    recipe = tiny_recipe(
        "clsgan",
        steps=6,
        report_every=2,
        control=True,
    )
    assert recipe.scores.best_by == "error" and recipe.scores.score_split == "validation"
    recipe.check()
    result = run(recipe, tiny_data(), RunFolder(tmp_path / "run"), tf.distribute.get_strategy())
    assert result["best_by"] == "error" and result["best_split"] == "validation"
    rows = [json.loads(line) for line in (tmp_path / "run/scores.jsonl").read_text().splitlines()]
    for part, is_control in (("", False), ("control_", True)):
        mine = [r for r in rows if "step" in r and r.get("control", False) is is_control]
        values = {row["step"]: row["value"] for row in mine}
        assert list(values) == [2, 4, 6]
        # Of equal values the last.
        best = min(reversed(values), key=values.__getitem__)
        assert result[f"{part}best_step"] == best and result[f"{part}best_value"] == values[best]
        kept = sorted((tmp_path / "run" / part.strip("_") / "best").glob("step-*.npz"))[-1]
        assert f"step-{best:09d}" in kept.name
    control = ImageClassifier.from_preset(tmp_path / "run" / "control" / "preset")
    assert error_rate(control, tiny_data().test) == result["control_test_error"]
    (target,) = find_targets(str(tmp_path / "run" / "control" / "preset"))
    # Six steps are too few for a trial of XLA.
    assert target.recipe == recipe.with_options(jit="off")
    assert target.described["model"] == "supervised"
    with pytest.raises(UserError, match="not measured"):
        wrong = recipe.with_options(best_by="fid")
        run(wrong, tiny_data(), RunFolder(tmp_path / "wrong"), tf.distribute.get_strategy())
