"""What it is like to talk to each exchange: up or down, latency, errors, limits, streams."""

from __future__ import annotations

from exporter import metrics
from grafana import queries
from grafana.layout import Section, line
from grafana.panels import LIMIT, Draw, Look, Panel, bargauge, state_timeline, timeseries
from grafana.queries import Query

_BY = ("exchange",)
_LEGEND = "{{exchange}}"
UP_OR_DOWN = Look(
    unit="none",
    steps=((None, "red"), (1, "green")),
    words={"0": ("down", "red"), "1": ("up", "green")},
)


def section() -> Section:
    """Return the row on exchanges."""
    return Section(
        "Exchanges",
        (
            line(7, _up(), _streams()),
            line(8, *(_latency(percent) for percent in (50, 95, 99))),
            line(8, _availability(), _errors(), _error_kinds()),
            line(7, _rate_limit(), _throttle(), _clock(), _stream_failures()),
        ),
    )


def _error_ratio() -> str:
    errors = queries.rate(metrics.EXCHANGE_REQUEST_ERRORS, _BY)
    return queries.share(errors, queries.rate(metrics.EXCHANGE_REQUESTS, _BY))


def _up() -> Panel:
    return state_timeline(
        "Exchange up",
        "Whether the last probe of each exchange succeeded. Down: see the exchange's status page, then errors "
        "by kind. All down at once: look at our own network.",
        Query(queries.gauge(metrics.EXCHANGE_UP, _BY, how="min"), _LEGEND),
        look=UP_OR_DOWN,
    )


def _streams() -> Panel:
    return state_timeline(
        "Streams",
        "WebSocket streams of books, fills and orders; while one is down the exporter restores it and fetches "
        "what it missed. Down for long with the exchange up: check the API key's rights and stream failures.",
        Query(
            queries.gauge(metrics.EXCHANGE_STREAM_UP, ("exchange", "stream"), how="min"),
            "{{exchange}} {{stream}}",
        ),
        look=UP_OR_DOWN,
    )


def _latency(percent: int) -> Panel:
    return timeseries(
        f"Latency p{percent}",
        f"{percent} % of the requests of five minutes were answered within this time, our own rate limiter's queue "
        "left out. Higher on one exchange: it is slow, so quote wider there. Higher on all: look at our machine and "
        "network.",
        Query(queries.recorded(f"exchange:request_duration_seconds:p{percent}_5m"), _LEGEND),
        look=Look(unit="s", low=0),
        draw=Draw(fill=0),
    )


def _availability() -> Panel:
    return timeseries(
        "Availability, 5 min",
        "Share of requests, or of probes if lower, that the exchange answered with sense, as its alert sees it; "
        "the dashed line is the target in the configuration. Below it: stop quoting there until it recovers.",
        Query(queries.recorded("exchange:availability:ratio_rate5m"), _LEGEND),
        Query(queries.gauge(metrics.TARGET_EXCHANGE_AVAILABILITY, how="max"), "target"),
        look=Look(unit="percentunit", decimals=1, high=1),
        draw=Draw(fill=0),
        series={"target": LIMIT},
    )


def _errors() -> Panel:
    def limit(severity: str) -> str:
        return queries.gauge(metrics.TARGET_EXCHANGE_ERRORS, how="min", severity=severity)

    return timeseries(
        "Error rate",
        "Share of requests that failed, whoever was to blame; the dashed lines are the limits for a warning and "
        "a critical alert. The kind of error, in the next chart, says what to do.",
        Query(_error_ratio(), _LEGEND),
        Query(limit("warning"), "warning"),
        Query(limit("critical"), "critical"),
        look=Look(unit="percentunit", decimals=1, low=0),
        draw=Draw(fill=0),
        series={"warning": LIMIT, "critical": Look(color="red", dashed=True)},
    )


def _error_kinds() -> Panel:
    return timeseries(
        "Errors by kind",
        "Failed requests a minute. authentication: check the key; clock: check the time service; rate_limit: "
        "slow down; rejected: see rejections by reason; the others are the exchange's or the network's.",
        Query(queries.per_minute(metrics.EXCHANGE_REQUEST_ERRORS, ("error",)), "{{error}}"),
        look=Look(unit="suffix:/min"),
        draw=Draw(bars=True, stacked=True),
    )


def _rate_limit() -> Panel:
    return bargauge(
        "Rate limit used",
        "Share of the exchange's request limit in use, where it tells. Beyond the limit it refuses and may ban: "
        "above 90 % make the bot send less at once.",
        Query(queries.gauge(metrics.EXCHANGE_RATE_LIMIT_USED, _BY, how="max"), _LEGEND),
        look=Look(
            unit="percentunit",
            decimals=0,
            steps=((None, "green"), (0.7, "yellow"), (0.9, "red")),
            low=0,
            high=1,
        ),
    )


def _throttle() -> Panel:
    return timeseries(
        "Wait in our rate limiter, p95",
        "95 % of requests waited no longer than this in our own queue before they were sent. It grows when we "
        "ask more than the exchange allows: poll less or drop symbols.",
        Query(queries.quantile(0.95, metrics.EXCHANGE_THROTTLE_WAIT, _BY), _LEGEND),
        look=Look(unit="s", low=0),
    )


def _clock() -> Panel:
    return timeseries(
        "Clock offset",
        "The exchange's clock less ours. Beyond a second signed requests are refused: check the machine's time "
        "service. One exchange alone: its own clock is off.",
        Query(queries.gauge(metrics.EXCHANGE_CLOCK_OFFSET, _BY, how="avg"), _LEGEND),
        look=Look(unit="s"),
        draw=Draw(fill=0),
    )


def _stream_failures() -> Panel:
    return timeseries(
        "Stream failures",
        "Times a minute that a stream broke and was restored, by exchange and stream. Now and then is normal; "
        "steadily, look at errors by kind and at the network.",
        Query(
            queries.per_minute(metrics.EXCHANGE_STREAM_FAILURES, ("exchange", "stream")),
            "{{exchange}} {{stream}}",
        ),
        look=Look(unit="suffix:/min"),
        draw=Draw(bars=True, stacked=True),
    )
