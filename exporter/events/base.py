"""What all events share: names, limits, and the checks that say what is wrong."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Annotated, Literal, NamedTuple

import msgspec

from exporter.errors import EventError

Side = Literal["buy", "sell"]
Liquidity = Literal["maker", "taker", "unknown"]

SIDES: tuple[Side, ...] = ("buy", "sell")
LIQUIDITIES: tuple[Liquidity, ...] = ("maker", "taker", "unknown")

# Bounds of text, checked when an event is decoded: what becomes a label must fit into a scrape.
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Currency = Annotated[str, msgspec.Meta(min_length=1, max_length=30)]
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
OptionalId = Annotated[str, msgspec.Meta(max_length=200)]
Word = Annotated[str, msgspec.Meta(pattern="^[a-z0-9_]{0,40}$")]

LATEST_SECOND = 1e11  # the year 5138; anything above was meant as milliseconds
SMALLEST, LARGEST = Decimal("1e-24"), Decimal("1e24")  # of a price or quantity; farther out is a mistake
LOWEST, HIGHEST = -LARGEST, -SMALLEST  # of what is below 0
_FARTHEST_ZERO = 1000  # decimals; with billions of them even a zero is too long to write down
ZERO = Decimal(0)
ONE = Decimal(1)


class BookKey(NamedTuple):
    """Whose orders and fills these are: what a book of the ledger is kept for."""

    exchange: str
    account: str
    symbol: str
    strategy: str


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """``exchange`` is its configured name; ``ts`` Unix time in seconds."""

    exchange: Name
    ts: float

    def __post_init__(self) -> None:
        check_time("ts", self.ts)


def check_time(name: str, value: float) -> None:
    """`EventError` unless ``value`` can be Unix time in seconds."""
    if not 0 < value < LATEST_SECOND:
        hint = "that is milliseconds, divide by 1000" if value >= LATEST_SECOND else "it must be above 0"
        raise EventError(name, f"{name} is {value!r}: give Unix time in seconds; {hint}")


def check_positive(name: str, value: Decimal) -> None:
    """`EventError` unless ``value`` is a finite number above 0 of a size that money can have."""
    try:
        if SMALLEST <= value <= LARGEST:
            return
    except InvalidOperation:  # NaN cannot be compared
        pass
    raise EventError(name, f"{name} is {value}; give a finite number above 0")


def check_finite(name: str, value: Decimal) -> None:
    """`EventError` unless ``value`` is 0 or a finite number, of either sign, of a size that money can have."""
    try:
        if SMALLEST <= value <= LARGEST or LOWEST <= value <= HIGHEST:
            return
        if not value and abs(value.adjusted()) <= _FARTHEST_ZERO:
            return
    except InvalidOperation:
        pass
    raise EventError(name, f"{name} is {value}; give a finite number, 0 or between 1e-24 and 1e24 in size")


@lru_cache(maxsize=10_000)
def check_symbol(symbol: str) -> None:
    """`EventError` unless ``symbol`` has ccxt's form: ``BTC/USDT``, or ``BTC/USDT:USDT`` for a contract."""
    base, slash, rest = symbol.partition("/")
    quote, colon, settle = rest.partition(":")
    parts = (base, quote, settle) if colon else (base, quote)
    if not slash or not all(parts) or any(c in part for part in parts for c in "/: \t\n"):
        raise EventError(
            "symbol", f"symbol is {symbol!r}; write it as BASE/QUOTE, and a contract as BASE/QUOTE:SETTLEMENT"
        )


def check_name(name: str, value: str, why: str) -> None:
    """`EventError` with the consequence when a name is empty."""
    if not value:
        raise EventError(name, f"{name} is empty; {why}")
