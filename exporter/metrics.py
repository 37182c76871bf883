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
ACK_BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
SPREAD_BUCKETS = (-0.0005, 0.0, 0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05)
SLIPPAGE_BUCKETS = (-0.002, -0.0005, -0.0002, -0.0001, 0.0, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05)

INCIDENT_BUCKETS = (30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 14400.0, 28800.0, 86400.0)

_EXCHANGE = ("exchange",)
_MARKET = ("exchange", "symbol")
_ACCOUNT = ("exchange", "account")
_BOOK = ("exchange", "account", "symbol", "strategy")


def _counter(name: str, labels: tuple[str, ...], text: str) -> Family:
    return Family(NAMESPACE + name, Kind.COUNTER, labels, text)


def _gauge(name: str, labels: tuple[str, ...], text: str) -> Family:
    return Family(NAMESPACE + name, Kind.GAUGE, labels, text)


def _histogram(name: str, labels: tuple[str, ...], text: str, buckets: tuple[float, ...] = LATENCY_BUCKETS) -> Family:
    return Family(NAMESPACE + name, Kind.HISTOGRAM, labels, text, buckets)


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
ORDERS_FILLED = _counter(
    "orders_filled_total",
    (*_BOOK, "side"),
    "Orders with at least one fill, of those in orders_total; the fill ratio is the one over the other.",
)
ORDER_CANCELS = _counter("order_cancels_total", (*_BOOK, "side"), "Orders that were canceled or expired.")
ORDER_REJECTIONS = _counter("order_rejections_total", (*_BOOK, "reason"), "Orders that the exchange rejected.")
ORDERS_OPEN = _gauge("orders_open", (*_BOOK, "side"), "Orders resting on the exchange now.")
ORDER_ACK = _histogram(
    "order_ack_seconds",
    _BOOK,
    "Time from sending an order to the exchange's answer, as the bot timed it; answers of long ago are left out.",
    ACK_BUCKETS,
)
FILLS = _counter("fills_total", (*_BOOK, "side", "liquidity"), "Fills, each trade id once.")
FILL_VOLUME_USD = _counter(
    "fill_volume_usd_total", (*_BOOK, "side", "liquidity"), "Filled price times quantity, in USD at the fill."
)
DUPLICATE_FILLS = _counter("duplicate_fills_total", _ACCOUNT, "Fills that came again unchanged and were ignored.")
CONFLICTING_FILLS = _counter(
    "conflicting_fills_total", _ACCOUNT, "Fills, payments and transfers refused: a known id came with other content."
)
LATE_FILLS = _counter("late_fills_total", _ACCOUNT, "Fills that came after a later one and were put in place.")
APPROXIMATE_FILLS = _counter(
    "approximate_fills_total",
    _BOOK,
    "Fills for whose own time the mid or a rate was not known, so that the nearest known one stands in.",
)

