"""The surroundings of a command: settings of Keras, and home folders that cannot be used."""

import json
import os
import subprocess
import sys

import pytest

from zoo import environment
from zoo.environment import check_keras, use_keras_defaults, use_temporary_home
from zoo.errors import UserError

LOOK = """
from zoo.environment import prepare_tensorflow
prepare_tensorflow()
import keras, os, tensorflow as tf
print(keras.config.backend(), keras.config.image_data_format(), keras.config.floatx(),
      keras.config.epsilon(), keras.config.max_steps_per_epoch(), tf.keras is keras or
      tf.keras.__version__[0])
"""


def run(code: str, **variables: str) -> subprocess.CompletedProcess:
    """Runs code in a new process with other environment variables."""
    environment_now = {**os.environ, **variables}
    for name in ("KERAS_HOME", "KERAS_BACKEND"):
        if name not in variables:
            environment_now.pop(name, None)
    return subprocess.run(
        [sys.executable, "-c", code], env=environment_now, capture_output=True, text=True
    )


def test_settings_of_keras_do_not_reach_a_command(tmp_path):
    (tmp_path / ".keras").mkdir()
    settings = {
        "backend": "jax",
        "image_data_format": "channels_first",
        "floatx": "float64",
        "epsilon": 0.5,
    }
    (tmp_path / ".keras" / "keras.json").write_text(json.dumps(settings))
    done = run(
        LOOK,
        HOME=str(tmp_path),
        KERAS_BACKEND="torch",
        TF_USE_LEGACY_KERAS="1",
        KERAS_MAX_STEPS_PER_EPOCH="1",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[:5] == ["tensorflow", "channels_last", "float32", "1e-07", "None"]
    assert done.stdout.split()[5] in ("True", "3")


def test_a_damaged_settings_file_of_keras_is_not_read(tmp_path):
    (tmp_path / ".keras").mkdir()
    (tmp_path / ".keras" / "keras.json").write_text('{"floatx": "float13"}')
    assert run(LOOK, HOME=str(tmp_path)).returncode == 0


def test_another_backend_is_named_in_one_sentence(monkeypatch):
    code = "from zoo.environment import check_keras; check_keras()"
    done = run(code, KERAS_BACKEND="torch")
    last = done.stderr.splitlines()[-1]
    assert "UserError" in last and "'torch'" in last and "KERAS_BACKEND=tensorflow" in last


@pytest.mark.parametrize(
    ("name", "value", "before"),
    [("image_data_format", "channels_first", "channels_last"), ("floatx", "float16", "float32")],
)
def test_settings_of_keras_in_this_process_are_refused(name, value, before):
    import keras

    setter = getattr(keras.config, f"set_{name}")
    setter(value)
    try:
        with pytest.raises(UserError, match=f"set_{name}\\('{before}'\\)"):
            use_keras_defaults()
    finally:
        setter(before)
    check_keras()


@pytest.fixture
def variables(monkeypatch, tmp_path):
    for name in ("XDG_CACHE_HOME", "TFDS_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(environment.tempfile, "mkdtemp", lambda prefix: str(tmp_path / "new"))
    return monkeypatch


def test_a_home_that_can_be_written_is_left_alone(variables, tmp_path, capsys):
    variables.setenv("HOME", str(tmp_path))
    use_temporary_home()
    assert "XDG_CACHE_HOME" not in os.environ and not capsys.readouterr().err


@pytest.mark.parametrize("home", ["/dev/null", "/dev/null/home"])
def test_a_home_that_cannot_be_written_is_replaced_for_caches(home, variables, tmp_path, capsys):
    variables.setenv("HOME", home)
    use_temporary_home()
    assert os.environ["XDG_CACHE_HOME"] == str(tmp_path / "new" / "cache")
    assert os.environ["TFDS_DATA_DIR"].startswith(str(tmp_path))
    assert os.environ["HOME"] == home
    assert "cannot be written" in capsys.readouterr().err


def test_without_any_home_there_is_one(variables, tmp_path):
    variables.setattr(environment.os.path, "expanduser", lambda path: path)
    variables.delenv("HOME")
    use_temporary_home()
    assert os.environ["HOME"] == str(tmp_path / "new")


def test_chosen_folders_are_used(variables, capsys):
    variables.setenv("HOME", "/dev/null")
    variables.setenv("XDG_CACHE_HOME", "/c")
    variables.setenv("TFDS_DATA_DIR", "/d")
    use_temporary_home()
    assert (os.environ["XDG_CACHE_HOME"], os.environ["TFDS_DATA_DIR"]) == ("/c", "/d")
    assert not capsys.readouterr().err
