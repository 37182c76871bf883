"""The books beside what exchanges say that accounts hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from exporter import metrics
from exporter.exposition import Batch, Sample
from exporter.ledger.account import Account, AccountKey
from exporter.ledger.instrument import instrument
from exporter.ledger.reconcile import Check
from exporter.state.state import State

_Checked = list[tuple[AccountKey, str, Check, Decimal]]


def collect(state: State) -> Iterator[Batch]:
    """Drift of balances and of positions in contracts, once they could be compared."""
    ledger, now = state.ledger, state.clock()
    accounts = ledger.accounts.items()
    balances = [(k, name, c, c.drift) for k, a in accounts for name, c in a.balances.items() if c.drift is not None]
    yield metrics.BALANCE_DRIFT, [((*key, currency), drift) for key, currency, _, drift in balances]
    yield (
        metrics.BALANCE_DRIFT_USD,
        _known(((*k, name), _times(drift, ledger.rates.usd(name, k[0], now))) for k, name, _, drift in balances),
    )
    yield metrics.BALANCE_DRIFT_SINCE, _since(balances)
    positions = [(k, name, c, c.drift) for k, a in accounts for name, c in a.positions.items() if c.drift is not None]
    yield (
        metrics.POSITION_DRIFT_BASE,
        _known(((*k, symbol), _base(state, k, symbol, drift)) for k, symbol, _, drift in positions),
    )
    yield (
        metrics.POSITION_DRIFT_USD,
        _known(((*k, symbol), _usd(state, k, symbol, drift)) for k, symbol, _, drift in positions),
    )
    yield metrics.POSITION_DRIFT_SINCE, _since(positions)
    newest = [(key, max((c.compared or 0.0 for c in _checks(account)), default=0.0)) for key, account in accounts]
    yield metrics.RECONCILED_TIMESTAMP, [(key, at) for key, at in newest if at]


def _checks(account: Account) -> Iterator[Check]:
    yield from account.balances.values()
    yield from account.positions.values()


def _base(state: State, key: AccountKey, symbol: str, units: Decimal) -> Decimal | None:
    """Units of a contract in its base currency, at the market's mid where that matters."""
    market = instrument(symbol)
    if market.kind != "inverse" or not units:
        return units
    mid = state.ledger.rates.mid(key[0], symbol, state.clock())
    return None if mid is None else units / mid


def _usd(state: State, key: AccountKey, symbol: str, units: Decimal) -> Decimal | None:
    rates, now, market = state.ledger.rates, state.clock(), instrument(symbol)
    mid = rates.mid(key[0], symbol, now)
    return None if mid is None else _times(market.face(units, mid), rates.usd(market.quote, key[0], now))


def _times(amount: Decimal, rate: Decimal | None) -> Decimal | None:
    if not amount:
        return amount
    return None if rate is None else amount * rate


def _since(checked: _Checked) -> list[Sample]:
    return [((*key, name), check.since) for key, name, check, _ in checked if check.since is not None]


def _known(values: Iterable[tuple[tuple[str, ...], Decimal | None]]) -> list[Sample]:
    return [(labels, value) for labels, value in values if value is not None]
