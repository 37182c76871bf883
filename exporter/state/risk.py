"""Equity and its risk, by account and in all, sampled from the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from exporter.config import RiskSettings
from exporter.events import ZERO, BookKey
from exporter.journal.records import Record, Sampled
from exporter.ledger.account import AccountKey
from exporter.ledger.ledger import Ledger
from exporter.ledger.risk import Risk, SavedSeries, Series, enough, historical, parametric

Results = dict[AccountKey, float | None]
"""The total PnL of each account in USD, None where that of one of its books is not known."""

SavedRisk = list[tuple[str, str, SavedSeries]]
Estimates = dict[tuple[str, float], Risk]
"""By method and confidence."""

_ALL: AccountKey = ("", "")
_METHODS = {"historical": historical, "parametric": parametric}


class Estimated:
    """A series and what was last worked out from it."""

    def __init__(self, settings: RiskSettings, capital: float | None) -> None:
        self.series = Series(settings.sample_seconds, settings.window_hours * 3600, capital)
        self.estimates: Estimates = {}

    def work_out(self, settings: RiskSettings) -> Iterator[None]:
        """Work out the risk anew; yields between, since a month of samples takes long."""
        changes = self.series.changes(settings.horizon_seconds)
        estimates: Estimates = {}
        for name, method in _METHODS.items():
            for confidence in settings.confidence:
                yield
                if enough(changes, confidence):
                    estimates[name, confidence] = method(changes, confidence)
        self.estimates = estimates


class RiskState:
    """Series of PnL: one for each account, and one for the sum of all, since risks do not add up."""

    def __init__(self, settings: RiskSettings) -> None:
        self.settings = settings
        self.accounts: dict[AccountKey, Estimated] = {}
        self.total = Estimated(settings, sum(settings.capital_usd.values()) or None)
        self._place = -1

    def due(self, now: float) -> bool:
        """Whether the time for a sample has come."""
        return int(now / self.settings.sample_seconds) > self._place

    def sample(self, ledger: Ledger, now: float) -> list[Sampled]:
        """Note the PnL of each account, and of all together, where it is known; the records to keep."""
        self._place = int(now / self.settings.sample_seconds)
        results = account_results(ledger, now)
        samples = []
        for key, pnl in ((_ALL, total_result(results)), *results.items()):
            if pnl is not None:
                series = self._of(key).series
                series.add(now, pnl)
                samples.append(Sampled(now, *key, pnl, series.peak))
        return samples

    def work_out(self) -> Iterator[None]:
        """Work out all risks anew, in slices; yields between."""
        for each in (self.total, *self.accounts.values()):
            yield from each.work_out(self.settings)

    def save(self) -> SavedRisk:
        """All series as values."""
        return [(*key, each.series.save()) for key, each in ((_ALL, self.total), *self.accounts.items())]

    def load(self, saved: SavedRisk) -> float:
        """Go on from what was saved; the time from which samples may be missing, 0 when all have to be read again."""
        return min((self._of((exchange, account)).series.load(each) for exchange, account, each in saved), default=0.0)

    def restore(self, records: Iterable[Record]) -> None:
        """Take samples that were kept, the oldest first."""
        for record in records:
            if isinstance(record, Sampled):
                key = record.exchange, record.account
                self._of(key).series.add(record.ts, record.pnl, record.peak)
        for _ in self.work_out():
            pass

    def _of(self, key: AccountKey) -> Estimated:
        if key == _ALL:
            return self.total
        if key not in self.accounts:
            self.accounts[key] = Estimated(self.settings, self.settings.capital_usd.get("/".join(key)))
        return self.accounts[key]


def account_results(ledger: Ledger, now: float) -> Results:
    """See `Results`."""
    sums: dict[AccountKey, Decimal | None] = {}
    for key in ledger.books:
        before, total = sums.get(key[:2], ZERO), ledger.figures(key, now).total
        sums[key[:2]] = None if before is None or total is None else before + total
    return {key: None if total is None else float(total) for key, total in sums.items()}


def total_result(results: Results) -> float | None:
    """The sum of all accounts; None when one is not known, and without any."""
    known = [pnl for pnl in results.values() if pnl is not None]
    return sum(known) if results and len(known) == len(results) else None


def exposures(notionals: dict[BookKey, Decimal | None], settings: RiskSettings) -> dict[tuple[str, str], Decimal]:
    """What is held in USD where a limit is set, by (scope, name): of symbols net, of exchanges and in all gross.

    What contains a position without a price is left out.
    """
    limits = settings.limits
    found: dict[tuple[str, str], Decimal] = {}
    for symbol in limits.symbol_usd:
        held = _known(value for key, value in notionals.items() if key.symbol == symbol)
        if held is not None:
            found["symbol", symbol] = abs(sum(held, ZERO))
    for exchange in limits.exchange_usd:
        held = _known(value for key, value in notionals.items() if key.exchange == exchange)
        if held is not None:
            found["exchange", exchange] = sum(map(abs, held), ZERO)
    if limits.total_usd is not None and (held := _known(notionals.values())) is not None:
        found["total", "all"] = sum(map(abs, held), ZERO)
    return found


def limits(settings: RiskSettings) -> dict[tuple[str, str], float]:
    """The limits by (scope, name)."""
    found = {("symbol", name): limit for name, limit in settings.limits.symbol_usd.items()}
    found |= {("exchange", name): limit for name, limit in settings.limits.exchange_usd.items()}
    return found if settings.limits.total_usd is None else found | {("total", "all"): settings.limits.total_usd}


def _known(values: Iterable[Decimal | None]) -> list[Decimal] | None:
    listed = list(values)
    known = [value for value in listed if value is not None]
    return known if len(known) == len(listed) else None