# The quality of market making. A signed sum can fall, so it is a gauge: its delta over a window is what happened in
# that window, and over the increase of its volume it is the exact mean of the ratio, weighted by volume.
QUOTE_SPREAD_RATIO = _gauge(
    "quote_spread_ratio",
    _BOOK,
    "Our own ask minus bid, divided by the middle of the two; absent unless both sides are quoted.",
)
QUOTE_SPREAD_SECONDS = _counter(
    "quote_spread_seconds_total",
    _BOOK,
    "Integral of quote_spread_ratio over time; its rate over that of quote_two_sided_seconds_total is the "
    "time-weighted mean.",
)
QUOTE_TWO_SIDED_SECONDS = _counter(
    "quote_two_sided_seconds_total",
    _BOOK,
    "Seconds for which both sides were quoted, the bid below the ask; over quote_seconds_total it is the uptime.",
)
QUOTE_SECONDS = _counter(
    "quote_seconds_total",
    _BOOK,
    "Seconds for which it was known what is quoted, be it nothing: from the first quote or order on, without the times "
    "at which the source was away or a bot told nothing for long.",
)
QUOTE_COMPARED_SECONDS = _counter(
    "quote_compared_seconds_total", _BOOK, "Those of quote_seconds_total for which the market was known, too."
)
QUOTE_AT_BEST_SECONDS = _counter(
    "quote_at_best_seconds_total",
    (*_BOOK, "side"),
    "Those of quote_compared_seconds_total in which our bid was at or above the market's best (side buy), or our ask "
    "at or below it (sell); an empty side of the market is beaten by any price.",
)
FILL_EFFECTIVE_SPREAD = _histogram(
    "fill_effective_spread_ratio",
    (*_BOOK, "liquidity"),
    "Effective spread of fills, twice the distance of the price from the mid of its time, by the mid: what the "
    "aggressor paid, so that a maker earns it. Below 0 the price was better for the aggressor than the mid. Without "
    "fills of unknown liquidity or mid.",
    SPREAD_BUCKETS,
)
FILL_EFFECTIVE_SPREAD_USD = _gauge(
    "fill_effective_spread_usd",
    (*_BOOK, "liquidity"),
    "Sum of effective spread times volume; its delta over the increase of fill_effective_volume_usd_total is the mean.",
)
FILL_EFFECTIVE_VOLUME = _counter(
    "fill_effective_volume_usd_total",
    (*_BOOK, "liquidity"),
    "USD volume, valued at the mid, of the fills in fill_effective_spread_usd.",
)
FILL_SLIPPAGE = _histogram(
    "fill_slippage_ratio",
    _BOOK,
    "How much worse than its decision price a fill was, by that price; below 0 it was better. Only fills and orders "
    "that come with a decision price; what was decided and never filled is not in it.",
    SLIPPAGE_BUCKETS,
)
FILL_SLIPPAGE_USD = _gauge(
    "fill_slippage_usd",
    _BOOK,
    "Sum of slippage times volume; its delta over the increase of fill_slippage_volume_usd_total is the mean.",
)
FILL_SLIPPAGE_VOLUME = _counter(
    "fill_slippage_volume_usd_total",
    _BOOK,
    "USD volume, valued at the decision prices, of the fills in fill_slippage_usd.",
)
MARKOUT_USD = _gauge(
    "markout_usd",
    (*_BOOK, "liquidity", "horizon"),
    "What fills had gained or lost against the mid that many seconds later, in USD at the fill; of fills whose "
    "horizon has passed.",
)
MARKOUT_VOLUME = _counter(
    "markout_volume_usd_total",
    (*_BOOK, "liquidity", "horizon"),
    "USD volume, valued at the mid of the fill's time, of the fills in markout_usd, realized_spread_usd and "
    "price_impact_usd; the delta of these over its increase is the mean ratio.",
)
MARKOUT_MISSING = _counter(
    "markout_missing_total",
    (*_BOOK, "horizon"),
    "Fills without a markout, because the mid or rate of the fill's time or the mid at the horizon was not known, or "
    "because of a restart before the horizon had passed.",
)
MARKOUT_HORIZON = _gauge("markout_horizon_seconds", ("horizon",), "Configured horizons of markouts, as numbers.")
REALIZED_SPREAD_USD = _gauge(
    "realized_spread_usd",
    (*_BOOK, "liquidity", "horizon"),
    "Sum of realised spread times volume: twice the distance of the price from the mid at the horizon, by the mid of "
    "the fill's time; what a maker has kept of the effective spread by then.",
)
PRICE_IMPACT_USD = _gauge(
    "price_impact_usd",
    (*_BOOK, "liquidity", "horizon"),
    "Sum of price impact times volume: twice the move of the mid up to the horizon in the direction of the aggressor, "
    "by the mid of the fill's time. Effective spread = realised spread + price impact.",
)

# PnL. total = realized + unrealized - fees + rebates + funding.
PNL_REALIZED = _gauge(
    "pnl_realized_usd",
    _BOOK,
    "Realised PnL by the configured cost basis, before fees, in USD at the time of each fill.",
)
PNL_UNREALIZED = _gauge("pnl_unrealized_usd", _BOOK, "Unrealised PnL at the market mid, in USD.")
PNL_TOTAL = _gauge("pnl_total_usd", _BOOK, "Realised and unrealised PnL less fees plus rebates and funding, in USD.")
FEES = _counter("fees_usd_total", _BOOK, "Fees paid, in USD at the time of each fill.")
REBATES = _counter("rebates_usd_total", _BOOK, "Rebates received, in USD at the time of each fill.")
FUNDING = _gauge("funding_usd", _BOOK, "Funding received less funding paid, in USD at the time of each payment.")
PNL_ATTRIBUTION = _gauge(
    "pnl_attribution_usd",
    (*_BOOK, "component"),
    "Parts of the total PnL, each by its own formula: spread (captured at fills against the mid), inventory (position "
    "times change of the mid), currency (open PnL when its currency moves against USD), fees, rebates, funding.",
)
PNL_ATTRIBUTION_ERROR = _gauge(
    "pnl_attribution_error_usd", _BOOK, "Sum of the attributed parts less the total PnL; only rounding."
)
POSITION_BASE = _gauge(
    "position_base",
    _BOOK,
    "Position in the base currency, negative when short; of an inverse contract at its entry price.",
)
POSITION_NOTIONAL = _gauge("position_notional_usd", _BOOK, "Position valued at the market mid, in USD, signed.")
POSITION_AVERAGE_PRICE = _gauge(
    "position_average_price",
    _BOOK,
    "Average entry price of the position, in the quote currency; absent when flat.",
)

