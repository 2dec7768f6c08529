"""A Grafana dashboard of the metrics that TensorFlow Serving and the local server export."""

from typing import Any

from export.deploy.container import kubernetes_name

_METRIC = ":tensorflow:serving:"
_MODEL = 'model_name="$model"'
_WIDTH, _HEIGHT = 12, 8


def dashboard(name: str) -> dict[str, Any]:
    """Returns a dashboard for Grafana's page *Import dashboard*.

    Args:
        name: the name of the model that is shown first; the page can choose another one.
    """
    graphs = [
        (
            "Requests per second",
            "reqps",
            {"{{status}}": f"sum by (status) (rate({_METRIC}request_count{{{_MODEL}}}[5m]))"},
        ),
        (
            "Share of failed requests",
            "percentunit",
            {
                "failed": f'sum(rate({_METRIC}request_count{{{_MODEL}, status!="OK"}}[5m]))'
                f" / sum(rate({_METRIC}request_count{{{_MODEL}}}[5m]))"
            },
        ),
        ("Request latency", "µs", _quantiles("request_latency", _MODEL)),
        ("Latency of the graph", "µs", _quantiles("runtime_latency", _MODEL)),
        ("Requests per second by API", "reqps", {"{{API}} {{entrypoint}}": _by_api()}),
        # This metric has no label for the model.
        ("Wait for a batch, all models", "µs", _quantiles("batching_session:queuing_latency", "")),
    ]
    return {
        "title": f"TensorFlow Serving: {name}",
        "uid": kubernetes_name(name)[:40],
        "tags": ["tensorflow-serving"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": _variables(name)},
        "panels": [_panel(index, *graph) for index, graph in enumerate(graphs)],
    }


def _quantiles(metric: str, labels: str) -> dict[str, str]:
    """Returns one query per quantile of a histogram, by its legend."""
    rate = f"sum by (le) (rate({_METRIC}{metric}_bucket{{{labels}}}[5m]))"
    return {f"p{q * 100:g}": f"histogram_quantile({q}, {rate})" for q in (0.5, 0.95, 0.99)}


def _by_api() -> str:
    return f"sum by (API, entrypoint) (rate({_METRIC}request_latency_count{{{_MODEL}}}[5m]))"


def _variables(name: str) -> list[dict[str, Any]]:
    return [
        {"name": "datasource", "type": "datasource", "query": "prometheus"},
        {
            "name": "model",
            "type": "query",
            "datasource": {"type": "prometheus", "uid": "${datasource}"},
            "query": f"label_values({_METRIC}request_count, model_name)",
            "current": {"text": name, "value": name},
            "refresh": 2,
        },
    ]


def _panel(index: int, title: str, unit: str, queries: dict[str, str]) -> dict[str, Any]:
    source = {"type": "prometheus", "uid": "${datasource}"}
    return {
        "id": index + 1,
        "type": "timeseries",
        "title": title,
        "datasource": source,
        "gridPos": {
            "x": index % 2 * _WIDTH,
            "y": index // 2 * _HEIGHT,
            "w": _WIDTH,
            "h": _HEIGHT,
        },
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + row), "expr": query, "legendFormat": legend}
            for row, (legend, query) in enumerate(queries.items())
        ],
    }
