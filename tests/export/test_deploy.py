import copy
import json
import os
import pathlib
import re
import shutil
import subprocess

import jsonschema
import pytest
import yaml

from export.deploy import kubernetes_name, main
from export.server.config import read_metrics_path, read_models
from export.server.metrics import Metrics
from export.server.status import Code
from tests.support import schemas
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
    out = tmp_path / "out"
    assert sorted(paths) == sorted(str(path) for path in out.rglob("*") if path.is_file())
    assert {pathlib.Path(path).name for path in paths} == {
        *("docker-compose.yaml", "kubernetes.yaml", "kserve.yaml", "servicemonitor.yaml"),
        *("grafana-dashboard.json", "prometheus.yml", "monitoring.config"),
    }
    (compose,) = read(tmp_path / "out" / "docker-compose.yaml")
    service = compose["services"]["my-model-v2"]
    assert service["environment"]["MODEL_NAME"] == "My_model.v2"
    assert service["volumes"][0]["source"] == str(model)
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    deployment, service, scaler, budget, config = read(tmp_path / "out" / "kubernetes.yaml")
    pod = deployment["spec"]["template"]
    assert pod["metadata"]["labels"] == deployment["spec"]["selector"]["matchLabels"]
    assert pod["metadata"]["labels"] == service["spec"]["selector"]
    (container,) = pod["spec"]["containers"]
    assert container["args"] == [
        "--model_name=My_model.v2",
        "--model_base_path=/models/My_model.v2",
        "--monitoring_config_file=/config/monitoring.config",
    ]
    assert budget["spec"]["selector"]["matchLabels"] == pod["metadata"]["labels"]
    assert pod["spec"]["volumes"][1]["configMap"]["name"] == config["metadata"]["name"]
    assert list(config["data"]) == ["monitoring.config"]
    assert pod["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"] == "weights"
    names = {port["name"] for port in container["ports"]}
    assert {port["targetPort"] for port in service["spec"]["ports"]} == names
    assert scaler["spec"]["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
    (kserve,) = read(tmp_path / "out" / "kserve.yaml")
    predictor = kserve["spec"]["predictor"]["model"]
    assert predictor["storageUri"] == "pvc://weights/My_model.v2"
    # KServe's own runtime has a release that is older than the SavedModels of this package.
    assert container["image"] == f"tensorflow/serving:{predictor['runtimeVersion']}"
    assert predictor["protocolVersion"] == "v1"
    # KServe serves a model under the name of the InferenceService, on port 8080.
    command = " ".join(predictor["readinessProbe"]["exec"]["command"])
    assert "/v1/models/my-model-v2 " in command and "127.0.0.1/8080" in command


def test_prometheus_reads_the_ports_and_paths_of_the_server(model, tmp_path):
    assert main([str(model), "--out", str(tmp_path)]) == 0
    path = read_metrics_path((tmp_path / "config" / "monitoring.config").read_text())
    assert path is not None
    (compose,) = read(tmp_path / "docker-compose.yaml")
    (prometheus,) = read(tmp_path / "config" / "prometheus.yml")
    schemas.check(prometheus, "prometheus")
    (job,) = prometheus["scrape_configs"]
    (target,) = job["static_configs"][0]["targets"]
    service, port = target.split(":")
    assert job["metrics_path"] == path
    assert f"127.0.0.1:{port}:{port}" in compose["services"][service]["ports"]
    for one in compose["services"].values():
        assert any(mount["source"] == "./config" for mount in one["volumes"])
    _, service, *_ = read(tmp_path / "kubernetes.yaml")
    (monitor,) = read(tmp_path / "servicemonitor.yaml")
    schemas.check(monitor, "servicemonitor")
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint["path"] == path
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
    selected = monitor["spec"]["selector"]["matchLabels"].items()
    assert selected <= service["metadata"]["labels"].items()


def test_the_panels_read_metrics_that_the_server_exports(model, tmp_path):
    assert main([str(model), "--out", str(tmp_path)]) == 0
    dashboard = json.loads((tmp_path / "grafana-dashboard.json").read_text())
    schemas.check(dashboard, "grafana_dashboard")
    metrics = Metrics()
    metrics.count_request("m", Code.OK)
    metrics.observe("request_latency", 0.1, model_name="m", API="predict", entrypoint="REST")
    metrics.observe("runtime_latency", 0.1, model_name="m", API="predict", runtime="TF1")
    metrics.observe("batching_session:queuing_latency", 0.1)
    exported: dict[str, set[str]] = {}
    for name, labels in re.findall(r"^(:[\w:]+)\{(.*?)\} ", metrics.text(), re.MULTILINE):
        exported.setdefault(name, set()).update(re.findall(r"(\w+)=", labels))
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert len(queries) >= 10
    for query in queries:
        (used,) = set(re.findall(r":[\w:]+", query))
        grouped = re.findall(r"by \((.*?)\)", query)
        labels = {*re.findall(r"(\w+)!?=", query), *", ".join(grouped).split(", ")} - {""}
        assert labels <= exported[used], query


def test_a_label_moves_from_one_version_to_the_other(model, tmp_path, saved_model):
    """Serves the written models.config with the local server, which reads the file again."""
    for version in ("1", "2"):
        shutil.copytree(saved_model, model / version, dirs_exist_ok=True)
    config = tmp_path / "out" / "config" / "models.config"

    def deploy(stable, canary):
        words = ["--stable", str(stable), "--canary", str(canary)]
        assert main([str(model), "--out", str(tmp_path / "out"), *words]) == 0
        text = config.read_text()
        # The path in the container becomes the one on this machine.
        served.write_text(text.replace("/models/My_model.v2", str(model)))
        return read_models(text)["My_model.v2"]

    served = tmp_path / "served.config"
    entry = deploy(1, 2)
    assert entry.labels == {"stable": 1, "canary": 2}
    assert entry.policy.specific == (1, 2)
    (compose,) = read(tmp_path / "out" / "docker-compose.yaml")
    deployment, *_, objects = read(tmp_path / "out" / "kubernetes.yaml")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert objects["data"]["models.config"] == config.read_text()
    flags = container["args"]
    assert compose["services"]["my-model-v2"]["command"] == flags
    assert flags[0] == "--model_config_file=/config/models.config"
    for flag in flags:
        name = flag.split("=")[0]
        assert name.startswith("--model_config_file") or name in (
            "--allow_version_labels_for_unavailable_models",
            "--monitoring_config_file",
        )
    with serving(
        f"--model_config_file={served}",
        "--model_config_file_poll_wait_seconds=1",
        flags[2],
        version=2,
        model="My_model.v2",
    ) as server:
        server.wait_for(1, model="My_model.v2")

        def version_of(label):
            path = f"/v1/models/My_model.v2/labels/{label}/metadata"
            _, document = server.ask("GET", path)
            return document["model_spec"]["version"]

        assert (version_of("stable"), version_of("canary")) == ("1", "2")
        deploy(2, 2)
        server.wait_for(1, "END", model="My_model.v2")
        assert (version_of("stable"), version_of("canary")) == ("2", "2")


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
    model = tmp_path / "m"
    (model / "3").mkdir(parents=True)
    for words, message in (
        (["--stable", "3"], "--stable was given without --canary"),
        (["--canary", "3"], "--canary was given without --stable"),
        (["--stable", "3", "--canary", "4"], "has no version 4. It has: 3."),
    ):
        assert main([str(model), "--out", str(tmp_path / "out"), *words]) == 2
        assert message in capsys.readouterr().err
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
        "PodDisruptionBudget",
        "ConfigMap",
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


def test_the_kserve_file_matches_its_schema(model, tmp_path):
    assert main([str(model), "--out", str(tmp_path)]) == 0
    (document,) = read(tmp_path / "kserve.yaml")
    schemas.check(document, "inferenceservice")
    for key, value in (("runtimeVersion", 2.2), ("protocolVersion", "v3"), ("storageUrl", "x")):
        wrong = copy.deepcopy(document)
        wrong["spec"]["predictor"]["model"][key] = value
        with pytest.raises(jsonschema.ValidationError):
            schemas.check(wrong, "inferenceservice")


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
