"""Metrics that are not ours but Prometheus', Alertmanager's or every Python process's, as far as panels show them."""

from __future__ import annotations

from exporter.metrics import Family, Kind

EXPORTER_JOB = "trading-exporter"
PROMETHEUS_JOB = "prometheus"
ALERTMANAGER_JOB = "alertmanager"

_SCRAPED = ("job", "instance")
ALERT_PLACES = (
    *("exchange", "account", "symbol", "strategy", "currency", "bot", "cache", "tier", "model"),
    *("resource", "slo", "signal", "scope", "name", "job", "instance", "integration", "rule_group"),
)
"""Labels that say where an alert is; each alert has few of them."""

_ALERT = ("alertname", "alertstate", "severity", *ALERT_PLACES)


def _counter(name: str, text: str, *labels: str) -> Family:
    return Family(name, Kind.COUNTER, (*_SCRAPED, *labels), text)


def _gauge(name: str, text: str, *labels: str) -> Family:
    return Family(name, Kind.GAUGE, (*_SCRAPED, *labels), text)


# Written by Prometheus itself.
ALERTS = Family("ALERTS", Kind.GAUGE, _ALERT, "1 while an alert waits or fires.")
ALERTS_SINCE = Family(
    "ALERTS_FOR_STATE",
    Kind.GAUGE,
    tuple(label for label in _ALERT if label != "alertstate"),
    "Unix time since which an alert waits or fires.",
)
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
WAL_BYTES = _gauge("prometheus_tsdb_wal_storage_size_bytes", "Bytes of Prometheus' write-ahead log; not in 2.42.")
OLDEST_SAMPLE = _gauge("prometheus_tsdb_lowest_timestamp_seconds", "Unix time of the oldest sample that is kept.")
COMPACTIONS_FAILED = _counter("prometheus_tsdb_compactions_failed_total", "Blocks that could not be put together.")
CONFIG_LOADED = _gauge("prometheus_config_last_reload_successful", "Whether the last reading of its file succeeded.")
SCRAPES_REFUSED = _counter(
    "prometheus_target_scrapes_exceeded_sample_limit_total", "Scrapes refused since they had too many samples."
)
SAMPLES_OUT_OF_ORDER = _counter(
    "prometheus_target_scrapes_sample_out_of_order_total", "Samples refused since they came behind a later one."
)
SAMPLES_APPENDED = _counter("prometheus_tsdb_head_samples_appended_total", "Samples taken in.", "type")
RULE_FAILURES = _counter("prometheus_rule_evaluation_failures_total", "Rules that failed.", "rule_group")
RULES_MISSED = _counter("prometheus_rule_group_iterations_missed_total", "Evaluations left out.", "rule_group")
RULE_INTERVAL = _gauge("prometheus_rule_group_interval_seconds", "Time between evaluations.", "rule_group")
RULE_DURATION = _gauge("prometheus_rule_group_last_duration_seconds", "Time that a group of rules took.", "rule_group")
ALERTS_DROPPED = _counter("prometheus_notifications_dropped_total", "Alerts that no Alertmanager could be told of.")
ALERTS_QUEUED = _gauge("prometheus_notifications_queue_length", "Alerts that Alertmanager is still to be told of.")

# Alertmanager's own.
NOTIFICATIONS = _counter("alertmanager_notifications_total", "Messages to a kind of channel.", "integration")
NOTIFICATIONS_FAILED = _counter(
    "alertmanager_notifications_failed_total", "Messages that a kind of channel refused.", "integration"
)
NOTIFICATION_SECONDS = _counter(
    "alertmanager_notification_latency_seconds_sum", "Time that handing over took.", "integration"
)
NOTIFICATION_COUNT = _counter(
    "alertmanager_notification_latency_seconds_count", "Times that something was handed over.", "integration"
)
ALERTS_KNOWN = _gauge("alertmanager_alerts", "Alerts that Alertmanager knows, by what becomes of them.", "state")
SILENCES = _gauge("alertmanager_silences", "Silences, by whether they hold now.", "state")
CHANNELS_LOADED = _gauge("alertmanager_config_last_reload_successful", "The same of Alertmanager's file.")

TABLE = (
    ALERTS,
    ALERTS_SINCE,
    UP,
    SCRAPE_DURATION,
    SCRAPE_SAMPLES,
    PROCESS_CPU,
    PROCESS_MEMORY,
    PROCESS_START,
    HEAD_SERIES,
    STORED_BYTES,
    WAL_BYTES,
    OLDEST_SAMPLE,
    COMPACTIONS_FAILED,
    CONFIG_LOADED,
    SCRAPES_REFUSED,
    SAMPLES_OUT_OF_ORDER,
    SAMPLES_APPENDED,
    RULE_FAILURES,
    RULES_MISSED,
    RULE_INTERVAL,
    RULE_DURATION,
    ALERTS_DROPPED,
    ALERTS_QUEUED,
    NOTIFICATIONS,
    NOTIFICATIONS_FAILED,
    NOTIFICATION_SECONDS,
    NOTIFICATION_COUNT,
    ALERTS_KNOWN,
    SILENCES,
    CHANNELS_LOADED,
)
