"""The page of all shipped presets, `docs/presets.md`."""

import textwrap
from typing import Any

from training.preset_card import score_lines

_PAGE_START = """\
# Presets

Trained models that come with the package, for demonstrations and tests. `python -m training.ship`
makes a preset from a finished run, and its option `--page` writes this page. `zoo.list_presets()`
lists them.

```python
import zoo

zoo.ImageGenerator.from_preset("lgan_fashion_mnist").generate(16, seed=0)  # uint8 [16, 28, 28, 1]
zoo.ImageClassifier.from_preset("clsgan_digits_100").class_names
```

`from_preset` also takes the folder of a run (`runs/NAME/preset`) and addresses that start with
`file://`, `hf://`, `kaggle://`, or those of an [object store](object_stores.md), `s3://` or `gs://`.
With the extra `hub`, keras-hub's own classes read and write the same folders:

<!-- skip: next "needs the folder of a run; tests/zoo/test_hub.py does the same with one" -->

```python
import keras_hub
import zoo.hub

keras_hub.models.ImageClassifier.from_preset("runs/NAME/preset").predict(images)
```

A shipped preset has a model card, `README.md`. Its metadata block is that of the Hugging Face Hub:
the licence of the weights, the data set, and the scores as `model-index`. The card also names the
licence of the data and the digests of its splits. To publish a preset, log in with `hf auth login`
and type:

<!-- skip: next "needs an account; tests/zoo/presets/test_upload.py uploads to a local stand-in" -->

```python
from zoo.presets.upload import upload_preset

upload_preset("runs/NAME/preset", "hf://ORG/NAME")
```

All files arrive in one commit. `keras_hub.upload_preset` takes the same folders, but it deletes the
card from the folder if the repository is new.

| | Preset | Data | Score |
| --- | --- | --- | --- |
"""


def presets_page() -> str:
    """Returns `docs/presets.md`: all presets that come with the zoo, from their metadata."""
    from zoo.presets.builtin import builtin_metadata

    presets: dict[str, dict[str, Any]] = {name: dict(m) for name, m in builtin_metadata().items()}
    rows = [
        f"| ![sheet][{name}] | `{name}` | {fields['data']} | {_headline(fields)} |"
        for name, fields in presets.items()
    ]
    sections = [_section(name, fields) for name, fields in presets.items()]
    images = [f"[{name}]: ../zoo/presets/builtin_weights/{name}/sheet.png" for name in presets]
    return _PAGE_START + "\n".join([*rows, "", *sections, *images]) + "\n"


def _headline(fields: dict[str, Any]) -> str:
    """Returns the number by which people compare: the test error, or the FID."""
    result, *evaluations = fields["scores"]
    if "test_error" in result:
        control = result.get("control_test_error")
        beside = "" if control is None else f" (control {100 * control:.2f} %)"
        return f"test error {100 * result['test_error']:.2f} %{beside}"
    found = [row["values"] for row in [result, *evaluations] if "fid" in row.get("values", {})]
    return f"FID {found[0]['fid']:.4g}" if found else ""


def _section(name: str, fields: dict[str, Any]) -> str:
    """Returns the part of the page about one preset."""
    size = sum(file["size"] for file in fields["files"].values()) // 1000
    scores = "\n".join(
        textwrap.fill(line, 100, subsequent_indent="  ", break_on_hyphens=False)
        for line in score_lines(fields["scores"]).splitlines()
    )
    return (
        f"## {name}\n\n{fields['description']}.\n"
        f"{fields['parameter_count']:,} parameters, {size:,} KB, seed {fields['recipe']['seed']}.\n"
        f"Model card: `zoo/presets/builtin_weights/{name}/README.md`.\n\n{scores}\n\n"
        f"![sheet][{name}]\n"
    )
