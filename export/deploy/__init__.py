"""Writes deployment files of an exported model."""

from export.deploy.command import main
from export.deploy.container import kubernetes_name

__all__ = ["kubernetes_name", "main"]
