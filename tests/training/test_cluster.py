"""Hosts and folders from the variables of a platform, without processes."""

import json
import os
import pathlib
import re

import pytest

from training import fit, fit_on_cluster
from training.cluster import host_count, is_evaluator, tf_config, writes
from training.vertex import folders
from zoo.errors import UserError

TWO = ["a:1", "b:1"]
POD = {
    "JOB_COMPLETION_INDEX": "1",
    "ZOO_NUM_HOSTS": "2",
    "ZOO_SUBDOMAIN": "zoo",
    "HOSTNAME": "zoo-1",
}
SAGEMAKER = {"SM_HOSTS": '["algo-1", "algo-2"]', "SM_CURRENT_HOST": "algo-2"}


def given(cluster, kind, index=0, **more):
    return json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}, **more})


def vertex(kind, index=0, **pools):
    pools = {"workerpool0": ["a:1"], "workerpool1": ["b:1", "c:1"], **pools}
    return {"CLUSTER_SPEC": given(pools, kind, index, environment="cloud")}


WORKERS = {"worker": TWO}
CHIEF = {"chief": ["a:1"], "worker": ["b:1", "c:1"]}


@pytest.mark.parametrize(
    ("environment", "cluster", "task"),
    [
        ({"TF_CONFIG": given(WORKERS, "worker", 1)}, WORKERS, ("worker", 1)),
        ({"TF_CONFIG": given(CHIEF, "chief")}, CHIEF, ("chief", 0)),
        ({"TF_CONFIG": given(CHIEF, "worker", "1")}, CHIEF, ("worker", 1)),
        (
            {"TF_CONFIG": given(CHIEF | {"evaluator": ["d:1"]}, "worker", 1)},
            CHIEF,
            ("worker", 1),
        ),
        ({"TF_CONFIG": given(CHIEF, "evaluator", 0)}, CHIEF, ("evaluator", 0)),
        ({"TF_CONFIG": given(WORKERS, "worker", 0), **SAGEMAKER}, WORKERS, ("worker", 0)),
        (vertex("workerpool0"), CHIEF, ("chief", 0)),
        (vertex("workerpool1", 1), CHIEF, ("worker", 1)),
        (vertex("workerpool3", workerpool3=["d:1"]), CHIEF, ("evaluator", 0)),
        (SAGEMAKER, {"worker": ["algo-1:2222", "algo-2:2222"]}, ("worker", 1)),
        (
            SAGEMAKER | {"ZOO_PORT": "7000"},
            {"worker": ["algo-1:7000", "algo-2:7000"]},
            ("worker", 1),
        ),
        (
            {"SKYPILOT_NODE_IPS": "10.0.0.1\n10.0.0.2", "SKYPILOT_NODE_RANK": "1"},
            {"worker": ["10.0.0.1:2222", "10.0.0.2:2222"]},
            ("worker", 1),
        ),
        (POD, {"worker": ["zoo-0.zoo:2222", "zoo-1.zoo:2222"]}, ("worker", 1)),
        (
            # A pod of a JobSet: JobSet, replicated job, index of the job, index of the pod.
            POD | {"HOSTNAME": "run-node-0-1", "ZOO_SUBDOMAIN": "run"},
            {"worker": ["run-node-0-0.run:2222", "run-node-0-1.run:2222"]},
            ("worker", 1),
        ),
    ],
)
def test_hosts_of_each_platform(environment, cluster, task):
    kind, index = task
    config = tf_config(environment)
    assert config == {"cluster": cluster, "task": {"type": kind, "index": index}}
    assert host_count(config) == sum(map(len, cluster.values()))
    assert is_evaluator(config) == (kind == "evaluator")


@pytest.mark.parametrize(
    "environment",
    [{}, {"TF_CONFIG": "{}"}, {"JOB_COMPLETION_INDEX": "3"}, {"SLURM_JOB_ID": "7"}],
)
def test_one_host_without_such_variables(environment):
    config = tf_config(environment)
    assert config is None and host_count(config) == 1 and writes(config)


