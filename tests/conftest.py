"""Four logical CPU devices stand for four GPUs; they must exist before TensorFlow starts.

It computes with the kernels that the commands choose.
"""

import gc
import os
import pathlib

import pytest

from zoo.environment import use_onednn

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
use_onednn()

import tensorflow as tf  # noqa: E402

from tests.support.report_matrix import CoverageTable, model_of  # noqa: E402
from training.compilation import allow_on_cpus  # noqa: E402

allow_on_cpus()

# Tracing makes objects by the hundred thousand, few of them in cycles; looking for these after
# every 700, Python's default, takes much of the time.
gc.set_threshold(50_000, 10, 10)

LOGICAL_DEVICES = 4
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0],
    [tf.config.LogicalDeviceConfiguration() for _ in range(LOGICAL_DEVICES)],
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--table", help="page with a table to be written of what the tests covered")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "covers(column): what a test shows for its model or case")
    if config.getoption("--table") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(CoverageTable(pathlib.Path(config.getoption("--table"))))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Notes beside each result what the test covers; puts last what a deadline may leave out."""
    for item in items:
        for mark in item.iter_markers("covers"):
            model = model_of(item.callspec.params)
            item.user_properties.append(("covers", [*mark.args, model]))
    if config.getoption("--deadline") is not None:
        # Every penalty with every model: hundreds, and much alike.
        items.sort(key=lambda item: "parity" in item.path.parts)
