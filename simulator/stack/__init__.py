"""The stack on one machine: simulator, market maker, exporter, Prometheus, Alertmanager and Grafana.

`find_binary` and `ensure_binaries` know where the programs are, `simulator.stack.processes.Stack` starts
and ends processes, `simulator.stack.components` gives the command and configuration of each part. The demo
and the tests use the same three.
"""

from simulator.stack.binaries import BinaryNotFoundError, ensure_binaries, find_binary

__all__ = ["BinaryNotFoundError", "ensure_binaries", "find_binary"]
