"""The metadata block of model cards."""

import pytest
import yaml

from tests.support import schemas
from training.card_header import card_header
from zoo.presets.builtin import builtin_metadata

PRESETS = builtin_metadata()


def block(text):
    """Returns the fields of a card's block."""
    before, fields, after = text.split("---")
    assert before == after == ""
    return yaml.safe_load(fields)


@pytest.mark.parametrize("name", PRESETS)
def test_the_block_of_each_shipped_preset_matches_the_schema_of_the_hub(name):
    metadata = PRESETS[name]
    text = card_header(name, metadata)
    fields = block(text)
    schemas.check(fields, "model_card")
    ((result,),) = (index["results"] for index in fields["model-index"])
    values = {metric["type"]: metric["value"] for metric in result["metrics"]}
    first, *others = metadata["scores"]
    if "test_error" in first:
        assert values["accuracy"] == pytest.approx(1 - first["test_error"])
    else:
        assert values["fid"] == others[0]["values"]["fid"]
    assert fields["metrics"] == list(values)
    hub = pytest.importorskip("huggingface_hub")
    read = hub.ModelCard(f"{text}\n\n# {name}\n").data
    assert read.license == "apache-2.0" and read.model_name == name
    found = {result.metric_type: result.metric_value for result in read.eval_results}
    assert found == values
    assert {result.dataset_split for result in read.eval_results} == {"test"}


def test_digests_and_numbers_that_are_not_finite():
    scores = [{"test_error": 0.25}, {"key": "fid[x]", "values": {"fid": float("nan")}}]
    scores.append({"key": "kid[x]", "values": {"kid": 0.5, "kid_std": 0.1}, "split": "test"})
    metadata = {"tasks": ["ImageClassifier"], "data": "my_data", "scores": scores}
    fields = block(card_header("a", metadata | {"data_digests": {"train": "ab", "test": "cd"}}))
    schemas.check(fields, "model_card")
    (result,) = fields["model-index"][0]["results"]
    assert result["dataset"] == {
        "name": "my_data",
        "type": "my_data",
        "split": "test",
        "args": {"train_digest": "ab", "test_digest": "cd"},
    }
    assert [(one["type"], one["value"]) for one in result["metrics"]] == [
        ("accuracy", 0.75),
        ("kid", 0.5),
    ]
    assert "datasets" not in fields
    assert "model-index" not in block(card_header("a", metadata | {"scores": []}))