def test_one_host_writes():
    for index, expected in ((0, True), (1, False)):
        assert writes(tf_config({"TF_CONFIG": given(WORKERS, "worker", index)})) is expected
        assert not writes(tf_config({"TF_CONFIG": given(CHIEF, "worker", index)}))
    assert writes(tf_config({"TF_CONFIG": given(CHIEF, "chief")}))


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"TF_CONFIG": "{"}, "TF_CONFIG does not describe hosts (it is not JSON"),
        ({"TF_CONFIG": "[1]"}, "not a JSON object"),
        ({"TF_CONFIG": given({"worker": "a:1"}, "worker")}, "must be a list of host:port"),
        ({"TF_CONFIG": given(WORKERS, "worker", 2)}, "its task is 'worker' 2"),
        ({"TF_CONFIG": given(WORKERS, "worker", -1)}, "its task is 'worker' -1"),
        ({"TF_CONFIG": given(WORKERS, "chief", 0)}, "its task is 'chief' 0"),
        ({"TF_CONFIG": given(WORKERS | {"ps": ["c:1"]}, "worker", 0)}, "it has the job 'ps'"),
        ({"TF_CONFIG": '{"cluster": {"worker": ["a:1"]}, "task": 3}'}, "must be JSON objects"),
        ({"CLUSTER_SPEC": "{}"}, "CLUSTER_SPEC does not describe hosts"),
        (vertex("workerpool2", workerpool2=["p:1"]), "it has the job 'ps'"),
        ({"SM_HOSTS": '{"a": 1}', "SM_CURRENT_HOST": "a"}, "not a JSON list"),
        (SAGEMAKER | {"SM_CURRENT_HOST": "algo-9"}, "SM_CURRENT_HOST is 'algo-9'"),
        ({"SM_HOSTS": '["algo-1"]'}, "SM_CURRENT_HOST is None"),
        (SAGEMAKER | {"ZOO_PORT": "x"}, "ZOO_PORT is 'x'; set it to a number"),
        ({"SKYPILOT_NODE_IPS": "10.0.0.1"}, "SKYPILOT_NODE_RANK is missing"),
        ({"SKYPILOT_NODE_IPS": "a", "SKYPILOT_NODE_RANK": "1"}, "SKYPILOT_NODE_RANK is 1, but"),
        (POD | {"ZOO_NUM_HOSTS": "two"}, "ZOO_NUM_HOSTS is 'two'; set it to a number"),
        (POD | {"ZOO_NUM_HOSTS": "1"}, "Set ZOO_NUM_HOSTS to the number of pods"),
        (POD | {"HOSTNAME": "node7"}, "HOSTNAME is 'node7'"),
        (POD | {"ZOO_SUBDOMAIN": ""}, "ZOO_SUBDOMAIN is missing"),
    ],
)
def test_errors_name_the_variable_and_what_to_type(environment, message):
    with pytest.raises(UserError) as error:
        tf_config(environment)
    assert message in str(error.value)
    assert re.search("[Ss]et |Remove|docs/", str(error.value))


@pytest.mark.parametrize(
    ("arguments", "environment", "words", "logs"),
    [
        ([], {}, (), None),
        ([], {"AIP_CHECKPOINT_DIR": "/gcs/b/c"}, ("--run-dir", "/gcs/b/c"), None),
        (["--run-dir", "r"], {"AIP_CHECKPOINT_DIR": "gs://b/c"}, (), None),
        (["--run_dir=r"], {"AIP_CHECKPOINT_DIR": "gs://b/c", "AIP_MODEL_DIR": ""}, (), None),
        (["--run-dir", "r"], {"AIP_MODEL_DIR": "/m"}, ("--export", "/m"), None),
        (["--export=e", "--run-dir=r"], {"AIP_MODEL_DIR": "gs://b/m"}, (), None),
        (["--run-dir", "r"], {"AIP_TENSORBOARD_LOG_DIR": "/l"}, (), "/l"),
    ],
)
def test_folders_of_vertex(arguments, environment, words, logs):
    found = folders(arguments, environment)
    assert (found.words, found.logs) == (words, logs)


