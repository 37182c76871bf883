"""The machine that the exporter runs on."""

from __future__ import annotations

from exporter import metrics
from grafana import queries
from grafana.layout import Section, line
from grafana.panels import LIMIT, Draw, Look, Panel, timeseries
from grafana.queries import Query

_RATIO = Look(unit="percentunit", low=0, high=1)
_LINES = Draw(fill=0)


def machine() -> Section:
    """Return the row on the machine that the exporter runs on."""
    return Section("Machine", (line(7, _cpu(), _memory(), _network()), line(7, _disk(), _disk_bytes(), _room())))


def _cpu() -> Panel:
    busy = queries.rate(metrics.HOST_CPU_SECONDS, (), mode="!~idle|iowait")
    return timeseries(
        "Processor",
        "Share of the machine's processors in use; the dashed line is the configured target. Near 100 %: everything "
        "waits; see which process it is.",
        Query(queries.share(busy, queries.rate(metrics.HOST_CPU_SECONDS)), "in use"),
        Query(queries.gauge(metrics.TARGET_CPU, how="min"), "target"),
        look=_RATIO,
        series={"target": LIMIT},
    )


def _memory() -> Panel:
    whole = queries.gauge(metrics.HOST_MEMORY)
    return timeseries(
        "Memory",
        "Memory of the machine, and what programs could still get; the dashed line is the least that the configured "
        "target leaves. Near nothing: the system ends processes.",
        Query(whole, "all"),
        Query(queries.gauge(metrics.HOST_MEMORY_AVAILABLE), "available"),
        Query(f"{whole} * (1 - {queries.gauge(metrics.TARGET_MEMORY, how='min')})", "least"),
        look=Look(unit="bytes", low=0),
        draw=_LINES,
        series={"least": LIMIT},
    )


def _disk() -> Panel:
    return timeseries(
        "Disk operations",
        "Reads and writes a second of all disks. Many with a slow journal (see time to disk on the Admin dashboard): "
        "something else writes to the same disk; move one of the two.",
        Query(queries.rate(metrics.HOST_DISK_OPERATIONS, ("direction",)), "{{direction}}s"),
        look=Look(unit="suffix:/s", low=0),
        draw=_LINES,
    )


def _disk_bytes() -> Panel:
    return timeseries(
        "Disk throughput",
        "Bytes a second read from and written to all disks. Near what the disk can do: commits wait. Reading that does "
        "not end with as little memory left: the machine swaps.",
        Query(queries.rate(metrics.HOST_DISK_BYTES, ("direction",)), "{{direction}}"),
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
    return timeseries(
        "Network",
        "Bytes a second, but on the loopback interface, and the days since the machine started.",
        Query(queries.rate(metrics.HOST_NETWORK_BYTES, ("direction",)), "{{direction}}"),
        Query(queries.age(metrics.HOST_BOOT), "since the start"),
        look=Look(unit="Bps", low=0),
        series={"since the start": Look(unit="s")},
        draw=_LINES,
    )