# Trading bots, by their configured name.
BOT_UP = _gauge(
    "bot_up",
    ("bot",),
    "1 if the bot answered when last asked, or was heard of lately, else 0; absent while nobody can tell.",
)
BOT_RUNNING = _gauge("bot_running", ("bot",), "1 while the bot trades, 0 while it is stopped or paused.")
BOT_INFO = _gauge(
    "bot_info",
    ("bot", "kind", "version", "strategy", "dry_run"),
    "1, with what the bot is in its labels; dry_run is yes, no, or unknown.",
)
BOT_LAST_SEEN = _gauge(
    "bot_last_seen_timestamp_seconds",
    ("bot",),
    "Unix time of the bot's newest sign of work: a turn of its loop, a heartbeat, a message.",
)
BOT_OPEN_TRADES = _gauge("bot_open_trades", ("bot",), "Trades or positions that the bot itself counts as open.")
BOT_MISSED_MESSAGES = _counter(
    "bot_missed_messages_total",
    ("bot",),
    "Messages of the bot that were removed before they could be read; fills among them are missing in its books.",
)

# Reconciliation: what the exchange says beside the books.
_HELD = (*_ACCOUNT, "currency")
BALANCE_DRIFT = _gauge(
    "balance_drift", _HELD, "Balance that the exchange reports less what the books expect, in the currency itself."
)
BALANCE_DRIFT_USD = _gauge("balance_drift_usd", _HELD, "The same in USD; absent while the rate is not known.")
BALANCE_DRIFT_SINCE = _gauge(
    "balance_drift_since_timestamp_seconds", _HELD, "Unix time of the report with which a drift began; absent without."
)
POSITION_DRIFT_BASE = _gauge(
    "position_drift_base",
    (*_ACCOUNT, "symbol"),
    "Position in a contract that the exchange reports less that of the books, in the base currency.",
)
POSITION_DRIFT_USD = _gauge(
    "position_drift_usd", (*_ACCOUNT, "symbol"), "The same in USD; absent while the rate or the mid is not known."
)
POSITION_DRIFT_SINCE = _gauge(
    "position_drift_since_timestamp_seconds",
    (*_ACCOUNT, "symbol"),
    "Unix time of the report with which a drift began; absent without.",
)
RECONCILED_TIMESTAMP = _gauge(
    "reconciled_timestamp_seconds", _ACCOUNT, "Unix time of the newest report that was compared with the books."
)

# Risk. Losses are positive; figures of the portfolio come from the sum of all accounts' PnL.
_ESTIMATE = ("method", "confidence", "horizon")
_SCOPE = ("scope", "name")
EQUITY = _gauge("equity_usd", _ACCOUNT, "Configured capital and net transfers plus total PnL, in USD.")
DRAWDOWN = _gauge(
    "drawdown_ratio", _ACCOUNT, "Equity over its highest level less 1, transfers apart; only with configured capital."
)
PORTFOLIO_DRAWDOWN = _gauge("portfolio_drawdown_ratio", (), "The same of all accounts together.")
VALUE_AT_RISK = _gauge(
    "value_at_risk_usd",
    (*_ACCOUNT, *_ESTIMATE),
    "Loss over the horizon that is not exceeded with this confidence, from the changes of PnL in the window.",
)
EXPECTED_SHORTFALL = _gauge(
    "expected_shortfall_usd", (*_ACCOUNT, *_ESTIMATE), "Mean loss over the horizon when the value at risk is exceeded."
)
PORTFOLIO_VALUE_AT_RISK = _gauge("portfolio_value_at_risk_usd", _ESTIMATE, "Value at risk of all accounts together.")
PORTFOLIO_EXPECTED_SHORTFALL = _gauge(
    "portfolio_expected_shortfall_usd", _ESTIMATE, "Expected shortfall of all accounts together."
)
POSITION_LIMIT = _gauge(
    "position_limit_usd", _SCOPE, "Configured limit of what is held, for a symbol, exchange or all."
)
EXPOSURE = _gauge(
    "exposure_usd", _SCOPE, "What is held where a limit is set: of a symbol net, on an exchange and in all gross."
)
INVENTORY_UTILIZATION = _gauge("inventory_utilization_ratio", _SCOPE, "Exposure as a share of its limit.")

