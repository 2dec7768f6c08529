"""The hosts of a run: TF_CONFIG from the variables that a platform sets on each host."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from zoo.errors import UserError

Environment = Mapping[str, str]
Config = dict[str, Any]

PORT = 2222
"""Port of each host, unless ZOO_PORT names another one."""

_PAGE = "docs/distributed.md"
_TRAINING_JOBS = ("chief", "worker")
# Vertex AI's name of a worker pool -> TensorFlow's name of its job.
_POOLS = {
    "workerpool0": "chief",
    "workerpool1": "worker",
    "workerpool2": "ps",
    "workerpool3": "evaluator",
}


def tf_config(environment: Environment) -> Config | None:
    """Returns the content of TF_CONFIG for this host.

    The variables are read in this order: TF_CONFIG itself; CLUSTER_SPEC of Vertex AI; SM_HOSTS and
    SM_CURRENT_HOST of SageMaker; SKYPILOT_NODE_IPS and SKYPILOT_NODE_RANK; JOB_COMPLETION_INDEX of
    Kubernetes (Indexed Job, JobSet, TrainJob) with ZOO_NUM_HOSTS and ZOO_SUBDOMAIN, which the
    manifest sets.

    Args:
        environment: the environment variables.

    Returns:
        The jobs `chief` and `worker` with the addresses of their hosts, and the task of this host:
        `chief`, `worker` or `evaluator`. None if the variables do not name hosts.

    Raises:
        UserError: variables that contradict each other, or one that is missing.

    Example:
    >>> from training.cluster import tf_config
    >>> tf_config({"SM_HOSTS": '["algo-1", "algo-2"]', "SM_CURRENT_HOST": "algo-2"})["task"]
    {'type': 'worker', 'index': 1}
    """
    for variable, read in _PLATFORMS.items():
        if variable in environment:
            return read(environment)
    return None


def host_count(config: Config | None) -> int:
    """Returns the number of hosts that train; 1 without a configuration."""
    return 1 if config is None else sum(len(hosts) for hosts in config["cluster"].values())


def is_evaluator(config: Config | None) -> bool:
    """Returns True if this host has the task `evaluator`, which does not train."""
    return config is not None and config["task"]["type"] == "evaluator"


def writes(config: Config | None) -> bool:
    """Returns True if this host is the one that writes files."""
    if config is None:
        return True
    task = config["task"]
    return task["type"] == "chief" or (
        task == {"type": "worker", "index": 0} and "chief" not in config["cluster"]
    )


def _given(environment: Environment) -> Config | None:
    content = _json(environment, "TF_CONFIG")
    if not isinstance(content, dict):
        raise _wrong("TF_CONFIG", "it is not a JSON object")
    if not content.get("cluster"):
        return None
    return _checked("TF_CONFIG", content.get("cluster"), content.get("task", {}))


def _vertex(environment: Environment) -> Config:
    content = _json(environment, "CLUSTER_SPEC")
    try:
        cluster = {_POOLS[pool]: hosts for pool, hosts in content["cluster"].items()}
        task = {"type": _POOLS[content["task"]["type"]], "index": content["task"]["index"]}
    except (KeyError, TypeError, AttributeError):
        raise _wrong(
            "CLUSTER_SPEC", "it needs `cluster` and `task`, with pools workerpool0 to workerpool3"
        ) from None
    return _checked("CLUSTER_SPEC", cluster, task)


def _sagemaker(environment: Environment) -> Config:
    hosts = _json(environment, "SM_HOSTS")
    if not isinstance(hosts, list):
        raise _wrong("SM_HOSTS", 'it is not a JSON list such as ["algo-1", "algo-2"]')
    current = environment.get("SM_CURRENT_HOST")
    if current not in hosts:
        raise UserError(
            f"SM_CURRENT_HOST is {current!r}, and SM_HOSTS lists {', '.join(map(str, hosts))}. "
            "SageMaker sets both variables; set SM_CURRENT_HOST to this host's name."
        )
    port = _port(environment)
    return _workers([f"{host}:{port}" for host in hosts], hosts.index(current))


def _skypilot(environment: Environment) -> Config:
    hosts = environment["SKYPILOT_NODE_IPS"].split()
    if "SKYPILOT_NODE_RANK" not in environment:
        raise UserError("SKYPILOT_NODE_RANK is missing. Set it to the rank of this node, from 0.")
    rank = _integer(environment, "SKYPILOT_NODE_RANK", minimum=0)
    if rank >= len(hosts):
        raise UserError(
            f"SKYPILOT_NODE_RANK is {rank}, but SKYPILOT_NODE_IPS lists {len(hosts)} nodes. Set "
            "it to the rank of this node, from 0."
        )
    port = _port(environment)
    return _workers([f"{host}:{port}" for host in hosts], rank)


def _kubernetes(environment: Environment) -> Config | None:
    if "ZOO_NUM_HOSTS" not in environment:
        # The pods of an Indexed Job may also be runs that have nothing to do with each other.
        return None
    index = _integer(environment, "JOB_COMPLETION_INDEX", minimum=0)
    count = _integer(environment, "ZOO_NUM_HOSTS", minimum=1)
    if index >= count:
        raise UserError(
            f"JOB_COMPLETION_INDEX is {index}, but ZOO_NUM_HOSTS is {count}. Set ZOO_NUM_HOSTS to "
            "the number of pods (`completions` of a Job, `numNodes` of a TrainJob)."
        )
    name = environment.get("HOSTNAME", "")
    prefix, _, last = name.rpartition("-")
    if last != str(index) or not prefix:
        raise UserError(
            f"HOSTNAME is {name!r}, and a pod of an Indexed Job has a name that ends in its index, "
            f"-{index}. Remove `hostname` and `hostNetwork` from the pod, or set TF_CONFIG."
        )
    subdomain = environment.get("ZOO_SUBDOMAIN")
    if not subdomain:
        raise UserError(
            "ZOO_SUBDOMAIN is missing: the name of the headless Service of the pods. In a Job it "
            f"is the pods' `subdomain`, in a JobSet the JobSet's name. {_PAGE} has manifests."
        )
    port = _port(environment)
    return _workers([f"{prefix}-{one}.{subdomain}:{port}" for one in range(count)], index)


_PLATFORMS: dict[str, Callable[[Environment], Config | None]] = {
    "TF_CONFIG": _given,
    "CLUSTER_SPEC": _vertex,
    "SM_HOSTS": _sagemaker,
    "SKYPILOT_NODE_IPS": _skypilot,
    "JOB_COMPLETION_INDEX": _kubernetes,
}


def _workers(hosts: list[str], index: int) -> Config:
    return {"cluster": {"worker": hosts}, "task": {"type": "worker", "index": index}}


def _checked(variable: str, cluster: Any, task: Any) -> Config:
    """Returns the hosts that train and this host's task, after checks of both."""
    if not isinstance(cluster, dict) or not isinstance(task, dict):
        raise _wrong(variable, "`cluster` and `task` must be JSON objects")
    if unknown := set(cluster) - {*_TRAINING_JOBS, "evaluator"}:
        raise _wrong(
            variable,
            f"it has the job {sorted(unknown)[0]!r}, and a run has the jobs chief, worker and "
            "evaluator",
        )
    for job, hosts in cluster.items():
        if not isinstance(hosts, list) or not all(isinstance(host, str) for host in hosts):
            raise _wrong(variable, f"the hosts of the job {job} must be a list of host:port")
    kind, index = task.get("type"), task.get("index", 0)
    training = {job: cluster[job] for job in _TRAINING_JOBS if cluster.get(job)}
    if kind == "evaluator":
        return {"cluster": training, "task": {"type": kind, "index": 0}}
    # Google's platforms write the index as a number, other programs as text.
    number = int(index) if str(index).isdigit() else -1
    if kind not in training or not 0 <= number < len(training[kind]):
        raise _wrong(variable, f"its task is {kind!r} {index!r}, which its `cluster` does not have")
    return {"cluster": training, "task": {"type": kind, "index": number}}


def _json(environment: Environment, variable: str) -> Any:
    try:
        return json.loads(environment[variable])
    except ValueError as error:
        raise _wrong(variable, f"it is not JSON: {error}") from None


def _integer(environment: Environment, variable: str, *, minimum: int) -> int:
    text = environment[variable]
    if not text.isdigit() or int(text) < minimum:
        raise UserError(f"{variable} is {text!r}; set it to a number of at least {minimum}.")
    return int(text)


def _port(environment: Environment) -> int:
    return _integer({"ZOO_PORT": str(PORT), **environment}, "ZOO_PORT", minimum=1)


def _wrong(variable: str, reason: str) -> UserError:
    return UserError(
        f"{variable} does not describe hosts ({reason}). Remove the variable, or set it as in "
        f"{_PAGE}."
    )
