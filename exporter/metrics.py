"""The one table of metric families: name, type, labels, help.

Everything that names a metric reads it from here: the collectors, ``docs/metrics.md``, the tests that
hold rules and dashboards against it, and the exposition. A family that is not in `TABLE` cannot be
exported.

Conventions: ``trading_<subsystem>_<quantity>_<unit>``; base units (seconds, ratio 0-1, USD); ``_total``
only on what never falls; points in time end in ``_timestamp_seconds``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

NAMESPACE = "trading_"


class Kind(StrEnum):
    """The exposition type of a family."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Family:
    """One metric family.

    ``labels`` are in the order in which collectors give their values; ``buckets`` are the upper bounds
    of a histogram without ``+Inf``, in the family's unit, and empty for the other kinds.
    """

    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str
    buckets: tuple[float, ...] = ()


LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0)

_EXCHANGE = ("exchange",)
_MARKET = ("exchange", "symbol")
_ACCOUNT = ("exchange", "account")
_BOOK = ("exchange", "account", "symbol", "strategy")


def _counter(name: str, labels: tuple[str, ...], text: str) -> Family:
    return Family(NAMESPACE + name, Kind.COUNTER, labels, text)


def _gauge(name: str, labels: tuple[str, ...], text: str) -> Family:
    return Family(NAMESPACE + name, Kind.GAUGE, labels, text)


def _histogram(name: str, labels: tuple[str, ...], text: str) -> Family:
    return Family(NAMESPACE + name, Kind.HISTOGRAM, labels, text, LATENCY_BUCKETS)


# Exchanges: what it is like to talk to them.
EXCHANGE_UP = _gauge("exchange_up", _EXCHANGE, "1 if the last probe of the exchange succeeded, else 0.")
EXCHANGE_REQUESTS = _counter(
    "exchange_requests_total",
    (*_EXCHANGE, "operation"),
    "Requests sent to the exchange, failed ones included.",
)
EXCHANGE_REQUEST_ERRORS = _counter(
    "exchange_request_errors_total",
    (*_EXCHANGE, "operation", "error"),
    "Requests that failed, by kind of error.",
)
EXCHANGE_REQUEST_DURATION = _histogram(
    "exchange_request_duration_seconds",
    (*_EXCHANGE, "operation"),
    "Time from sending a request to its answer, without waiting in the rate limiter's queue.",
)
EXCHANGE_THROTTLE_WAIT = _histogram(
    "exchange_throttle_wait_seconds", _EXCHANGE, "Time that requests waited in our own rate limiter's queue."
)
EXCHANGE_RATE_LIMIT_USED = _gauge(
    "exchange_rate_limit_used_ratio",
    _EXCHANGE,
    "Share of the exchange's request limit in use, where it tells.",
)
EXCHANGE_CLOCK_OFFSET = _gauge(
    "exchange_clock_offset_seconds", _EXCHANGE, "The exchange's clock minus ours, at half the round trip."
)
EXCHANGE_STREAM_UP = _gauge(
    "exchange_stream_up",
    (*_EXCHANGE, "stream"),
    "1 while a stream (books, fills, orders) stands for all symbols and accounts, 0 while one is being restored.",
)
EXCHANGE_STREAM_FAILURES = _counter(
    "exchange_stream_failures_total",
    (*_EXCHANGE, "stream", "error"),
    "Failures of streams, failed attempts to restore one included, by kind of error.",
)
EXCHANGE_BACKFILLED_FILLS = _counter(
    "exchange_backfilled_fills_total",
    _ACCOUNT,
    "New fills that a backfill found and no stream had delivered.",
)

# Markets, shared by all accounts.
MARKET_DATA_TIMESTAMP = _gauge(
    "market_data_timestamp_seconds",
    _MARKET,
    "Unix time of the newest market data, corrected to our clock; before any, of the start of watching.",
)
MARKET_MID_PRICE = _gauge("market_mid_price", _MARKET, "Mid of best bid and ask, in the quote currency.")
MARKET_SPREAD_RATIO = _gauge("market_spread_ratio", _MARKET, "Best ask minus best bid, divided by the mid.")
MARKET_SPREAD_SECONDS = _counter(
    "market_spread_seconds_total",
    _MARKET,
    "Integral of the market spread ratio over time; its rate over that of market_observed_seconds_total "
    "is the time-weighted mean.",
)
MARKET_OBSERVED_SECONDS = _counter(
    "market_observed_seconds_total", _MARKET, "Seconds for which both sides of the market were known."
)

