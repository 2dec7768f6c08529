"""All combinations of --precision, --jit and --strategy: each builds or is refused at the start."""

import itertools
import typing

import pytest

from tests.support.cases import tiny_recipe
from training.distribute import make_strategy
from training.fit import main
from training.options.devices import DeviceOptions
from zoo.errors import UserError

TYPES = typing.get_type_hints(DeviceOptions)
DEVICES = {"one device": {}, "four devices": {"virtual_devices": 4}}
COMBINATIONS = list(
    itertools.product(
        *(typing.get_args(TYPES[field]) for field in ("precision", "jit", "strategy")), DEVICES
    )
)


def refusal(strategy: str) -> str | None:
    """Returns the expected error message of a combination; None if it trains."""
    if strategy == "tpu":
        return "--strategy tpu: no TPU was found"
    if strategy == "multi_worker":
        return "--strategy multi_worker needs to know the hosts"
    return None


@pytest.mark.parametrize(("precision", "jit", "strategy", "devices"), COMBINATIONS)
def test_every_combination_is_made_or_refused(precision, jit, strategy, devices, monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    recipe = tiny_recipe(
        "lsgan", precision=precision, jit=jit, strategy=strategy, **DEVICES[devices]
    )
    if (strategy, precision) == ("tpu", "mixed_float16"):
        with pytest.raises(UserError, match=f"--precision {precision}"):
            recipe.check()
        return
    recipe.check()
    reason = refusal(strategy)
    if reason is not None:
        with pytest.raises(UserError, match=reason):
            make_strategy(recipe.devices, batch_size=recipe.run.batch_size)
        return
    built = make_strategy(recipe.devices, batch_size=recipe.run.batch_size)
    one = strategy == "single" or (strategy == "auto" and devices == "one device")
    assert built.num_replicas_in_sync == (1 if one else 4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--strategy", "tpu"], "no TPU was found"),
        (["--strategy", "tpu", "--deterministic"], "leave --deterministic out"),
        (["--strategy", "tpu", "--precision", "mixed_float16"], "--precision mixed_bfloat16"),
        (["--strategy", "multi_worker"], "TF_CONFIG"),
        (["--strategy", "single", "--devices", "2"], "--strategy single is one device"),
        (["--devices", "9"], "--virtual-devices"),
        (["--steps-per-call", "7"], "must be a multiple of --steps-per-call 7"),
        (["--steps-per-call", "0"], "--steps-per-call must be an integer, at least 1, or 'auto'"),
    ],
)
def test_a_refused_combination_ends_with_code_2_and_its_reason(
    options, message, capsys, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert main(["--model", "lsgan", *options, "--run-dir", "run"]) == 2
    printed = capsys.readouterr().err
    assert message in printed and "Traceback" not in printed
    assert not list(tmp_path.iterdir())
