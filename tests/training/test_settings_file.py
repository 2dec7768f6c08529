"""Settings files as people write them: numbers, marks, spellings, mistakes."""

import json

import pytest

from training.fit_options import read_command, read_recipe
from training.run_folder import RunFolder, find_run
from training.settings_file import read_settings
from zoo.errors import UserError


@pytest.fixture
def settings(tmp_path):
    """Writes a settings file and reads it."""

    def read(content, name="my.yaml"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_settings(str(path))

    return read


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2e-4", 2e-4),
        ("1E3", 1e3),
        ("-2.5e+1", -25.0),
        ("1.", 1.0),
        (".5", 0.5),
        ("0.0002", 2e-4),
        ("1_000", 1000),
        ("010", 10),
        ("null", None),
        ("~", None),
        ("true", True),
        ("off", "off"),
        ("no", "no"),
        ("1:30", "1:30"),
        ("2026-11-27", "2026-11-27"),
        ("runs/a b", "runs/a b"),
        ("'5'", "5"),
        ("1e", "1e"),
    ],
)
def test_plain_values(text, value, settings):
    read = settings(f"x: {text}\n")["x"]
    assert read == value and type(read) is type(value)


def test_numbers_in_json_and_toml(settings):
    content = {"generator_learning_rate": 2e-5, "steps": 5, "flip": True}
    assert settings(json.dumps(content), "my.json") == content
    assert settings("generator-learning-rate = 2e-5\n", "my.toml") == {
        "generator_learning_rate": 2e-5
    }


@pytest.mark.parametrize("name", ["my.TOML", "MY.Toml"])
def test_extensions_in_any_case(name, settings):
    assert settings("steps = 5\n[other]\n", name) == {"steps": 5, "other": {}}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize(("name", "text"), [("a.yml", "steps: 5"), ("a.toml", "steps = 5")])
def test_byte_order_marks(encoding, name, text, settings):
    assert settings(text.encode(encoding), name) == {"steps": 5}


def test_an_empty_file_changes_nothing(settings):
    assert settings("# nothing\n") == {}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("steps: 5\nsteps: 6\n", "`steps` is given twice"),
        ("batch-size: 5\nbatch_size: 6\n", "`batch_size` is given twice"),
        ("data: 5\n", "`data` must be text"),
        ("model: [a]\n", "`model` must be text"),
        ("? [a]\n: 1\n", "not valid"),
        ("a: !!python/object:os.system x", "not valid"),
        (b"\xff\x00\xffx", "Cannot read"),
        ("[" * 2000, "not valid"),
    ],
)
def test_mistakes(content, message, settings):
    with pytest.raises(UserError, match=message):
        settings(content)


def test_a_settings_file_that_changed_is_another_recipe(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = ["--config", "my.yaml", "--run-dir", "run"]
    (tmp_path / "my.yaml").write_text("model: lsgan\ngenerator_learning_rate: 2e-4\n")
    recipe = read_recipe(read_command(arguments))
    assert recipe.optimizers.generator_learning_rate == 2e-4
    RunFolder(find_run(recipe).path).create(recipe)
    (tmp_path / "my.yaml").write_text("model: lsgan\ngenerator_learning_rate: 1e-4\n")
    with pytest.raises(UserError, match="--generator-learning-rate: 0.0002 in the run, 0.0001 now"):
        find_run(read_recipe(read_command(arguments)))