def test_addresses_of_cloud_storage_are_refused_with_the_mounted_path():
    names = ("AIP_CHECKPOINT_DIR", "AIP_MODEL_DIR", "AIP_TENSORBOARD_LOG_DIR")
    with pytest.raises(UserError) as error:
        folders([], {name: f"gs://bucket/{name.lower()}/" for name in names})
    typed = " ".join(f"{name}=/gcs/bucket/{name.lower()}/" for name in names)
    assert f"type: export {typed}" in str(error.value)
    with pytest.raises(UserError, match="Give --run-dir FOLDER"):
        folders([], {"AIP_TENSORBOARD_LOG_DIR": "/l"})


@pytest.fixture
def started(monkeypatch, tmp_path):
    """Replaces `training.fit`; returns the arguments and the TF_CONFIG that it was started with."""
    calls = []
    monkeypatch.chdir(tmp_path)
    # The command sets this variable, and `monkeypatch` removes it again.
    monkeypatch.setenv("TF_CONFIG", "")
    monkeypatch.delenv("TF_CONFIG")
    for name in ("AIP_CHECKPOINT_DIR", "AIP_MODEL_DIR", "AIP_TENSORBOARD_LOG_DIR"):
        monkeypatch.delenv(name, raising=False)

    def main(arguments, *, prog):
        calls.append((arguments, os.environ.get("TF_CONFIG")))
        if "--run-dir" in arguments:
            logs = pathlib.Path(arguments[arguments.index("--run-dir") + 1], "logs", "train")
            logs.mkdir(parents=True)
            (logs / "events").write_text("x")
        return 4

    monkeypatch.setattr(fit, "main", main)
    return calls


def test_the_command_sets_tf_config_and_copies_the_logs(started, monkeypatch, tmp_path):
    for name, value in (SAGEMAKER | {"SM_CURRENT_HOST": "algo-1"}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AIP_CHECKPOINT_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("AIP_TENSORBOARD_LOG_DIR", str(tmp_path / "board"))
    assert fit_on_cluster.main(["--model", "gan"]) == 4
    ((arguments, config),) = started
    assert arguments == ["--model", "gan", "--run-dir", str(tmp_path / "run")]
    assert json.loads(config)["task"] == {"type": "worker", "index": 0}
    assert (tmp_path / "board" / "train" / "events").read_text() == "x"


def test_an_evaluator_ends_without_training(started, monkeypatch, capsys):
    monkeypatch.setenv("TF_CONFIG", given(CHIEF, "evaluator"))
    assert fit_on_cluster.main(["--model", "gan"]) == 0
    assert "This host is an evaluator" in capsys.readouterr().out
    monkeypatch.setenv("TF_CONFIG", "{")
    assert fit_on_cluster.main(["--model", "gan"]) == 2
    assert "TF_CONFIG does not describe hosts" in capsys.readouterr().err
    assert started == []


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"JOB_COMPLETION_INDEX": "0"}, "set ZOO_NUM_HOSTS and ZOO_SUBDOMAIN"),
        ({"TF_CONFIG": given(CHIEF, "evaluator")}, "python -m training.fit_on_cluster"),
        ({"TF_CONFIG": "{}"}, "Set TF_CONFIG on each host"),
    ],
)
def test_several_hosts_that_cannot_be_found(environment, message, monkeypatch):
    from training.distribute import make_strategy
    from training.options.devices import DeviceOptions

    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match=re.escape(message)):
        make_strategy(DeviceOptions(strategy="multi_worker"))
