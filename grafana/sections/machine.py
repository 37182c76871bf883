"""The machines that exporters run on, each by the exporter that tells of it."""

from __future__ import annotations

from exporter import metrics
from exporter.metrics import Family
from grafana import queries
from grafana.layout import Section, line
from grafana.panels import LIMIT, Draw, Look, Panel, timeseries
from grafana.queries import Query

_RATIO = Look(unit="percentunit", low=0, high=1)
_LINES = Draw(fill=0)
_MACHINE = "{{instance}}"


def machine() -> Section:
    """Return the row on the machines that exporters run on."""
    return Section("Machine", (line(7, _cpu(), _memory(), _network()), line(7, _disk(), _disk_bytes(), _room())))


def _cpu() -> Panel:
    busy = _rate(metrics.HOST_CPU_SECONDS, mode="!~idle|iowait")
    return timeseries(
        "Processor",
        "Share of each machine's processors in use; the dashed line is the configured target. Near 100 %: everything "
        "waits; see which process it is.",
        Query(queries.share(busy, _rate(metrics.HOST_CPU_SECONDS)), f"{_MACHINE} in use"),
        Query(queries.gauge(metrics.TARGET_CPU, how="min"), "target"),
        look=_RATIO,
        series={"target": LIMIT},
    )


def _memory() -> Panel:
    whole = _now(metrics.HOST_MEMORY)
    return timeseries(
        "Memory",
        "Memory of each machine, and what programs could still get; the dashed line is the least that the configured "
        "target leaves. Near nothing: the system ends processes.",
        Query(whole, f"{_MACHINE} all"),
        Query(_now(metrics.HOST_MEMORY_AVAILABLE), f"{_MACHINE} available"),
        Query(f"max({whole}) * (1 - {queries.gauge(metrics.TARGET_MEMORY, how='min')})", "least"),
        look=Look(unit="bytes", low=0),
        draw=_LINES,
        series={"least": LIMIT},
    )


def _disk() -> Panel:
    return timeseries(
        "Disk operations",
        "Reads and writes a second of all disks. Many with a slow journal (see time to disk on the Admin dashboard): "
        "something else writes to the same disk; move one of the two.",
        Query(_rate(metrics.HOST_DISK_OPERATIONS, "direction"), f"{_MACHINE} {{{{direction}}}}s"),
        look=Look(unit="suffix:/s", low=0),
        draw=_LINES,
    )


def _disk_bytes() -> Panel:
    return timeseries(
        "Disk throughput",
        "Bytes a second read from and written to all disks. Near what the disk can do: commits wait. Reading that does "
        "not end with as little memory left: the machine swaps.",
        Query(_rate(metrics.HOST_DISK_BYTES, "direction"), f"{_MACHINE} {{{{direction}}}}"),
        look=Look(unit="Bps", low=0),
        draw=_LINES,
    )


def _room() -> Panel:
    return timeseries(
        "Room on the journal's disk",
        "Room that is left on the disk that the journal is on; the dashed line is the least that is configured. Room "
        "that shrinks to nothing stops the journal: make some before.",
        Query(queries.gauge(metrics.JOURNAL_DISK_FREE, how="min"), "room"),
        Query(queries.gauge(metrics.TARGET_JOURNAL_DISK, how="max"), "least"),
        look=Look(unit="bytes", low=0),
        draw=_LINES,
        series={"least": LIMIT},
    )


def _network() -> Panel:
    booted = queries.select(metrics.HOST_BOOT)
    return timeseries(
        "Network",
        "Bytes a second, but on the loopback interface, and the time since the machine that started last did. Near "
        "what the line carries: fewer symbols, or a faster line. A start that nobody asked for: see the system's log.",
        Query(_rate(metrics.HOST_NETWORK_BYTES, "direction"), f"{_MACHINE} {{{{direction}}}}"),
        Query(f"min(timestamp({booted}) - {booted})", "since the start"),
        look=Look(unit="Bps", low=0),
        series={"since the start": Look(unit="s")},
        draw=_LINES,
    )


def _rate(family: Family, *by: str, **where: str) -> str:
    """Return a counter's rate on each machine."""
    labels = ", ".join(("instance", *by))
    return f"sum by ({labels}) (rate({queries.select(family, **where)}[{queries.RATE_INTERVAL}]))"


def _now(family: Family) -> str:
    return f"max by (instance) ({queries.select(family)})"
