"""PromQL is written from the metric table and cannot leave it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from exporter import metrics
from grafana import foreign, queries
from grafana.queries import QueryError

ALL = 'exchange=~"$exchange",account=~"$account",symbol=~"$symbol",strategy=~"$strategy"'


@pytest.mark.parametrize(
    ("expr", "wanted"),
    [
        (queries.gauge(metrics.PNL_TOTAL), f"sum(trading_pnl_total_usd{{{ALL}}})"),
        (
            queries.gauge(metrics.EXCHANGE_UP, ("exchange",), how="min"),
            'min by (exchange) (trading_exchange_up{exchange=~"$exchange"})',
        ),
        (
            queries.rate(metrics.FILLS, ("side",), liquidity="maker"),
            f'sum by (side) (rate(trading_fills_total{{{ALL},liquidity="maker"}}[$__rate_interval]))',
        ),
        (
            queries.applying(foreign.ALERTS, severity="critical"),
            'ALERTS{exchange=~"$exchange|",account=~"$account|",symbol=~"$symbol|",strategy=~"$strategy|",'
            'severity="critical"}',
        ),
        (
            queries.increase(metrics.EXCHANGE_REQUEST_ERRORS, error="=~network|timeout", exchange="!=alpha"),
            'sum(increase(trading_exchange_request_errors_total{exchange!="alpha",error=~"network|timeout"}[$__range]))',
        ),
        (
            queries.change(metrics.PNL_TOTAL, ("symbol",)),
            f"sum by (symbol) (delta(trading_pnl_total_usd{{{ALL}}}[$__range]))",
        ),
        (
            queries.quantile(0.95, metrics.EXCHANGE_THROTTLE_WAIT, ("exchange",)),
            "histogram_quantile(0.95, sum by (exchange, le) "
            '(rate(trading_exchange_throttle_wait_seconds_bucket{exchange=~"$exchange"}[$__rate_interval])))',
        ),
        (
            queries.mean(metrics.MODEL_INFERENCE, ("model",), window=queries.RANGE),
            "sum by (model) (rate(trading_model_inference_seconds_sum[$__range]))"
            " / (sum by (model) (rate(trading_model_inference_seconds_count[$__range])) > 0)",
        ),
        (
            queries.age(metrics.MARKET_DATA_TIMESTAMP),
            'max(timestamp(trading_market_data_timestamp_seconds{exchange=~"$exchange",symbol=~"$symbol"})'
            ' - trading_market_data_timestamp_seconds{exchange=~"$exchange",symbol=~"$symbol"})',
        ),
        (queries.gauge(metrics.TARGET_MARKET_DATA_AGE, how="max"), "max(trading_target_market_data_age_seconds)"),
        (queries.recorded("system:health:score"), "system:health:score"),
        (
            queries.recorded("exchange_error:request_errors:rate5m", error="network"),
            'exchange_error:request_errors:rate5m{exchange=~"$exchange",error="network"}',
        ),
        (queries.recorded_everywhere("exchange:status:level"), "exchange:status:level"),
        (queries.share("a", "b"), "a / (b > 0)"),
        (queries.or_unknown("a"), "a or vector(NaN)"),
        (
            queries.label_values((metrics.PNL_TOTAL, metrics.FEES), "account", exchange="=~$exchange"),
            'label_values({__name__=~"trading_pnl_total_usd|trading_fees_usd_total",exchange=~"$exchange"}, account)',
        ),
    ],
)
def test_query_is_written(expr: str, wanted: str) -> None:
    """Each function writes its PromQL, with a filter for every variable that the family has as a label."""
    assert expr == wanted


@pytest.mark.parametrize(
    "write",
    [
        lambda: queries.gauge(metrics.EXCHANGE_UP, ("symbol",)),
        lambda: queries.rate(metrics.FILLS, side="buy", venue="alpha"),
        lambda: queries.quantile(0.5, metrics.EVENT_LAG, ("exchange",)),
        lambda: queries.label_values((metrics.PNL_TOTAL, metrics.EXCHANGE_UP), "account"),
        lambda: queries.label_values((metrics.EXCHANGE_UP,), "exchange", account="main"),
    ],
)
def test_unknown_label_is_refused(write: Callable[[], str]) -> None:
    """A label that the family does not have raises an error naming both."""
    with pytest.raises(QueryError, match=r"trading_\w+ has no label (symbol|venue|exchange|account); it has "):
        write()


@pytest.mark.parametrize(
    "write",
    [
        lambda: queries.rate(metrics.PNL_TOTAL),
        lambda: queries.increase(metrics.EVENT_LAG),
        lambda: queries.gauge(metrics.FILLS),
        lambda: queries.change(metrics.FILLS),
        lambda: queries.quantile(0.5, metrics.FILLS),
        lambda: queries.mean(metrics.PNL_TOTAL),
        lambda: queries.level(metrics.PNL_TOTAL),
        lambda: queries.age(metrics.FILLS),
    ],
)
def test_wrong_kind_is_refused(write: Callable[[], str]) -> None:
    """A rate of a gauge, a quantile of a counter and the like raise an error."""
    with pytest.raises(QueryError, match=r"is a (counter|gauge|histogram), but this query is for a"):
        write()


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (lambda: queries.recorded("system:nothing:sum"), "no recording rule is called system:nothing:sum"),
        (lambda: queries.recorded_everywhere("system:nothing"), "no recording rule is called system:nothing"),
        (lambda: queries.recorded("system:health:score", app="a"), "system:health:score has no label app; it has none"),
    ],
)
def test_unknown_recorded_series_is_refused(write: Callable[[], str], words: str) -> None:
    """A recorded series that no rule makes, or a label that its level does not name, raises an error."""
    with pytest.raises(QueryError, match=words):
        write()