# Currency conversion.
CURRENCY_RATE = _gauge("currency_rate", ("currency",), "USD per unit of the currency.")
CURRENCY_RATE_MISSING = _gauge(
    "currency_rate_missing",
    ("currency",),
    "Fills, payments and transfers waiting because the rate of a currency they need is not known; 0 once it is.",
)

# What the user's own systems tell.
APP_REQUEST_DURATION = _histogram(
    "app_request_duration_seconds",
    ("app", "route", "status"),
    "Time that the trading system's own API took for a request, by pattern of the path and status of the answer.",
)
APP_REQUESTS = _counter("app_requests_total", ("app", "route"), "Requests that it answered.")
APP_REQUEST_ERRORS = _counter(
    "app_request_errors_total",
    ("app", "route"),
    "Those of them with a status of 5xx; 0 from the first request of a route on.",
)
_CACHE = ("cache", "tier")
CACHE_UP = _gauge("cache_up", _CACHE, "1 if the cache server answered when it was last asked, else 0.")
CACHE_HITS = _counter("cache_hits_total", _CACHE, "Requests that the cache could answer.")
CACHE_MISSES = _counter("cache_misses_total", _CACHE, "Requests that the cache could not answer.")
CACHE_EVICTIONS = _counter("cache_evictions_total", _CACHE, "Entries that had to go for want of room.")
CACHE_ENTRIES = _gauge("cache_entries", _CACHE, "Entries in the cache now.")
CACHE_MEMORY = _gauge("cache_memory_bytes", _CACHE, "Memory that the cache uses for its entries.")
CACHE_MEMORY_LIMIT = _gauge("cache_memory_limit_bytes", _CACHE, "Memory that it may use, where it has a limit.")
CACHE_WARMED_ENTRIES = _counter(
    "cache_warmed_entries_total", _CACHE, "Entries that were put in before anybody asked for them."
)
CACHE_WARMED_HITS = _counter(
    "cache_warmed_hits_total",
    _CACHE,
    "Warmed entries that were asked for since, each once; over the warmed entries it is how well warming works.",
)
MODEL_PREDICTIONS = _counter("model_predictions_total", ("model",), "What the model said, each time once.")
MODEL_OUTCOMES = _counter(
    "model_outcomes_total",
    ("model", "outcome"),
    "What came true of predictions that are names, correct or wrong; of the unmatched no prediction is known.",
)
MODEL_ERRORS = _counter("model_errors_total", ("model",), "What came true of predictions that are numbers.")
MODEL_ABSOLUTE_ERROR = _counter(
    "model_absolute_error_total",
    ("model",),
    "Sum of how far these were off; its rate over that of model_errors_total is the mean absolute error.",
)
MODEL_SQUARED_ERROR = _counter(
    "model_squared_error_total", ("model",), "The same of the squares, for the root mean square error."
)
MODEL_DRIFT = _gauge(
    "model_drift_psi",
    ("model", "feature"),
    "Population stability index of a feature's newest values against its first ones; feature prediction is what the "
    "model itself says.",
)
MODEL_INFERENCE = _histogram("model_inference_seconds", ("model",), "Time that the model took for a prediction.")
BUSINESS_LEVEL = _gauge("business_level", ("name",), "A figure of the business, as it was last told.")
BUSINESS_SUM = _counter(
    "business_sum_total", ("name",), "Sum of the increments of a figure since the exporter's start."
)