# Orders and fills, by who placed them.
ORDERS = _counter("orders_total", (*_BOOK, "side"), "Orders that reached the exchange.")
ORDER_CANCELS = _counter("order_cancels_total", (*_BOOK, "side"), "Orders that were canceled or expired.")
ORDER_REJECTIONS = _counter("order_rejections_total", (*_BOOK, "reason"), "Orders that the exchange rejected.")
ORDERS_OPEN = _gauge("orders_open", (*_BOOK, "side"), "Orders resting on the exchange now.")
FILLS = _counter("fills_total", (*_BOOK, "side", "liquidity"), "Fills, each trade id once.")
FILL_VOLUME_USD = _counter(
    "fill_volume_usd_total", (*_BOOK, "side", "liquidity"), "Filled price times quantity, in USD at the fill."
)
DUPLICATE_FILLS = _counter("duplicate_fills_total", _ACCOUNT, "Fills that came again unchanged and were ignored.")
CONFLICTING_FILLS = _counter(
    "conflicting_fills_total", _ACCOUNT, "Fills refused: a known trade id came with other content."
)
LATE_FILLS = _counter("late_fills_total", _ACCOUNT, "Fills that came after a later one and were put in place.")
APPROXIMATE_FILLS = _counter(
    "approximate_fills_total",
    _BOOK,
    "Fills converted at the nearest known price, because none was known for their own time.",
)

# PnL, average cost. total = realized + unrealized - fees + rebates.
PNL_REALIZED = _gauge("pnl_realized_usd", _BOOK, "Realised PnL by average cost, before fees, in USD.")
PNL_UNREALIZED = _gauge("pnl_unrealized_usd", _BOOK, "Unrealised PnL at the market mid, in USD.")
PNL_TOTAL = _gauge("pnl_total_usd", _BOOK, "Realised and unrealised PnL less fees plus rebates, in USD.")
FEES = _counter("fees_usd_total", _BOOK, "Fees paid, in USD at the time of each fill.")
REBATES = _counter("rebates_usd_total", _BOOK, "Rebates received, in USD at the time of each fill.")
POSITION_BASE = _gauge("position_base", _BOOK, "Position in the base currency, negative when short.")
POSITION_NOTIONAL = _gauge("position_notional_usd", _BOOK, "Position valued at the market mid, in USD, signed.")
POSITION_AVERAGE_PRICE = _gauge(
    "position_average_price",
    _BOOK,
    "Average entry price of the position, in the quote currency; absent when flat.",
)

# Currency conversion.
CURRENCY_RATE = _gauge("currency_rate", ("currency",), "USD per unit of the currency.")
CURRENCY_RATE_MISSING = _gauge(
    "currency_rate_missing",
    ("currency",),
    "Fills waiting because the rate of a currency they need is not known; 0 once it is.",
)

# Targets: thresholds from the configuration, read by rules and dashboards.
TARGET_EXCHANGE_AVAILABILITY = _gauge(
    "target_exchange_availability_ratio",
    (),
    "Configured lowest share of requests that an exchange must answer.",
)
TARGET_EXCHANGE_ERRORS = _gauge(
    "target_exchange_error_ratio", ("severity",), "Configured highest share of failed requests, by severity."
)
TARGET_MARKET_DATA_AGE = _gauge(
    "target_market_data_age_seconds", (), "Configured age above which market data is stale."
)

# The exporter itself.
BUILD_INFO = _gauge("build_info", ("version", "python"), "1, with the version in its labels.")
EVENTS = _counter("events_total", ("type", "source"), "Events accepted, by type and source.")
EVENTS_REJECTED = _counter("events_rejected_total", ("reason",), "Events refused, by reason.")
EVENT_LAG = _histogram("event_lag_seconds", ("type",), "Time from an event's own timestamp to its arrival here.")
SERIES_DROPPED = _counter(
    "series_dropped_total", ("family",), "Samples left out of a scrape because the series limit was reached."
)
COLLECTOR_SUCCESS = _gauge("collector_success", ("collector",), "1 if the collector succeeded in this scrape.")
COLLECTOR_DURATION = _gauge("collector_duration_seconds", ("collector",), "Time the collector took in this scrape.")
COMPONENT_UP = _gauge("component_up", ("component",), "1 while a part of the exporter runs, 0 while it is down.")

TABLE: tuple[Family, ...] = tuple(value for value in globals().values() if isinstance(value, Family))
