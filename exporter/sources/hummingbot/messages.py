"""Hummingbot's MQTT messages → what happened.

A message of the topic ``events`` is ``{"timestamp", "type", "data"}``. Its numbers are JSON floats made from
decimals, which are read as the text that they are written as; fees are text. The connector's name is in no
message but that of a funding payment, so the configuration tells it.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from decimal import Decimal
from typing import Any

from exporter.errors import EventError
from exporter.events import Event
from exporter.sources.hummingbot.convert import Converter, OrderReport, Payment, Trade
from exporter.sources.hummingbot.values import number, required

_CREATED = {"BuyOrderCreated": "BUY", "SellOrderCreated": "SELL"}
_ENDED = {"BuyOrderCompleted", "SellOrderCompleted", "OrderCancelled", "OrderExpired", "OrderFailure"}
_REMEMBERED_ORDERS = 10_000


def decode(payload: Any) -> dict[str, Any]:
    """The JSON object in a message; `EventError` when there is none."""
    try:
        message = json.loads(payload, parse_float=Decimal, parse_constant=_no_number)
    except (TypeError, ValueError, RecursionError):  # not text, not JSON, or meant to break a decoder
        message = None
    if not isinstance(message, dict):
        raise EventError("payload", f"a message of the bot is no JSON object: {payload!r:.60}")
    return message


def _no_number(_: str) -> None:
    """NaN, which hummingbot writes for the price of a market order, as nothing."""


class Translator:
    """Turns one bot's messages into events; remembers its orders, whose later messages say only their ids."""

    def __init__(self, convert: Converter, market: str) -> None:
        self._convert = convert
        self._market = market
        self._orders: OrderedDict[str, OrderReport] = OrderedDict()

    def event(self, message: dict[str, Any]) -> Event | None:
        """What a message of the topic ``events`` tells; None for what is of no use. `EventError` for nonsense."""
        kind, data = required(message, "type"), required(message, "data")
        if not isinstance(data, dict):
            raise EventError("data", f"data of {kind!r:.60} is {data!r:.60}; it must be an object")
        time = float(number("timestamp", required(message, "timestamp")))
        if kind == "OrderFilled":
            return self._convert.fill(self._trade(data, time))
        if kind == "FundingPaymentCompleted":
            return self._convert.funding(self._payment(data, time))
        if kind in _CREATED:
            return self._convert.order(self._created(kind, data, time))
        if kind in _ENDED:
            return self._ended(kind, data, time)
        return None

    def _trade(self, data: dict[str, Any], ts: float) -> Trade:
        return Trade(
            market=self._market,
            pair=str(required(data, "trading_pair")),
            strategy="",
            ts=ts,
            order_id=str(required(data, "order_id")),
            side=str(required(data, "trade_type")),
            order_type=str(data.get("order_type") or ""),
            price=number("price", required(data, "price")),
            quantity=number("amount", required(data, "amount")),
            fee=required(data, "trade_fee"),
            trade_id=str(data.get("exchange_trade_id") or ""),
        )

    def _payment(self, data: dict[str, Any], time: float) -> Payment:
        return Payment(
            market=str(data.get("market") or self._market),
            pair=str(required(data, "trading_pair")),
            strategy="",
            time=time,
            amount=number("amount", required(data, "amount")),
        )

    def _created(self, kind: str, data: dict[str, Any], ts: float) -> OrderReport:
        report = OrderReport(
            market=self._market,
            pair=str(required(data, "trading_pair")),
            strategy="",
            ts=ts,
            order_id=str(required(data, "order_id")),
            status=kind,
            side=_CREATED[kind],
            price=number("price", data.get("price") or 0),
            quantity=number("amount", data.get("amount") or 0),
        )
        self._orders[report.order_id] = report
        if len(self._orders) > _REMEMBERED_ORDERS:
            self._orders.popitem(last=False)
        return report

    def _ended(self, kind: str, data: dict[str, Any], ts: float) -> Event | None:
        created = self._orders.pop(str(required(data, "order_id")), None)
        if created is None:  # placed before we listened, or refused, of which the bot tells neither market nor side
            return None
        return self._convert.order(
            OrderReport(
                market=created.market,
                pair=created.pair,
                strategy="",
                ts=ts,
                order_id=created.order_id,
                status=kind,
                side=created.side,
                price=created.price,
                quantity=created.quantity,
            )
        )
