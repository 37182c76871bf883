"""PromQL from the metric table.

Every function takes a `Family`, never a name, and checks each label it is given against that family's
labels, so that a dashboard cannot ask for a metric or a label that the exporter does not have. Filters for
the dashboard's variables are added by themselves wherever a family has the label.

Where a keyword gives a label's value, ``maker`` means equality, and ``=~…``, ``!=…`` or ``!~…`` the
operator of that name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from exporter.metrics import Family, Kind

RATE_INTERVAL = "$__rate_interval"
RANGE = "$__range"
VARIABLES = ("exchange", "account", "symbol", "strategy")

_RULES = Path(__file__).parents[1] / "prometheus" / "rules" / "recording"
_OPERATORS = ("=~", "!=", "!~")


class QueryError(ValueError):
    """A query names a label that its family does not have, or treats a gauge as a counter."""


@dataclass(frozen=True, slots=True)
class Query:
    """One PromQL expression of a panel and the name of what it returns, as Grafana writes legends."""

    expr: str
    legend: str = "__auto"


def select(family: Family, *, suffix: str = "", **where: str) -> str:
    """Return the selector of a family, filtered by the dashboard's variables and by ``where``."""
    return _selector(family, suffix, {name: f"=~${name}" for name in VARIABLES if name in family.labels} | where)


def everywhere(family: Family, **where: str) -> str:
    """Return the selector of a family, filtered by ``where`` alone, whatever is chosen."""
    return _selector(family, "", where)


def applying(family: Family, **where: str) -> str:
    """Return the selector of a family like `select`, and with what has no such label at all.

    An alert on the machine concerns whatever is chosen; one on an exchange only a choice with that exchange.
    """
    chosen = {name: f"=~${name}|" for name in VARIABLES if name in family.labels}
    return _selector(family, "", chosen | where)


def _selector(family: Family, suffix: str, where: Mapping[str, str]) -> str:
    _check_labels(family, where)
    matchers = ",".join(_matcher(name, value) for name, value in where.items())
    return f"{family.name}{suffix}" + (f"{{{matchers}}}" if matchers else "")


def gauge(family: Family, by: Sequence[str] = (), *, how: str = "sum", **where: str) -> str:
    """Return a gauge's present value, aggregated by ``how`` (sum, min, max, count)."""
    _check_kind(family, Kind.GAUGE)
    return _aggregate(how, family, by, select(family, **where))


def change(family: Family, by: Sequence[str] = (), *, window: str = RANGE, **where: str) -> str:
    """Return by how much the sum of a gauge changed over ``window``."""
    _check_kind(family, Kind.GAUGE)
    return _aggregate("sum", family, by, f"delta({select(family, **where)}[{window}])")


def rate(family: Family, by: Sequence[str] = (), *, window: str = RATE_INTERVAL, **where: str) -> str:
    """Return the sum of a counter's rates, per second."""
    _check_kind(family, Kind.COUNTER)
    return _aggregate("sum", family, by, f"rate({select(family, **where)}[{window}])")


def increase(family: Family, by: Sequence[str] = (), *, window: str = RANGE, **where: str) -> str:
    """Return by how much the sum of a counter grew over ``window``."""
    _check_kind(family, Kind.COUNTER)
    return _aggregate("sum", family, by, f"increase({select(family, **where)}[{window}])")


def level(family: Family, by: Sequence[str] = ()) -> str:
    """Return a counter's own sum since its start.

    Only for counters of money, which must add up with gauges that count from the same start.
    """
    _check_kind(family, Kind.COUNTER)
    return _aggregate("sum", family, by, select(family))


def quantile(share: float, family: Family, by: Sequence[str] = (), *, window: str = RATE_INTERVAL) -> str:
    """Return a quantile (``share`` from 0 to 1) of a histogram, in the family's unit."""
    _check_kind(family, Kind.HISTOGRAM)
    buckets = f"rate({select(family, suffix='_bucket')}[{window}])"
    return f"histogram_quantile({share:g}, {_aggregate('sum', family, by, buckets, 'le')})"


