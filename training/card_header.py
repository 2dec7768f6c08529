"""The metadata block of a model card, which the Hugging Face Hub reads."""

import math
from collections.abc import Iterator
from typing import Any

import yaml

LICENCE = "apache-2.0"
"""Licence of the weights: that of this package. The licence of the data is in the card's table."""

# Data set -> its name on the Hugging Face Hub.
HUB_DATA = {
    "cifar10": "uoft-cs/cifar10",
    "fashion_mnist": "zalando-datasets/fashion_mnist",
    "mnist": "ylecun/mnist",
}
_TASKS = {
    "ImageClassifier": ("image-classification", "Image classification"),
    "ImageGenerator": ("unconditional-image-generation", "Image generation"),
}


def card_header(name: str, metadata: dict[str, Any]) -> str:
    """Returns the block at the start of a model card, between two lines of dashes.

    Args:
        name: the preset's name.
        metadata: the content of the preset's `metadata.json`.

    Example:
    >>> from training.card_header import card_header
    >>> metadata = {"tasks": ["ImageGenerator"], "data": "digits", "scores": []}
    >>> print(card_header("gan_digits", metadata))
    ---
    library_name: keras-hub
    license: apache-2.0
    pipeline_tag: unconditional-image-generation
    tags:
    - gan
    - lipschitz-gan-zoo
    ---
    """
    data = metadata["data"]
    pipeline, task_name = _TASKS[metadata["tasks"][0]]
    fields: dict[str, Any] = {
        "library_name": "keras-hub",
        "license": LICENCE,
        "pipeline_tag": pipeline,
        "tags": ["gan", "lipschitz-gan-zoo"],
    }
    if data in HUB_DATA:
        fields["datasets"] = [HUB_DATA[data]]
    if metrics := list(_metrics(metadata["scores"])):
        fields["metrics"] = list(dict.fromkeys(metric["type"] for metric in metrics))
        dataset: dict[str, Any] = {"name": data, "type": HUB_DATA.get(data, data)}
        if split := metadata["scores"][-1].get("split"):
            dataset["split"] = split
        if digests := metadata.get("data_digests"):
            dataset["args"] = {f"{split}_digest": digest for split, digest in digests.items()}
        result = {
            "task": {"type": pipeline, "name": task_name},
            "dataset": dataset,
            "metrics": metrics,
        }
        fields["model-index"] = [{"name": name, "results": [result]}]
    return f"---\n{yaml.safe_dump(fields, sort_keys=False, allow_unicode=True)}---"


def with_header(card: str, name: str, metadata: dict[str, Any]) -> str:
    """Returns a model card whose block is replaced by that of `card_header`."""
    _, _, text = card.removeprefix("---\n").partition("\n---\n")
    return f"{card_header(name, metadata)}\n{text}"


def _metrics(scores: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yields the metrics of a run's result and evaluations.

    The test error becomes the accuracy, the name under which hubs compare classifiers. Standard
    deviations are left out. The name of the others contains the protocol.
    """
    for score in scores:
        if "test_error" in score:
            value = round(1 - score["test_error"], 6)
            name = (
                f"accuracy on {score['test_images']:,} test images"
                if "test_images" in score
                else ""
            )
            yield {"type": "accuracy", "value": value, "name": name or "test accuracy"}
        for kind, value in score.get("values", {}).items():
            if kind == "error" or kind.endswith("_std") or not math.isfinite(value):
                continue
            yield {"type": kind, "value": float(value), "name": f"{kind} of {score['key']}"}
