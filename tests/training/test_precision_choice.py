"""`--precision auto`: what it chooses by the device, what a resumed run keeps, and the header."""

import json

import pytest
import tensorflow as tf

from tests.support.cases import tiny_recipe
from training.fit import main
from training.options.devices import DeviceOptions
from training.precision import has_bfloat16, precision_note, with_precision
from training.recipe_file import differences, to_json
from training.run_folder import RunFolder

AUTO = tiny_recipe("lsgan", precision="auto")
TINY = (
    "--model lsgan --data digits --steps 2 --report-every 2 --generator-filters 8 "
    "--critic-filters 4 --latent-dim 5 --batch-size 16 --jit off"
)


def settle(folder, recipe=AUTO):
    return with_precision(recipe, folder, tf.distribute.get_strategy()).devices.precision


@pytest.fixture
def processor(monkeypatch):
    def set_flags(flags: str) -> None:
        monkeypatch.setattr("training.processor.processor_fields", lambda: {"flags": flags})

    return set_flags


@pytest.mark.parametrize(
    ("flags", "chosen"),
    [
        ("avx2 avx512f", "float32"),
        ("avx2 avx512_bf16", "mixed_bfloat16"),
        ("amx_bf16", "mixed_bfloat16"),
        ("", "float32"),
    ],
)
def test_auto_follows_the_processor(flags, chosen, processor, tmp_path):
    processor(flags)
    assert settle(RunFolder(tmp_path / "run")) == chosen
    assert settle(RunFolder(tmp_path / "run"), tiny_recipe("lsgan")) == "float32"


def test_several_hosts_compute_in_float32(processor, tmp_path, monkeypatch):
    class SeveralHosts:
        pass

    monkeypatch.setattr(tf.distribute, "MultiWorkerMirroredStrategy", SeveralHosts)
    processor("avx512_bf16")
    chosen = with_precision(AUTO, RunFolder(tmp_path / "run"), SeveralHosts())
    assert chosen.devices.precision == "float32"


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [([(9, 0)], True), ([(8, 0), (9, 0)], True), ([(7, 5)], False), ([(8, 6), (7, 0)], False)],
)
def test_auto_follows_the_gpus(capabilities, expected, monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: list(capabilities))
    monkeypatch.setattr(
        tf.config.experimental,
        "get_device_details",
        lambda gpu: {"compute_capability": gpu},
    )
    assert has_bfloat16(DeviceOptions()) is expected


def test_a_resumed_run_keeps_its_precision(processor, tmp_path):
    folder = RunFolder(tmp_path / "run")
    processor("avx512_bf16")
    folder.create(AUTO.with_options(precision=settle(folder)))
    processor("avx2")
    assert settle(folder) == "mixed_bfloat16"
    stored = json.loads(to_json(AUTO.with_options(precision="mixed_bfloat16")))
    assert differences(AUTO, stored) == []
    assert differences(AUTO.with_options(precision="float32"), stored) == [
        "--precision: mixed_bfloat16 in the run, float32 now"
    ]


def test_the_recipe_and_the_header_hold_the_choice(processor, tmp_path, capsys):
    processor("avx2")
    run = tmp_path / "run"
    assert main([*TINY.split(), "--precision", "auto", "--run-dir", str(run)]) == 0
    assert json.loads((run / "recipe.json").read_text())["precision"] == "float32"
    assert json.loads((run / "result.json").read_text())["precision"] == "float32"
    assert "  precision  float32\n" in capsys.readouterr().out


def test_the_note_states_what_another_precision_gains(processor):
    processor("avx512_bf16")
    assert "mixed_bfloat16 is available, and was measured 1.4 to 1.65" in precision_note(
        DeviceOptions()
    )
    processor("avx2")
    assert precision_note(DeviceOptions()) == "float32"
    for low in ("mixed_bfloat16", "mixed_float16"):
        assert "float32 is faster" in precision_note(DeviceOptions(precision=low))
