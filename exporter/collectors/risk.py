"""What can be lost: equity, drawdown, value at risk, exposure against limits."""

from __future__ import annotations

from collections.abc import Iterator

from exporter import metrics
from exporter.exposition import Batch
from exporter.state.risk import Estimated, account_results, exposures, limits, total_result
from exporter.state.state import State


def collect(state: State) -> Iterator[Batch]:
    """By account, and for all accounts together where the figures do not add up."""
    risk, ledger, now = state.risk, state.ledger, state.clock()
    settings = risk.settings
    results = account_results(ledger, now)
    known = {key: pnl for key, pnl in results.items() if pnl is not None}
    capital = {key: settings.capital_usd["/".join(key)] for key in results if "/".join(key) in settings.capital_usd}
    accounts = ledger.accounts
    yield (
        metrics.EQUITY,
        [
            (key, capital[key] + float(accounts[key].transfers_usd) + pnl)
            for key, pnl in known.items()
            if key in capital and not accounts[key].waiting
        ],
    )
    drawdowns = {key: risk.accounts[key].series.drawdown(pnl) for key, pnl in known.items() if key in risk.accounts}
    yield metrics.DRAWDOWN, [(key, drawdown) for key, drawdown in drawdowns.items() if drawdown is not None]
    sum_of_all = total_result(results) if len(capital) == len(results) else None
    total = None if sum_of_all is None else risk.total.series.drawdown(sum_of_all)
    yield metrics.PORTFOLIO_DRAWDOWN, [] if total is None else [((), total)]
    horizon = f"{settings.horizon_seconds:g}s"
    estimates = [sample for key, each in risk.accounts.items() for sample in _estimates(key, each, horizon)]
    yield metrics.VALUE_AT_RISK, [(labels, estimate[0]) for labels, estimate in estimates]
    yield metrics.EXPECTED_SHORTFALL, [(labels, estimate[1]) for labels, estimate in estimates]
    portfolio = list(_estimates((), risk.total, horizon))
    yield metrics.PORTFOLIO_VALUE_AT_RISK, [(labels, estimate[0]) for labels, estimate in portfolio]
    yield metrics.PORTFOLIO_EXPECTED_SHORTFALL, [(labels, estimate[1]) for labels, estimate in portfolio]
    allowed = limits(settings)
    held = exposures({key: ledger.figures(key, now).notional for key in ledger.books}, settings) if allowed else {}
    yield metrics.POSITION_LIMIT, list(allowed.items())
    yield metrics.EXPOSURE, list(held.items())
    yield (
        metrics.INVENTORY_UTILIZATION,
        [(labels, float(value) / allowed[labels]) for labels, value in held.items()],
    )


def _estimates(
    key: tuple[str, ...], each: Estimated, horizon: str
) -> Iterator[tuple[tuple[str, ...], tuple[float, float]]]:
    for (method, confidence), estimate in each.estimates.items():
        yield (*key, method, f"{confidence:g}", horizon), estimate
