"""Monitoring by Prometheus: TensorFlow Serving's setting, Prometheus' targets, a ServiceMonitor."""

from typing import Any

from export.deploy.container import REST, kubernetes_name

MONITORING_CONFIG = "monitoring.config"
METRICS_PATH = "/monitoring/prometheus/metrics"
_INTERVAL = "15s"


def monitoring_config() -> str:
    """Returns the file for `--monitoring_config_file`, which turns the metrics on."""
    return f'prometheus_config {{ enable: true path: "{METRICS_PATH}" }}\n'


def prometheus(name: str) -> dict[str, Any]:
    """Returns Prometheus' configuration for docker compose: it reads the model's service."""
    app = kubernetes_name(name)
    job = {
        "job_name": app,
        "metrics_path": METRICS_PATH,
        # TensorFlow Serving sends no version of the text format with its answer.
        "fallback_scrape_protocol": "PrometheusText0.0.4",
        "static_configs": [{"targets": [f"{app}:{REST}"]}],
    }
    return {"global": {"scrape_interval": _INTERVAL}, "scrape_configs": [job]}


def service_monitor(name: str) -> dict[str, Any]:
    """Returns a ServiceMonitor of the Prometheus operator for the model's Service."""
    app = kubernetes_name(name)
    endpoint = {"port": "rest", "path": METRICS_PATH, "interval": _INTERVAL}
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "ServiceMonitor",
        "metadata": {"name": app, "labels": {"app": app}},
        "spec": {"selector": {"matchLabels": {"app": app}}, "endpoints": [endpoint]},
    }
