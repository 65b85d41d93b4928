"""The one place where adapters are chosen and handed to whoever needs them."""

# Adapters are imported where they are made: a command that needs no Grafana or GitHub starts without them.

from ml_core.bootstrap.platform import Platform, TaskContext

__all__ = ["Platform", "TaskContext"]
