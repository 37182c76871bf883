"""The series of a busy desk, for measuring what dashboards cost: ten thousand of the exporter's, and all recorded ones.

Every family of the metric table and every recording rule is there, with as many values of each label as a desk has that
makes markets on eight exchanges.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from exporter.metrics import LATENCY_BUCKETS, TABLE, Family, Kind
from grafana import foreign
from tests.prometheus.rules import level, recorded

BOOKS = 36
EXCHANGES = tuple(f"exchange-{number}" for number in range(1, 9))
ACCOUNTS = ("main", "hedge")
SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT", "ADA/USDT", "DOGE/USDT")
STRATEGIES = ("maker", "arbitrage", "basis", "grid")

Labels = tuple[tuple[str, str], ...]
Values = Sequence[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Series:
    """One series, and how its values come about, times ``scale``.

    ``kind`` is count (a whole number that grows), sum (one that grows), level (that wanders), one, or time (of the
    sample). Series of one ``source`` move together, as the buckets of a histogram do.
    """

    name: str
    labels: Labels
    kind: str
    source: str
    scale: float = 1.0


def _book(number: int) -> tuple[str, ...]:
    """Each is another one, for all numbers up to the product of exchanges and symbols."""
    exchange, symbol = number % len(EXCHANGES), number // len(EXCHANGES)
    account, strategy = ACCOUNTS[number % 3 // 2], STRATEGIES[(number + symbol) % len(STRATEGIES)]
    return EXCHANGES[exchange], account, SYMBOLS[symbol], strategy


_BOOKS = [_book(number) for number in range(BOOKS)]
_MARKETS = sorted({(exchange, symbol) for exchange, _, symbol, _ in _BOOKS})
_OWNED = sorted({(exchange, account) for exchange, account, _, _ in _BOOKS})
_LIMITS = [("total", "all"), *(("exchange", name) for name in EXCHANGES), *(("symbol", name) for name in SYMBOLS)]
_BOUNDS = [f"{bound:g}" for bound in LATENCY_BUCKETS] + ["+Inf"]
_JOBS = [
    (foreign.EXPORTER_JOB, "127.0.0.1:9850"),
    (foreign.PROMETHEUS_JOB, "127.0.0.1:9090"),
    (foreign.ALERTMANAGER_JOB, "127.0.0.1:9093"),
]
_FIRING = [
    ("TradingSpreadNotImproving", "warning", "firing", "exchange-1"),
    ("TradingRateLimitNearlyUsed", "warning", "firing", "exchange-2"),
    ("TradingPositionLimit", "critical", "firing", ""),
    ("TradingWatchdog", "info", "firing", ""),
]


def _one(*values: str) -> Values:
    return [(value,) for value in values]


def _numbered(name: str, count: int) -> Values:
    return _one(*(f"{name}-{number}" for number in range(1, count + 1)))


# What labels say, the longest groups first; labels that belong together are drawn together.
_SAID: Mapping[tuple[str, ...], Values] = {
    ("exchange", "account", "symbol", "strategy"): _BOOKS,
    ("exchange", "account", "symbol"): sorted({book[:3] for book in _BOOKS}),
    ("exchange", "account"): _OWNED,
    ("exchange", "symbol"): _MARKETS,
    ("bot", "kind", "version", "strategy", "dry_run"): [
        (f"bot-{n}", "freqtrade", "2026.1", "grid", "no") for n in (1, 2)
    ],
    ("slo", "bound"): [("latency_p95", "0.2"), ("latency_p99", "0.5")],
    ("version", "python"): [("1.0", "3.11")],
    ("scope", "name"): _LIMITS,
    ("cache", "tier"): [("answers", "l1"), ("quotes", "l2"), ("sessions", "l3"), ("positions", "l3")],
    ("type", "source"): [(kind, "push") for kind in ("fill", "order", "quote", "book", "request", "prediction")],
    ("alertname", "severity", "alertstate", "exchange"): _FIRING,
    ("alertname", "severity"): [alert[:2] for alert in _FIRING],
    ("job", "instance"): _JOBS,
    ("exchange",): _one(*EXCHANGES),
    ("strategy",): _one(*STRATEGIES),
    ("operation",): _one("probe", "order", "cancel", "book", "balance", "trades"),
    ("error",): _one("timeout", "network", "rate_limit", "unavailable"),
    ("stream",): _one("books", "fills", "orders"),
    ("side",): _one("buy", "sell"),
    ("liquidity",): _one("maker", "taker"),
    ("horizon",): _one("0.1", "1", "5", "30", "300"),
    ("component",): _one("spread", "inventory", "currency", "fees", "rebates", "funding"),
    ("reason",): _one("post_only", "balance"),
    ("currency",): _one("USDT", "BTC", "ETH", "BNB"),
    ("method",): _one("historical", "parametric"),
    ("confidence",): _one("0.95", "0.99"),
    ("app",): _one("desk"),
    ("route",): _numbered("/route", 20),
    ("status",): _one("200", "404", "500"),
    ("model",): _numbered("model", 4),
    ("feature",): _numbered("feature", 8),
    ("outcome",): _one("correct", "wrong", "unmatched"),
    ("name",): _one("active_users", "revenue_usd", "new_users", "deployment"),
    ("type",): _one("fill", "order", "quote", "book", "request", "prediction", "outcome", "business"),
    ("severity",): _one("critical", "warning", "degraded", "promised", "info"),
    ("statistic",): _one("average", "p95", "p99", "critical"),
    ("resource",): _one("cpu", "memory", "requests", "network"),
    ("slo",): _one("availability", "errors", "latency_p95", "latency_p99"),
    ("signal",): _one("response_seconds", "requests", "pnl", "request_errors"),
    ("speed",): _one("fast", "medium", "slow"),
    ("state",): _one("active", "suppressed"),
    ("benchmark",): _one("traditional", "retail HFT", "professional", "enterprise"),
    ("bot",): _numbered("bot", 2),
    ("mode",): _one("user", "system", "idle", "iowait", "irq", "nice"),
    ("direction",): _one("receive", "transmit"),
    ("group",): _one("lasting", "passing"),
    ("result",): _one("sent", "failed", "refused", "dropped"),
    ("code",): _one("200", "401", "429"),
    ("collector",): _numbered("collector", 20),
    ("family",): _one("trading_fills_total"),
    ("integration",): _one("slack", "pagerduty", "email", "webhook"),
    ("rule_group",): _one(*(f"/etc/prometheus/rules.yml;group-{number}" for number in range(40))),
    ("tier",): _one("l1", "l2", "l3"),
    ("instance",): _one("127.0.0.1:9850"),
    ("day",): _one(*"1234567"),
    ("le",): _one(*_BOUNDS),
}
_EXPORTER = (("instance", "127.0.0.1:9850"), ("job", foreign.EXPORTER_JOB))
_ALERT = ("alertname", "severity", "alertstate", "exchange")


def raw() -> list[Series]:
    """Give all that is scraped."""
    scraped = [family for family in foreign.TABLE if family not in {foreign.ALERTS, foreign.ALERTS_SINCE}]
    ours = [(family, (*labels, *_EXPORTER)) for family in TABLE for labels in _sets(family.labels)]
    others = [(family, labels) for family in scraped for labels in _sets(family.labels) if _tells(labels, family)]
    found = [series for family, labels in (*ours, *others) for series in _of(family, tuple(sorted(labels)))]
    alerts = [Series("ALERTS", labels, "one", "alert") for labels in _sets(_ALERT)]
    since = [Series("ALERTS_FOR_STATE", _without(labels, "alertstate"), "one", "", 1.7e9) for labels in _sets(_ALERT)]
    return [*found, *alerts, *since]


def kept() -> list[Series]:
    """Give what the recording rules make, each once."""
    names = {rule["record"]: frozenset(rule.get("labels", {})) for rule in recorded()}
    labels = {name: tuple(sorted(level(name) | more)) for name, more in names.items()}
    found = [Series(name, each, "level", name) for name, of in labels.items() for each in _sets(of)]
    of_exchanges = [
        Series(name, (("exchange", exchange), ("slo", "exchange")), "level", name)
        for name in names
        if name.startswith("slo:")
        for exchange in EXCHANGES
    ]
    return [*found, *of_exchanges]


def _sets(labels: Sequence[str]) -> Iterator[Labels]:
    """Give each set of values that these labels have together."""
    rest, groups = set(labels), []
    for group in _SAID:
        if rest.issuperset(group):
            groups.append(group)
            rest -= set(group)
    if rest:
        message = f"world.py does not say what {', '.join(sorted(rest))} may be"
        raise LookupError(message)
    for chosen in product(*(_SAID[group] for group in groups)):
        pairs = [pair for group, values in zip(groups, chosen, strict=True) for pair in zip(group, values, strict=True)]
        yield tuple(sorted((name, value) for name, value in pairs if value))


def _of(family: Family, labels: Labels) -> Iterator[Series]:
    """Give the series of one set of labels."""
    source = f"{family.name}{labels}"
    if family.kind is Kind.HISTOGRAM:
        for number, bound in enumerate(family.buckets, 1):
            le = tuple(sorted((*labels, ("le", f"{bound:g}"))))
            yield Series(f"{family.name}_bucket", le, "count", source, number / (len(family.buckets) + 1))
        yield Series(f"{family.name}_bucket", tuple(sorted((*labels, ("le", "+Inf")))), "count", source)
        yield Series(f"{family.name}_count", labels, "count", source)
        yield Series(f"{family.name}_sum", labels, "sum", source, 0.02)
    elif family.kind is Kind.COUNTER:
        yield Series(family.name, labels, "sum" if "usd" in family.name else "count", source)
    elif family.name.endswith("timestamp_seconds"):
        yield Series(family.name, labels, "time", "")
    elif family.name.startswith("trading_target_") or family.name.endswith(("_up", "_success", "_info", "running")):
        yield Series(family.name, labels, "one", "")
    else:
        yield Series(family.name, labels, "level", source)


def _tells(labels: Labels, family: Family) -> bool:
    """Whether the process that these labels name has such a metric of its own."""
    program = family.name.partition("_")[0]
    return program not in {"prometheus", "alertmanager"} or ("job", program) in labels


def _without(labels: Labels, name: str) -> Labels:
    return tuple(pair for pair in labels if pair[0] != name)
