"""Ports on the loopback interface."""

from __future__ import annotations

import random
import socket

LOOPBACK = "127.0.0.1"
# Below the range from which systems take the ports of outgoing connections, so that none of those grabs a
# port between the moment it is chosen and the moment a process listens on it.
_FREE_RANGE = range(20_000, 32_000)
_given: set[int] = set()


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` of the loopback interface now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def free_port() -> int:
    """Give a port that is free and that this process has not been given before."""
    candidates = [port for port in _FREE_RANGE if port not in _given]
    random.shuffle(candidates)
    for port in candidates:
        if is_free(port):
            _given.add(port)
            return port
    msg = f"no free port from {_FREE_RANGE.start} to {_FREE_RANGE.stop - 1} on {LOOPBACK}"
    raise OSError(msg)


def choose_port(default: int) -> int:
    """Give `default` when it is free, else another free port."""
    return default if is_free(default) else free_port()
