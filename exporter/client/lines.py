"""Turns what a bot reported into one line of JSON, as the exporter reads it."""

from __future__ import annotations

import json
import math
import reprlib
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

Money = str | Decimal | int | float
"""An amount, a price or a quantity; text and Decimal keep each digit, a float is taken as it prints."""
Fees = tuple[str, Money] | Sequence[tuple[str, Money]]
"""The currency and amount of a fee, or several of them."""
Answer = str | float | int
"""What a model says: a number, or the name of a class."""
Side = Literal["buy", "sell"]
Liquidity = Literal["maker", "taker", "unknown"]
OrderStatus = Literal["new", "open", "partially_filled", "filled", "canceled", "rejected", "expired"]

LONGEST_LINE = 32 * 1024  # bytes; the fields of an event are bounded to far less
_LONGEST_NUMBER = 200  # characters

_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


class UnusableError(ValueError):
    """A report that cannot be made an event; the message names the field and what is wrong."""


def encode(kind: str, fields: Mapping[str, Any], defaults: Mapping[str, str]) -> bytes:
    """The line of one event, with its line end.

    ``defaults`` are the client's exchange, account and strategy. `UnusableError` when a value cannot be sent.
    """
    converters = FIELDS[kind]
    wire: dict[str, object] = {"type": kind}
    for name, value in fields.items():
        if value is None:
            value = defaults.get(name)  # noqa: PLW2901 - None is what was not given
        if value is None or (isinstance(value, str) and not value):
            continue
        try:
            wire[name] = converters[name](value)
        except Exception as error:  # whatever a bot hands over, even an object whose conversion fails
            raise UnusableError(f"{kind}.{name} is {_shown(value)}: {_words(error)}") from None
    try:
        line = _dumps(wire).encode() + b"\n"
    except UnicodeEncodeError:
        raise UnusableError(f"a text of this {kind} has characters that are no Unicode") from None
    if len(line) > LONGEST_LINE:
        raise UnusableError(f"this {kind} has {len(line)} bytes; shorten its texts")
    return line


def money(value: Any) -> str:
    """The decimal text of an amount, with the digits that it came with."""
    if isinstance(value, bool):
        raise UnusableError("give a number")
    # Not the repr of a subclass of float: numpy's has its name around the digits.
    text = float.__repr__(value) if isinstance(value, float) else str(value)
    if len(text) > _LONGEST_NUMBER:
        raise UnusableError(f"a number of {len(text)} characters is a mistake")
    try:
        number = Decimal(text)
    except ArithmeticError:
        raise UnusableError("give a number") from None
    if not number.is_finite():
        raise UnusableError("give a finite number")
    return str(number)


def number(value: Any) -> float:
    """A finite float, as market prices and times are sent."""
    if isinstance(value, bool):
        raise UnusableError("give a number")
    converted = float(value)
    if not math.isfinite(converted):
        raise UnusableError("give a finite number")
    return converted


def text(value: Any) -> str:
    """A name or an id; whole numbers are taken as ids, too."""
    if isinstance(value, str):
        return str.__str__(value)  # of a string enum, its value
    if isinstance(value, int) and not isinstance(value, bool):
        return int.__repr__(value)
    raise UnusableError("give text")


def fees(value: Any) -> object:
    """One fee, or a list of them, each as ``{"currency", "amount"}``."""
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str):
        return {"currency": text(value[0]), "amount": money(value[1])}
    if isinstance(value, list | tuple) and all(isinstance(each, list | tuple) and len(each) == 2 for each in value):
        return [{"currency": text(currency), "amount": money(amount)} for currency, amount in value]
    raise UnusableError('give ("BNB", "0.001"), or a list of such pairs')


def status(value: Any) -> int:
    """A status of HTTP, as a number or as an `http.HTTPStatus`."""
    return int(value)


def answer(value: Any) -> float | str:
    """What a model says: a number, or the name of a class."""
    return str.__str__(value) if isinstance(value, str) else number(value)


def features(value: Any) -> dict[str, float]:
    """Numbers by name."""
    return {text(name): number(each) for name, each in dict(value).items()}


_LABELS: dict[str, Callable[[Any], object]] = {"exchange": text, "account": text, "strategy": text}
_MARKET: dict[str, Callable[[Any], object]] = {"exchange": text, "symbol": text, "ts": number}
_TOP: dict[str, Callable[[Any], object]] = dict.fromkeys(("bid", "bid_quantity", "ask", "ask_quantity"), number)
_PAID: dict[str, Callable[[Any], object]] = {"currency": text, "amount": money}

FIELDS: dict[str, dict[str, Callable[[Any], object]]] = {
    "fill": {
        **_MARKET,
        **_LABELS,
        **dict.fromkeys(("trade_id", "order_id", "side", "liquidity"), text),
        **dict.fromkeys(("price", "quantity", "contract_size", "decision_price"), money),
        "fee": fees,
    },
    "order": {
        **_MARKET,
        **_LABELS,
        **dict.fromkeys(("order_id", "status", "side", "reason"), text),
        **dict.fromkeys(("price", "quantity", "decision_price"), money),
        **dict.fromkeys(("sent_ts", "ack_ts"), number),
    },
    "quote": {**_MARKET, **_LABELS, **_TOP},
    "book": {**_MARKET, **_TOP},
    "funding": {**_MARKET, **_LABELS, **_PAID, "funding_id": text},
    "transfer": {"exchange": text, "account": text, "ts": number, **_PAID, "transfer_id": text},
    "balance": {"exchange": text, "account": text, "ts": number, "currency": text, "total": money},
    "position": {**_MARKET, "account": text, "quantity": money, "contract_size": money},
    "request": {"app": text, "route": text, "status": status, "duration": number, "ts": number},
    "cache": {
        **dict.fromkeys(("cache", "tier"), text),
        **dict.fromkeys(("hits", "misses", "evictions", "entries", "memory_bytes", "memory_limit_bytes"), number),
        **dict.fromkeys(("warmed_entries", "warmed_hits"), number),
        "ts": number,
    },
    "prediction": {
        **dict.fromkeys(("model", "prediction_id"), text),
        **dict.fromkeys(("inference_seconds", "ts"), number),
        "value": answer,
        "features": features,
    },
    "outcome": {
        **dict.fromkeys(("model", "prediction_id"), text),
        **dict.fromkeys(("value", "predicted"), answer),
        "ts": number,
    },
    "business": {**dict.fromkeys(("name", "kind"), text), **dict.fromkeys(("value", "ts"), number)},
}
"""How each field of each event is written; the same fields as those of `exporter.events`."""

MOMENTARY = frozenset(("book", "quote", "request", "cache", "prediction", "outcome"))
"""What may be dropped, the oldest first, while it cannot be sent."""

_PASSING = tuple(f'{{"type":"{kind}"'.encode() for kind in ("order", "balance", "position", "business"))


def is_passing(line: bytes) -> bool:
    """Whether an event gives way when the spool is full; fills, funding and transfers never do."""
    return line.startswith(_PASSING)


def _shown(value: object) -> str:
    """A value for a message: short, and never failing."""
    try:
        return reprlib.repr(value)
    except Exception:  # a repr of the bot's own that raises
        return f"a {type(value).__name__}"


def _words(error: Exception) -> str:
    if isinstance(error, UnusableError):
        return str(error)
    return "give a number" if isinstance(error, TypeError | ValueError | ArithmeticError) else type(error).__name__
