"""What the journal keeps: events with all that is needed to account for them again.

A record holds the prices that were used, so that reading the journal needs no market data and always comes to
the same figures. Records are arrays with a number in front that tells their kind. A field is only ever added at
the end, with a default; anything else is a new schema version (see `exporter.journal.store`).
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from exporter.events import Balance, Fill, Funding, Order, PositionReport, Transfer


class Valued(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=1):
    """A fill with the prices at its time.

    ``mid`` is the market's mid in the quote currency; ``rate`` USD per unit of the settlement currency, None
    while it is not known; ``fee_rates`` USD per unit of each fee's currency, in the order of the fees;
    ``exact`` whether all of these were known for the fill's own time.
    """

    fill: Fill
    mid: Decimal
    rate: Decimal | None = None
    fee_rates: tuple[Decimal, ...] | None = None
    exact: bool = True


class Revalued(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=2):
    """The prices of a fill, or of a funding payment, that were not known when it was recorded.

    ``fee_rates`` is None while one of them still is not; the payment's own rate is ``rate``.
    """

    exchange: str
    account: str
    symbol: str
    identity: str
    mid: Decimal
    rate: Decimal
    fee_rates: tuple[Decimal, ...] | None
    exact: bool


class Paid(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=3):
    """A funding payment with the USD per unit of its currency at its time."""

    funding: Funding
    rate: Decimal | None = None
    exact: bool = True


class Moved(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=4):
    """A transfer with the USD per unit of its currency at its time."""

    transfer: Transfer
    rate: Decimal | None = None
    exact: bool = True


class Reported(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=5):
    """What an exchange said it holds for an account, or how an order ended; may be forgotten after a while."""

    event: Balance | PositionReport | Order


class Sampled(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=6):
    """An account's total PnL in USD at a time, and the highest so far; may be forgotten after a while.

    Without names it is that of all accounts together.
    """

    ts: float
    exchange: str
    account: str
    pnl: float
    peak: float


class Opened(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=7):
    """What an account held of a currency before its books begin, as its first balance told at ``ts``."""

    exchange: str
    account: str
    currency: str
    amount: Decimal
    ts: float


class Incident(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=8):
    """An alert that fires since ``starts``; may be forgotten after a while.

    With ``ends`` it is over, and ``resolved`` says that this was told, as opposed to being concluded. ``number`` counts
    such records, from 1; ``ts`` is when it was told.
    """

    number: int
    ts: float
    fingerprint: str
    severity: str
    name: str
    where: str
    summary: str
    starts: float
    ends: float | None = None
    resolved: bool = False


def identity(record: Valued | Paid | Moved) -> str:
    """What a `Revalued` of this record knows it by; no trade id contains a zero byte."""
    match record:
        case Valued(fill):
            return fill.trade_id
        case Paid(funding):
            return f"funding\0{funding.funding_id}"
        case Moved(transfer):
            return transfer.transfer_id


Lasting = Valued | Revalued | Paid | Moved | Opened
Passing = Reported | Sampled | Incident
Record = Lasting | Passing
