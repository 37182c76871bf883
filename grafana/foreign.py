"""Metrics that are not ours but Prometheus', Alertmanager's or every Python process's, as far as panels show them."""

from __future__ import annotations

from exporter.metrics import Family, Kind

EXPORTER_JOB = "trading-exporter"
PROMETHEUS_JOB = "prometheus"
ALERTMANAGER_JOB = "alertmanager"

_SCRAPED = ("job", "instance")
_ALERT = ("alertname", "alertstate", "severity", "exchange", "account", "symbol", "strategy", "bot")


def _counter(name: str, text: str, *labels: str) -> Family:
    return Family(name, Kind.COUNTER, (*_SCRAPED, *labels), text)


def _gauge(name: str, text: str, *labels: str) -> Family:
    return Family(name, Kind.GAUGE, (*_SCRAPED, *labels), text)


# Written by Prometheus itself.
ALERTS = Family("ALERTS", Kind.GAUGE, _ALERT, "1 while an alert waits or fires.")
UP = _gauge("up", "Whether the last scrape of a target succeeded.")
SCRAPE_DURATION = _gauge("scrape_duration_seconds", "Time that a scrape took.")
SCRAPE_SAMPLES = _gauge("scrape_samples_scraped", "Samples that a target exposed.")

# Of every process that is scraped.
PROCESS_CPU = _counter("process_cpu_seconds_total", "Processor time of a process.")
PROCESS_MEMORY = _gauge("process_resident_memory_bytes", "Memory of a process.")
PROCESS_START = _gauge("process_start_time_seconds", "Unix time at which a process started.")

# Prometheus' own.
HEAD_SERIES = _gauge("prometheus_tsdb_head_series", "Series that Prometheus keeps in memory.")
STORED_BYTES = _gauge("prometheus_tsdb_storage_blocks_bytes", "Bytes of the blocks on Prometheus' disk.")
WAL_BYTES = _gauge("prometheus_tsdb_wal_storage_size_bytes", "Bytes of Prometheus' write-ahead log.")
SAMPLES_APPENDED = _counter("prometheus_tsdb_head_samples_appended_total", "Samples taken in.", "type")
RULE_FAILURES = _counter("prometheus_rule_evaluation_failures_total", "Rules that failed.", "rule_group")
RULE_DURATION = _gauge("prometheus_rule_group_last_duration_seconds", "Time that a group of rules took.", "rule_group")
ALERTS_DROPPED = _counter("prometheus_notifications_dropped_total", "Alerts that no Alertmanager could be told of.")

# Alertmanager's own.
NOTIFICATIONS = _counter("alertmanager_notifications_total", "Messages to a kind of channel.", "integration")
NOTIFICATIONS_FAILED = _counter(
    "alertmanager_notifications_failed_total", "Messages that a kind of channel refused.", "integration"
)

TABLE = (
    ALERTS,
    UP,
    SCRAPE_DURATION,
    SCRAPE_SAMPLES,
    PROCESS_CPU,
    PROCESS_MEMORY,
    PROCESS_START,
    HEAD_SERIES,
    STORED_BYTES,
    WAL_BYTES,
    SAMPLES_APPENDED,
    RULE_FAILURES,
    RULE_DURATION,
    ALERTS_DROPPED,
    NOTIFICATIONS,
    NOTIFICATIONS_FAILED,
)
