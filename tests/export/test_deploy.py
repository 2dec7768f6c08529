import os
import pathlib
import subprocess

import pytest
import yaml

from export.deploy import kubernetes_name, main
from tests.support.server_process import serving
from zoo.errors import UserError


@pytest.fixture
def model(tmp_path):
    (tmp_path / "served" / "My_model.v2" / "1").mkdir(parents=True)
    return tmp_path / "served" / "My_model.v2"


def read(path):
    return list(yaml.safe_load_all(path.read_text()))


def test_the_files_refer_to_the_same_model(model, tmp_path, capsys):
    assert main([str(model), "--out", str(tmp_path / "out"), "--claim", "weights"]) == 0
    paths = capsys.readouterr().out.split()
    assert len(paths) == 3 and len(list((tmp_path / "out").iterdir())) == 3
    (compose,) = read(tmp_path / "out" / "docker-compose.yaml")
    service = compose["services"]["my-model-v2"]
    assert service["environment"]["MODEL_NAME"] == "My_model.v2"
    assert service["volumes"][0]["source"] == str(model)
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    deployment, service, scaler = read(tmp_path / "out" / "kubernetes.yaml")
    pod = deployment["spec"]["template"]
    assert pod["metadata"]["labels"] == deployment["spec"]["selector"]["matchLabels"]
    assert pod["metadata"]["labels"] == service["spec"]["selector"]
    (container,) = pod["spec"]["containers"]
    assert container["args"] == [
        "--model_name=My_model.v2",
        "--model_base_path=/models/My_model.v2",
    ]
    assert pod["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"] == "weights"
    names = {port["name"] for port in container["ports"]}
    assert {port["targetPort"] for port in service["spec"]["ports"]} == names
    assert scaler["spec"]["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
    (kserve,) = read(tmp_path / "out" / "kserve.yaml")
    storage = kserve["spec"]["predictor"]["model"]["storageUri"]
    assert storage == "pvc://weights/My_model.v2"


def test_the_probe_succeeds_for_a_loaded_model(model, tmp_path, saved_model):
    assert main([str(model), "--out", str(tmp_path)]) == 0
    deployment = read(tmp_path / "kubernetes.yaml")[0]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    *shell, probe = container["readinessProbe"]["exec"]["command"]
    config = tmp_path / "models.config"
    broken = tmp_path / "broken" / "1"
    broken.mkdir(parents=True)
    entry = 'config {{ name: "{}" base_path: "{}" }} '
    config.write_text(
        f"model_config_list {{ {entry.format('m', saved_model.parent)}"
        f"{entry.format('My_model.v2', broken.parent)} }}"
    )
    (saved_model.parent / "1").symlink_to(saved_model)
    with serving("--model-config-file", config) as server:
        server.wait_for(1, "END", model="My_model.v2")

        def probe_status(name):
            command = probe.replace("8501", str(server.rest_port)).replace("My_model.v2", name)
            return subprocess.run([*shell, command]).returncode

        assert probe_status("m") == 0
        assert probe_status("My_model.v2") != 0
        assert probe_status("nowhere") != 0


def test_mistakes(tmp_path, capsys):
    assert main([str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "has no versions" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    for name in ("___", "9", "x" * 60):
        with pytest.raises(UserError, match="cannot become a Kubernetes name"):
            kubernetes_name(name)


def test_the_files_match_their_schemas(model, tmp_path):
    validator = pytest.importorskip("kubernetes_validate", reason="needs the extra [test]")
    compose = pytest.importorskip("compose_spec", reason="needs the extra [test]")
    assert main([str(model), "--out", str(tmp_path)]) == 0
    documents = read(tmp_path / "kubernetes.yaml")
    assert [document["kind"] for document in documents] == [
        "Deployment",
        "Service",
        "HorizontalPodAutoscaler",
    ]
    version = validator.latest_version()
    for document in documents:
        validator.validate(document, version, strict=True)
    documents[0]["spec"]["template"]["spec"]["containers"][0]["port"] = []
    with pytest.raises(validator.ValidationError):
        validator.validate(documents[0], version, strict=True)
    text = (tmp_path / "docker-compose.yaml").read_text()
    compose.PyCompose.from_yaml(text).validate()
    with pytest.raises(ValueError):
        compose.PyCompose.from_yaml(text.replace("volumes:", "volumez:"))


@pytest.mark.peer
def test_the_kserve_file_matches_its_sdk(model, tmp_path):
    """Compares with KServe's SDK, whose pinned dependencies need a separate Python."""
    python = os.environ.get("KSERVE_PYTHON")
    if python is None:
        pytest.skip("needs a Python with kserve in $KSERVE_PYTHON")
    assert main([str(model), "--out", str(tmp_path)]) == 0

    def mistakes(text):
        (tmp_path / "kserve.yaml").write_text(text)
        command = [
            python,
            pathlib.Path(__file__).parents[1] / "support" / "kserve_form.py",
            "kserve.yaml",
        ]
        process = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        return process.stdout.strip()

    text = (tmp_path / "kserve.yaml").read_text()
    assert mistakes(text) == ""
    assert "has no storageUrl" in mistakes(text.replace("storageUri", "storageUrl"))
    assert "expected str" in mistakes(text.replace("name: tensorflow", "name: [tensorflow]"))
