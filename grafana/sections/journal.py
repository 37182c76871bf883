"""The journal: does what is accepted get on disk, and how quickly."""

from __future__ import annotations

from exporter import metrics
from grafana import queries
from grafana.layout import Section, line
from grafana.panels import Draw, Look, Panel, stat, state_timeline, timeseries
from grafana.queries import Query
from grafana.sections.exchanges import UP_OR_DOWN


def section() -> Section:
    """Return the row on the journal."""
    return Section(
        "Journal", (line(6, (2, _up()), (1, _damage())), line(7, _commits(), _pending(), _written(), _size()))
    )


def _up() -> Panel:
    return state_timeline(
        "Journal written",
        "Whether what is accepted gets on disk. Down: it waits in memory and senders are told to deliver later; make "
        "room on the disk and do not restart the exporter before.",
        Query(queries.gauge(metrics.JOURNAL_UP, how="min"), "Journal"),
        Query(
            f"{queries.increase(metrics.JOURNAL_COMMIT_FAILURES, window=queries.RATE_INTERVAL)} == bool 0",
            "Each attempt",
        ),
        look=UP_OR_DOWN,
    )


def _damage() -> Panel:
    return stat(
        "Damage",
        "Whether the journal was damaged at the last start, how many rows are known to be lost, books whose figures "
        "are missing since a row cannot be read, and the time since the last commit. Damaged: the log says what is "
        "intact, and docs/journal.md what to do.",
        Query(queries.gauge(metrics.JOURNAL_SALVAGED, how="max"), "At the last start"),
        Query(queries.gauge(metrics.JOURNAL_LOST_ROWS), "Rows lost"),
        Query(queries.gauge(metrics.JOURNAL_TORN_BOOKS), "Books unreadable"),
        Query(queries.age(metrics.JOURNAL_LAST_COMMIT), "Since the last commit"),
        look=Look(unit="none", decimals=0, steps=((None, "green"), (1, "red"))),
        series={
            "At the last start": Look(words={"0": ("whole", "green"), "1": ("damaged", "red")}),
            "Since the last commit": Look(unit="s", decimals=1),
        },
    )


def _commits() -> Panel:
    return timeseries(
        "Time to disk",
        "Time in which half and 99 % of the commits were on disk. An acknowledgement waits for one of them. High: the "
        "disk is slow or shared with something else that writes.",
        Query(queries.quantile(0.5, metrics.JOURNAL_COMMITS), "p50"),
        Query(queries.quantile(0.99, metrics.JOURNAL_COMMITS), "p99"),
        look=Look(unit="s", low=0),
        draw=Draw(fill=0),
    )


def _pending() -> Panel:
    return timeseries(
        "Waiting for the disk",
        "Events accepted that are not on disk yet. A line that climbs: the disk refuses or cannot keep up; at "
        "journal.max_pending no more are taken.",
        Query(queries.gauge(metrics.JOURNAL_PENDING), "events"),
        look=Look(unit="short", decimals=0, low=0),
    )


def _written() -> Panel:
    return timeseries(
        "Written",
        "Events and rows written a second. Many events in a row: they came together, and shared one commit.",
        Query(queries.rate(metrics.JOURNAL_RECORDS, ("group",)), "{{group}} events"),
        Query(queries.rate(metrics.JOURNAL_ROWS, ("group",)), "{{group}} rows"),
        look=Look(unit="suffix:/s", low=0),
        draw=Draw(fill=0),
    )


def _size() -> Panel:
    return timeseries(
        "Journal size",
        "Size of the journal on disk. Lasting events are never deleted: plan for it to grow, and see that the disk "
        "has room.",
        Query(queries.gauge(metrics.JOURNAL_SIZE), "size"),
        look=Look(unit="bytes", low=0),
    )
