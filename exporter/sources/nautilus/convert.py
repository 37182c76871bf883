"""What nautilus says → events. Money comes from its text, never from a float."""

from __future__ import annotations

import re
from decimal import Decimal

import msgspec

from exporter.config import Nautilus
from exporter.errors import EventError
from exporter.events import ZERO, Balance, Fee, Fill, Funding, Liquidity, PositionReport, Side
from exporter.sources.nautilus.instruments import Instrument, Instruments
from exporter.sources.nautilus.messages import (
    AccountState,
    OrderFilled,
    PositionAdjusted,
    PositionEvent,
    money,
    seconds,
)

_SIDES: dict[str, Side] = {"BUY": "buy", "SELL": "sell"}
_LIQUIDITIES: dict[str, Liquidity] = {"MAKER": "maker", "TAKER": "taker"}
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-([45])[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


class Converter:
    """Gives what one node says its labels and symbols."""

    def __init__(self, config: Nautilus) -> None:
        self.instruments = Instruments(config)
        self._config = config

    def account(self, account_id: str) -> str:
        """Our label for an account such as ``BINANCE-001``: what follows the venue, unless it is configured."""
        return self._config.accounts.get(account_id) or account_id.partition("-")[2] or account_id

    def fill(self, told: OrderFilled) -> Fill:
        """An execution; `EventError` names what is wrong in it."""
        instrument = self.instruments.find(told.instrument_id)
        return Fill(
            exchange=instrument.exchange,
            account=self.account(told.account_id),
            strategy=told.strategy_id,
            symbol=instrument.symbol,
            trade_id=told.trade_id,
            order_id=told.venue_order_id or told.client_order_id,
            side=side(told.order_side),
            price=told.last_px,
            quantity=told.last_qty,
            contract_size=instrument.contract_size,
            fee=_fee(told.commission),
            liquidity=_LIQUIDITIES.get(told.liquidity_side, "unknown"),
            ts=seconds("ts_event", told.ts_event),
        )

    def balances(self, told: AccountState, written: float) -> list[Balance]:
        """What the venue said that an account holds; nothing when nautilus only worked it out.

        ``written`` is when the message was: the sandbox gives its first balances no time.
        """
        if not told.reported or not self._config.balances:
            return []
        exchange = self.instruments.exchange(told.account_id.partition("-")[0])
        account = self.account(told.account_id)
        ts = written if told.ts_event in (0, "0") else seconds("ts_event", told.ts_event)
        return [
            Balance(exchange=exchange, account=account, currency=each.currency, total=each.total, ts=ts)
            for each in told.balances
        ]

    def position(self, account_id: str, instrument: Instrument, quantity: Decimal, ts: float) -> PositionReport:
        """What nautilus counts that an account has of a contract."""
        return PositionReport(
            exchange=instrument.exchange,
            account=self.account(account_id),
            symbol=instrument.symbol,
            quantity=quantity,
            contract_size=instrument.contract_size,
            ts=ts,
        )

    def funding(self, told: PositionAdjusted) -> Funding | None:
        """A funding payment; None for other adjustments, such as commissions, which their fills tell."""
        if told.adjustment_type != "FUNDING" or told.pnl_change is None:
            return None
        instrument = self.instruments.find(told.instrument_id)
        amount, currency = money(told.pnl_change)
        return Funding(
            exchange=instrument.exchange,
            account=self.account(told.account_id),
            strategy=told.strategy_id,
            symbol=instrument.symbol,
            funding_id=told.event_id,
            currency=currency,
            amount=amount,
            ts=seconds("ts_event", told.ts_event),
        )


def is_inferred(told: OrderFilled) -> bool:
    """Whether nautilus made up a fill to arrive at what the venue reported, rather than being told of it."""
    return told.reconciliation and _UUID.fullmatch(told.trade_id) is not None


def inferred(told: OrderFilled, fill: Fill) -> Fill:
    """An inferred fill with an identity that is the same when it is inferred again under other random ids."""
    is_made_up = told.venue_order_id is None or _UUID.fullmatch(told.venue_order_id)
    order_id = "" if is_made_up else fill.order_id
    what = f"{fill.side} {fill.quantity.normalize():f} at {fill.price.normalize():f}"
    trade_id = f"inferred {order_id} {what} {fill.ts:.6f}"
    return msgspec.structs.replace(fill, trade_id=trade_id, order_id=order_id)


def signed(told: PositionEvent) -> Decimal:
    """The position's quantity, negative when short."""
    if told.side not in ("LONG", "SHORT", "FLAT"):
        raise EventError("side", f"the side of position {told.position_id!r:.100} is {told.side!r:.60}")
    return told.quantity if told.side == "LONG" else -told.quantity if told.side == "SHORT" else ZERO


def side(name: str | None) -> Side:
    """``buy`` or ``sell``."""
    found = _SIDES.get(name or "")
    if found is None:
        raise EventError("side", f"order_side is {name!r:.60}; it must be BUY or SELL")
    return found


def _fee(commission: str | None) -> Fee | None:
    if commission is None:
        return None
    amount, currency = money(commission)
    return Fee(currency, amount)