# The machine. The exporter's own process is in the process_* families of the Prometheus client.
HOST_CPU_SECONDS = _counter("host_cpu_seconds_total", ("mode",), "Seconds of all cores, by what they did.")
HOST_MEMORY = _gauge("host_memory_bytes", (), "Memory of the machine.")
HOST_MEMORY_AVAILABLE = _gauge(
    "host_memory_available_bytes", (), "Memory that programs could still get without swapping."
)
HOST_DISK_OPERATIONS = _counter(
    "host_disk_operations_total", ("direction",), "Reads and writes of all disks of the machine."
)
HOST_DISK_BYTES = _counter("host_disk_bytes_total", ("direction",), "Bytes read from and written to all disks.")
HOST_NETWORK_BYTES = _counter(
    "host_network_bytes_total", ("direction",), "Bytes received and transmitted, but on the loopback interface."
)
HOST_BOOT = _gauge("host_boot_timestamp_seconds", (), "Unix time at which the machine started.")

# Targets: thresholds, capacities, prices and baselines from the configuration, read by rules and dashboards.
_SEVERITY = ("severity",)


def _target(name: str, labels: tuple[str, ...], text: str) -> Family:
    return _gauge(f"target_{name}", labels, f"Configured {text}.")


TARGET_RESPONSE = _target(
    "response_seconds", ("statistic",), "response time of the own API: promised average, p95 and p99; critical average"
)
TARGET_ERRORS = _target("error_ratio", _SEVERITY, "highest share of failed requests of the own API, by severity")
TARGET_AVAILABILITY = _target("availability_ratio", (), "promised share of time in which the system is available")
TARGET_CACHE_HITS = _target("cache_hit_ratio", _SEVERITY, "lowest share of cache hits, by severity")
TARGET_CPU = _target("cpu_ratio", (), "highest share of processor time in use")
TARGET_MEMORY = _target("memory_ratio", (), "highest share of memory in use")
TARGET_EXCHANGE_AVAILABILITY = _target(
    "exchange_availability_ratio", _SEVERITY, "lowest share of requests that an exchange must answer, by severity"
)
TARGET_EXCHANGE_ERRORS = _target("exchange_error_ratio", _SEVERITY, "highest share of failed requests, by severity")
TARGET_EXCHANGE_LATENCY = _target("exchange_latency_seconds", _SEVERITY, "highest mean time of a request, by severity")
TARGET_EXCHANGE_RATE_LIMIT = _target(
    "exchange_rate_limit_ratio", (), "highest share of an exchange's request limit in use"
)
TARGET_REDUNDANT_EXCHANGES = _target("redundant_exchanges", (), "number of healthy exchanges that is redundancy")
TARGET_MARKET_DATA_AGE = _target("market_data_age_seconds", (), "age above which market data is stale")
TARGET_DRIFT = _target("drift_usd", (), "drift between books and exchange above which an alert fires, in USD")
TARGET_ATTRIBUTION_ERROR = _target(
    "attribution_error_usd", (), "difference of attributed and total PnL above which an alert fires"
)
TARGET_INVENTORY = _target("inventory_utilization_ratio", (), "highest share of an exposure limit in use")
TARGET_DRAWDOWN = _target("drawdown_ratio", (), "largest drawdown, as a positive share")
TARGET_LOSS = _target("loss_usd", (), "largest loss within a day")
TARGET_SPREAD_IMPROVEMENT = _target(
    "spread_improvement_ratio", (), "lowest share by which the own spread is to be narrower than the market's"
)
TARGET_MODEL_DRIFT = _target("model_drift_psi", (), "highest population stability index of a model's features")
TARGET_MODEL_ACCURACY = _target("model_accuracy_ratio", (), "lowest share of right predictions")
TARGET_TREND = _target(
    "trend_change",
    ("signal",),
    "change that makes a trend: of the response time as a share of what it was, of the share of failed requests",
)
TARGET_EXHAUSTION = _target("exhaustion_seconds", (), "time ahead in which nothing is to run out")
TARGET_JOURNAL_DISK = _target("journal_disk_free_bytes", (), "least room on the journal's disk")
TARGET_ANOMALY_SCORE = _target(
    "anomaly_score", ("signal",), "number of usual deviations from what is expected above which a signal is abnormal"
)
TARGET_ANOMALY_CHANGE = _target(
    "anomaly_change_ratio", ("signal",), "share of what is expected below which a deviation is never abnormal"
)
TARGET_ANOMALY_CHANGE_USD = _target(
    "anomaly_change_usd", (), "deviation of the PnL of an hour below which it is never abnormal"
)
TARGET_ANOMALY_SHIFT = _target(
    "anomaly_shift_ratio", (), "share by which the last hours may move what is expected from other days"
)
TARGET_ANOMALY_HISTORY = _target(
    "anomaly_history_seconds", (), "time, whole days, of which a signal must be known before it is judged"
)
TARGET_SLO_BUDGET = _target("slo_budget_ratio", ("slo",), "share of failures that each service level objective allows")
TARGET_SLO_BUCKET = _target(
    "slo_bucket_info",
    ("slo", "bound"),
    "objective of response time, always 1, with the bound of the histogram's bucket above which a request counts as "
    "too slow: the first that is not below the promised time",
)
TARGET_SLO_BURN = _target(
    "slo_burn_factor", ("speed",), "number of times faster than it lasts at which an error budget may be used"
)
TARGET_SLO_FAILURES = _target("slo_failures", (), "number of failures from which the use of an error budget counts")
TARGET_HEALTH = _target(
    "health_threshold", ("resource", "severity"), "value above which a resource is an issue of the health score"
)
TARGET_HEALTH_PENALTY = _target("health_penalty", _SEVERITY, "points that an issue takes off the health score")
TARGET_HEALTH_SCORE = _target("health_score", ("state",), "lowest health score of each state")
TARGET_CAPACITY = _target("capacity", ("resource",), "capacity: requests per second, network bytes per second")
TARGET_SCALE = _target("scale_ratio", ("resource",), "utilisation above which more of a resource is needed")
TARGET_SCALE_URGENT = _target("scale_urgent_ratio", (), "utilisation above which that is urgent")
TARGET_BASELINE = _target("baseline_response_seconds", (), "response time that the improvement is counted from")
TARGET_SECOND_PRICE = _target("second_saved_usd", (), "worth of a second saved, in USD")
TARGET_REQUEST_PRICE = _target("request_usd", (), "cost of a request, in USD")
TARGET_FULL_LOAD = _target("full_load_requests_per_second", (), "requests per second that count as full load")
TARGET_EXCELLENT = _target(
    "excellent_response_seconds", (), "average response time below which the system is excellent"
)
TARGET_BENCHMARK = _target("benchmark_response_seconds", ("benchmark",), "response time of a class of systems")
TARGET_BENCHMARK_AVAILABILITY = _target(
    "benchmark_availability_ratio", ("benchmark",), "availability of a class of systems"
)
TARGET_LEADER = _target("leader_benchmarks", (), "number of classes that a leader is ahead of")

