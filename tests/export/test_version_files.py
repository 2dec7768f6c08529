"""Files of an exported version besides the graph: warmup requests, documentation, batching."""

import shutil

import pytest
import tensorflow as tf

from export import batching_tuner
from export.__main__ import main
from export.server import warmup
from export.server.config import read_batching, read_models
from export.warmup_requests import replay_warmup


def test_warmup_requests_cover_every_signature(served, exported):
    for name, batches in (("digits", 4), ("digits_generator", 4)):
        folder = exported[0] / name / "1"
        logs = warmup.read(folder)
        counts = {}
        for log in logs:
            request = getattr(log, log.WhichOneof("log_type")).request
            assert request.model_spec.name == name
            signature = request.model_spec.signature_name
            counts[signature] = counts.get(signature, 0) + 1
        assert counts == dict.fromkeys(served[name], batches)
        assert replay_warmup(folder) == len(logs)


def test_the_card_shows_example_requests(exported):
    for name, signature in (("digits", "image_bytes"), ("digits_generator", "generate_png")):
        extra = exported[0] / name / "1" / "assets.extra"
        (model,) = read_models((extra / "models.config").read_text()).values()
        assert (model.name, model.base_path) == (name, exported[0] / name)
        text = (extra / "README.md").read_text()
        assert tf.__version__ in text and f':predict -d \'{{"signature_name": "{signature}' in text
        assert "MatMul" in text
    assert f"TensorFlow {tf.__version__}, operations: " in exported[1]


@pytest.mark.slow
def test_the_preset_card_and_measured_batching_are_written(
    run, tmp_path, unchecked, monkeypatch, capsys
):
    monkeypatch.setattr(batching_tuner, "_SECONDS", 0.02)
    shutil.copytree(run, tmp_path / "run")
    (tmp_path / "run" / "preset" / "README.md").write_text("# Ants and bees")
    out = str(tmp_path / "out")
    assert main([str(tmp_path / "run"), out, "--name", "m", "--measure-batching"]) == 0
    assert "max_batch_size" in capsys.readouterr().out
    for name in ("m", "m_generator"):
        version = tmp_path / "out" / name / "1"
        assert (version / "assets.extra" / "MODEL_CARD.md").read_text() == "# Ants and bees"
        assert read_batching((version / "batching_params.pbtxt").read_text()).allowed_sizes
    assert main([str(tmp_path / "run" / "preset" / "generator"), out, "--name", "m"]) == 0
    plain = tmp_path / "out" / "m" / "2"
    assert not (plain / "batching_params.pbtxt").exists()
    assert not (plain / "assets.extra" / "MODEL_CARD.md").exists()
