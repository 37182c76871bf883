"""An entry of a stream → what nautilus says in it.

An entry has ``topic`` and ``payload``, and in newer versions ``type`` and ``encoding``. Those two are not to be
relied on: some versions leave the one empty, and write ``Json`` in the other whatever the encoding is. The payload
says both itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from exporter.errors import EventError

LARGEST = 1_000_000
"""Bytes of a payload; nautilus's own have about a thousand."""

_EARLIEST = 10**16  # nanoseconds, in April 1970; what is less is in another unit

Time = int | str
"""Nanoseconds since 1970, as a number or as text, or a date and time in ISO 8601."""


class OrderEvent(msgspec.Struct):
    """What the events of an order have in common, and what some of them say beside it."""

    instrument_id: str
    client_order_id: str
    strategy_id: str
    ts_event: Time
    ts_init: Time
    account_id: str | None = None
    venue_order_id: str | None = None
    order_side: str | None = None
    quantity: Decimal | None = None
    price: Decimal | None = None
    options: Any = None
    quote_quantity: bool = False
    reason: str | None = None
    due_post_only: bool = False
    reconciliation: bool = False


class OrderFilled(OrderEvent, kw_only=True):
    """An execution."""

    trade_id: str
    last_qty: Decimal
    last_px: Decimal
    order_side: str
    account_id: str
    commission: str | None = None
    liquidity_side: str = ""


class PositionEvent(msgspec.Struct):
    """A position after a change; ``quantity`` is without a sign."""

    instrument_id: str
    position_id: str
    strategy_id: str
    account_id: str
    ts_init: Time
    side: str
    quantity: Decimal
    ts_event: Time | None = None
    ts_closed: Time | None = None


class PositionAdjusted(msgspec.Struct):
    """A change of a position other than by a fill."""

    instrument_id: str
    strategy_id: str
    account_id: str
    adjustment_type: str
    event_id: str
    ts_event: Time
    pnl_change: str | None = None


class AccountBalance(msgspec.Struct):
    """What an account holds of one currency."""

    currency: str
    total: Decimal


class AccountState(msgspec.Struct):
    """What an account holds; ``reported`` tells what the venue said from what nautilus worked out."""

    account_id: str
    balances: list[AccountBalance]
    reported: bool
    ts_event: Time


class ComponentState(msgspec.Struct):
    """That a part of the node was started, stopped and the like."""

    component_type: str
    state: str


class Definition(msgspec.Struct):
    """An instrument. ``underlying`` stands in for the base currency of a dated future."""

    id: str
    quote_currency: str | None = None
    base_currency: str | None = None
    underlying: str | None = None
    settlement_currency: str | None = None
    is_inverse: bool = False
    multiplier: Decimal = Decimal(1)
    expiration_ns: Time | None = None


_ORDER_EVENTS = ("Initialized", "Submitted", "Accepted", "Rejected", "Denied", "Canceled", "Expired", "Updated")
_STRUCTS: dict[str, type[msgspec.Struct]] = {
    **{f"Order{name}": OrderEvent for name in _ORDER_EVENTS},
    "OrderFilled": OrderFilled,
    **{f"Position{name}": PositionEvent for name in ("Opened", "Changed", "Closed")},
    "PositionAdjusted": PositionAdjusted,
    "AccountState": AccountState,
    "ComponentStateChanged": ComponentState,
}
# The same fills are published under ``events.fills`` as well.
_DEFINITIONS = "data.instrument."
_TOPICS = ("events.order.", "events.position.", "events.account.", "events.system.", _DEFINITIONS)
HEARTBEAT = "health:heartbeat"


@dataclass(frozen=True, slots=True)
class Message:
    """``kind`` is nautilus's name of the type."""

    kind: str
    data: Any


def concerns(topic: str) -> bool:
    """Whether a topic has anything that is of use here."""
    return topic.startswith(_TOPICS)


def decode(fields: Mapping[bytes, bytes]) -> Message | None:
    """What an entry says; None for what is of no use. `EventError` for an entry that cannot be read."""
    topic = fields.get(b"topic", b"").decode(errors="replace")
    if not concerns(topic):
        return None
    told = _payload(topic, fields.get(b"payload", b""))
    kind = str(told.get("type") or fields.get(b"type", b"").decode(errors="replace"))
    if len(told) == 1 and kind not in _STRUCTS:  # {"OrderFilled": {…}}
        kind, told = next(iter(told.items()))
    struct = Definition if topic.startswith(_DEFINITIONS) else _STRUCTS.get(kind)
    if struct is None:
        return None
    try:
        return Message(kind, msgspec.convert(told, struct, strict=True))
    except msgspec.ValidationError as error:
        text = f"{kind} on {topic!r:.100} is not as nautilus writes it: {error}; see docs/nautilus.md"
        raise EventError("payload", text) from None


def _payload(topic: str, raw: bytes) -> dict[str, Any]:
    """The mapping in a payload of either encoding; no msgpack mapping begins with a brace."""
    if len(raw) > LARGEST:
        raise EventError("payload", f"a message on {topic!r:.100} has {len(raw)} bytes; the limit is {LARGEST}")
    try:
        told = msgspec.json.decode(raw) if raw.lstrip()[:1] == b"{" else msgspec.msgpack.decode(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        text = f"a message on {topic!r:.100} is neither JSON nor msgpack of an object: {raw[:60]!r}"
        raise EventError("payload", text)
    return told


def seconds(name: str, value: Time | None) -> float:
    """A time of nautilus as Unix time in seconds."""
    try:
        if isinstance(value, str) and not value.isdecimal():
            # Python reads six digits of a second; nautilus writes up to nine.
            return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", value)).timestamp()
        if int(value or 0) >= _EARLIEST:
            return int(value or 0) / 1e9
    except (ValueError, OverflowError):
        pass
    raise EventError(name, f"{name} is {value!r:.60}; nautilus writes nanoseconds or ISO 8601")


def money(text: str) -> tuple[Decimal, str]:
    """The amount and the currency of ``12.20 USDT``."""
    amount, _, currency = text.partition(" ")
    try:
        return Decimal(amount), currency
    except ArithmeticError:
        raise EventError("money", f"{text!r:.60} is not an amount and a currency, as in 12.20 USDT") from None