# The journal: what must not be lost, on disk.
JOURNAL_UP = _gauge("journal_up", (), "1 while what is accepted gets on disk, 0 while the disk refuses.")
JOURNAL_ROWS = _counter(
    "journal_rows_total",
    ("group",),
    "Rows of the journal since it was created: lasting (kept for ever) and passing (forgotten after a while).",
)
JOURNAL_RECORDS = _counter("journal_records_total", ("group",), "Events in the rows of the journal, by group.")
JOURNAL_SIZE = _gauge("journal_size_bytes", (), "Size of the journal's files.")
JOURNAL_DISK_FREE = _gauge("journal_disk_free_bytes", (), "Room on the disk that the journal is on.")
JOURNAL_PENDING = _gauge("journal_pending_records", (), "Events accepted that are not on disk yet.")
JOURNAL_COMMITS = _histogram(
    "journal_commit_duration_seconds", (), "Time from beginning to write a group of rows to having it on disk."
)
JOURNAL_COMMIT_FAILURES = _counter(
    "journal_commit_failures_total", (), "Attempts to write that the disk refused; each is made again."
)
JOURNAL_LAST_COMMIT = _gauge(
    "journal_last_commit_timestamp_seconds", (), "Unix time of the newest row on disk; absent before the first."
)
JOURNAL_SALVAGED = _gauge(
    "journal_salvaged", (), "1 if the journal was found damaged at this start and its intact beginning is used, else 0."
)
JOURNAL_LOST_ROWS = _gauge(
    "journal_lost_rows", (), "Rows known to be lost when the journal was found damaged at this start."
)
JOURNAL_TORN_BOOKS = _gauge(
    "journal_torn_books",
    (),
    "Books whose figures are missing: a late fill has its place behind a row of the journal that cannot be read.",
)

