"""The machine, in plain numbers."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class HostState:
    """Since the machine started, and now. What the system does not tell is missing, or None.

    ``cpu`` are seconds of all cores by what they did; ``disk`` and ``disk_bytes`` operations and bytes by direction,
    ``network_bytes`` those of all interfaces but the loopback; ``journal_free_bytes`` is the room on the journal's
    disk, ``boot`` the Unix time of the start.
    """

    cpu: dict[str, float] = field(default_factory=dict)
    memory_bytes: float | None = None
    memory_available_bytes: float | None = None
    disk: dict[str, float] = field(default_factory=dict)
    disk_bytes: dict[str, float] = field(default_factory=dict)
    network_bytes: dict[str, float] = field(default_factory=dict)
    journal_free_bytes: float | None = None
    boot: float | None = None