def mean(family: Family, by: Sequence[str] = (), *, window: str = RATE_INTERVAL) -> str:
    """Return the mean of what a histogram counted within ``window``; without a value where that is nothing."""
    _check_kind(family, Kind.HISTOGRAM)
    of_all, count = (
        _aggregate("sum", family, by, f"rate({select(family, suffix=suffix)}[{window}])")
        for suffix in ("_sum", "_count")
    )
    return share(of_all, count)


def per_minute(family: Family, by: Sequence[str] = (), **where: str) -> str:
    """Return the sum of a counter's rates, per minute."""
    return f"60 * {rate(family, by, **where)}"


def age(family: Family, by: Sequence[str] = ()) -> str:
    """Return the greatest age, at the scrape, of the points in time that a family holds, in seconds."""
    _check_kind(family, Kind.GAUGE)
    series = select(family)
    return _aggregate("max", family, by, f"timestamp({series}) - {series}")


def recorded(rule: str, **where: str) -> str:
    """Return the selector of a recorded series, filtered like `select`; its labels are the level in its name."""
    labels = level_of(recorded_everywhere(rule))
    unknown = [label for label in where if label not in labels]
    if unknown:
        message = f"{rule} has no label {', '.join(unknown)}; it has {', '.join(labels) or 'none'}"
        raise QueryError(message)
    chosen = {name: f"=~${name}" for name in VARIABLES if name in labels} | where
    matchers = ",".join(_matcher(name, value) for name, value in chosen.items())
    return rule + (f"{{{matchers}}}" if matchers else "")


def recorded_everywhere(rule: str) -> str:
    """Return the selector of a recorded series whatever is chosen, which is its name."""
    if rule not in _recorded_names():
        message = f"no recording rule is called {rule}; docs/rules.md lists them"
        raise QueryError(message)
    return rule


def level_of(rule: str) -> tuple[str, ...]:
    """Return the labels that the name of a recorded series says it has: ``exchange_symbol:…`` has those two."""
    level_name = rule.partition(":")[0]
    return () if level_name in {"system", ""} else tuple(level_name.split("_"))


@cache
def _recorded_names() -> frozenset[str]:
    files = sorted(_RULES.glob("*.yml"))
    groups = [group for path in files for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]]
    return frozenset(rule["record"] for group in groups for rule in group["rules"])


def share(part: str, whole: str) -> str:
    """Return ``part / whole``, without a value where the whole is zero."""
    return f"{part} / ({whole} > 0)"


def or_unknown(expr: str) -> str:
    """Return ``expr``, or one NaN where it has no value, so that its tile says so instead of vanishing."""
    return f"{expr} or vector(NaN)"


def asked(rule: str, legend: str) -> Query:
    """Return the query of a recorded figure for a tile of its own, which says so where there is none."""
    return Query(or_unknown(recorded(rule)), legend)


def label_values(families: Sequence[Family], label: str, **where: str) -> str:
    """Return the query of a dashboard variable: the values of one label in any of the families."""
    for family in families:
        _check_labels(family, (label, *where))
    names = '__name__=~"' + "|".join(family.name for family in families) + '"'
    matchers = [names, *(_matcher(name, value) for name, value in where.items())]
    return f"label_values({{{','.join(matchers)}}}, {label})"


def _aggregate(how: str, family: Family, by: Sequence[str], inner: str, *extra: str) -> str:
    _check_labels(family, by)
    labels = ", ".join((*by, *extra))
    return f"{how} by ({labels}) ({inner})" if labels else f"{how}({inner})"


def _matcher(label: str, value: str) -> str:
    operator = value[:2] if value.startswith(_OPERATORS) else "="
    return f'{label}{operator}"{value.removeprefix(operator)}"'


def _check_labels(family: Family, labels: Iterable[str]) -> None:
    unknown = [label for label in labels if label not in family.labels]
    if unknown:
        message = f"{family.name} has no label {', '.join(unknown)}; it has {', '.join(family.labels) or 'none'}"
        raise QueryError(message)


def _check_kind(family: Family, kind: Kind) -> None:
    if family.kind is not kind:
        message = f"{family.name} is a {family.kind}, but this query is for a {kind}"
        raise QueryError(message)