# Incidents and texts, as Alertmanager hands them over. The severity is critical, warning, info or other.
INCIDENTS = _counter("incidents_total", ("severity",), "Incidents that began: alerts that began to fire.")
INCIDENTS_OPEN = _gauge("incidents_open", ("severity",), "Incidents that go on, as far as Alertmanager told last.")
INCIDENTS_DAY = _gauge("incidents_day", ("severity",), "Incidents that began within the last 24 h.")
INCIDENTS_INCREASING = _gauge(
    "incidents_increasing", (), "1 while more incidents are open than are configured as many, else 0."
)
INCIDENTS_TREND = _gauge(
    "incidents_trend", (), "1 while far more incidents begin than in an hour of the day before, -1 far fewer, else 0."
)
INCIDENT_RESOLUTION = _histogram(
    "incident_resolution_seconds", (), "Time from the beginning of an incident to its end.", INCIDENT_BUCKETS
)
ALERTS_FIRING = _gauge(
    "alerts_firing", ("severity",), "Alerts that fire now, neither silenced nor held back; absent if nobody tells."
)
SMS_MESSAGES = _counter(
    "sms_messages_total",
    ("result",),
    "Texts that were sent, failed, refused for want of room, or dropped since they were over before they were sent.",
)
SMS_QUEUE = _gauge("sms_queue", (), "Texts that wait to be sent.")
SMS_CIRCUIT_OPEN = _gauge("sms_circuit_open", (), "1 while the gateway fails so often that it is left alone, else 0.")

# The exporter itself.
BUILD_INFO = _gauge("build_info", ("version", "python"), "1, with the version in its labels.")
EVENTS = _counter("events_total", ("type", "source"), "Events accepted, by type and source.")
EVENTS_REJECTED = _counter("events_rejected_total", ("reason",), "Events refused, by reason.")
EVENT_LAG = _histogram("event_lag_seconds", ("type",), "Time from an event's own timestamp to its arrival here.")
SERIES_DROPPED = _counter(
    "series_dropped_total", ("family",), "Samples left out of a scrape because the series limit was reached."
)
PUSH_REQUESTS = _counter("push_requests_total", ("code",), "Requests to push events, by HTTP status of the answer.")
PUSH_DURATION = _histogram(
    "push_duration_seconds", (), "Time from the head of a request to push events to its answer, the disk included."
)
PUSH_RECEIVED_BYTES = _counter("push_received_bytes_total", (), "Bytes of pushed events received, as they were sent.")
STREAM_CONNECTIONS = _gauge("stream_connections", (), "Clients connected to the WebSocket now.")
STREAM_MESSAGES = _counter("stream_messages_total", (), "Messages sent over the WebSocket.")
STREAM_MADE_BYTES = _counter("stream_made_bytes_total", (), "Bytes of these messages before compression.")
STREAM_SENT_BYTES = _counter("stream_sent_bytes_total", (), "Bytes of these messages as they were sent.")
STREAM_RECEIVED = _counter("stream_received_total", (), "Messages received over the WebSocket.")
STREAM_DROPPED = _counter("stream_dropped_total", ("reason",), "Clients whose connection was ended, by reason.")
STREAM_REFUSED = _counter("stream_refused_total", ("reason",), "What clients asked for and did not get, by reason.")
COLLECTOR_SUCCESS = _gauge("collector_success", ("collector",), "1 if the collector succeeded in this scrape.")
COLLECTOR_DURATION = _gauge("collector_duration_seconds", ("collector",), "Time the collector took in this scrape.")
COMPONENT_UP = _gauge("component_up", ("component",), "1 while a part of the exporter runs, 0 while it is down.")
COMPONENT_RESTARTS = _counter(
    "component_restarts_total", ("component",), "Times a part of the exporter was begun anew after it failed."
)
COMPONENT_CIRCUIT_OPEN = _gauge(
    "component_circuit_open",
    ("component",),
    "1 while a part failed so often that it is left alone, and only tried from time to time, else 0.",
)

TABLE: tuple[Family, ...] = tuple(value for value in globals().values() if isinstance(value, Family))
