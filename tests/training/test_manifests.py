"""The manifests of docs/distributed.md: their schemas, and the hosts that follow from them."""

import re

import jsonschema
import pytest
import yaml

from tests.support import schemas
from tests.support.report_matrix import PAGE
from training.cluster import tf_config
from training.vertex import folders


def every_document():
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return [document for block in blocks for document in yaml.safe_load_all(block)]


def documents():
    """Returns the YAML documents of the page that have a kind, by kind."""
    return {one["kind"]: one for one in every_document() if "kind" in one}


def environment(container):
    """Returns the variables of a container whose values the manifest states."""
    return {one["name"]: one["value"] for one in container.get("env", []) if "value" in one}


def test_the_job_names_the_hosts_of_its_pods():
    service, job = documents()["Service"], documents()["Job"]
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert job["spec"]["completionMode"] == "Indexed"
    assert pod["subdomain"] == service["metadata"]["name"]
    assert service["spec"]["selector"]["job-name"] == job["metadata"]["name"]
    name = job["metadata"]["name"]
    for index in range(job["spec"]["completions"]):
        given = {"JOB_COMPLETION_INDEX": str(index), "HOSTNAME": f"{name}-{index}"}
        config = tf_config(environment(container) | given)
        assert config["task"] == {"type": "worker", "index": index}
        hosts = [f"{name}-{one}.{pod['subdomain']}:2222" for one in (0, 1)]
        assert config["cluster"] == {"worker": hosts}


def test_the_train_job_names_the_hosts_of_its_pods():
    runtime, job = documents()["ClusterTrainingRuntime"], documents()["TrainJob"]
    assert job["spec"]["runtimeRef"]["name"] == runtime["metadata"]["name"]
    trainer = job["spec"]["trainer"]
    # Trainer names the JobSet after the TrainJob, and JobSet its headless Service after itself.
    name = job["metadata"]["name"]
    (replicated,) = runtime["spec"]["template"]["spec"]["replicatedJobs"]
    (container,) = replicated["template"]["spec"]["template"]["spec"]["containers"]
    (variable,) = container["env"]
    assert variable["name"] == "ZOO_SUBDOMAIN"
    assert "jobset-name" in variable["valueFrom"]["fieldRef"]["fieldPath"]
    pod = {"JOB_COMPLETION_INDEX": "1", "HOSTNAME": f"{name}-{replicated['name']}-0-1"}
    config = tf_config(environment(trainer) | pod | {"ZOO_SUBDOMAIN": name})
    assert len(config["cluster"]["worker"]) == trainer["numNodes"]
    assert config["cluster"]["worker"][1] == f"{name}-node-0-1.{name}:2222"


def test_the_job_of_vertex_names_folders_that_can_be_written():
    (job,) = (one for one in every_document() if "workerPoolSpecs" in one)
    for pool in job["workerPoolSpecs"]:
        container = pool["containerSpec"]
        found = folders(container["args"], environment(container))
        assert found.words == ("--run-dir", "/gcs/BUCKET/run", "--export", "/gcs/BUCKET/served")
        assert found.logs == "/gcs/BUCKET/logs"


def test_the_manifests_match_their_schemas():
    validator = pytest.importorskip("kubernetes_validate", reason="needs the extra [test]")
    version = validator.latest_version()
    found = documents()
    for kind in ("Service", "Job"):
        validator.validate(found[kind], version, strict=True)
    for kind in ("TrainJob", "ClusterTrainingRuntime"):
        schemas.check(found[kind], kind.lower())
    # Each replicated job of a runtime has the spec of a Kubernetes Job.
    (replicated,) = found["ClusterTrainingRuntime"]["spec"]["template"]["spec"]["replicatedJobs"]
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "x"}}
    validator.validate(job | {"spec": replicated["template"]["spec"]}, version, strict=True)
    found["TrainJob"]["spec"]["trainer"]["numNode"] = 2
    with pytest.raises(jsonschema.ValidationError):
        schemas.check(found["TrainJob"], "trainjob")
