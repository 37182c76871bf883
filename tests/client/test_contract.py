"""Client and exporter agree: each event, each field, and what an event becomes on its way."""

from __future__ import annotations

import inspect
import json
from decimal import Decimal
from typing import Any, get_args

import msgspec
import pytest

from exporter import events
from exporter.client import Client
from tests.client.standin import standin

KINDS: dict[str, type[msgspec.Struct]] = {str(cls.__struct_config__.tag): cls for cls in get_args(events.Event)}
GIVEN: dict[str, dict[str, Any]] = {
    "fill": {
        "symbol": "BTC/USDT:USDT",
        "trade_id": "812",
        "order_id": "77",
        "side": "buy",
        "price": Decimal("60000.10"),
        "quantity": "0.012",
        "fee": ("BNB", "-0.0001"),
        "liquidity": "maker",
        "contract_size": "0.001",
        "decision_price": 60000.05,
    },
    "order": {
        "symbol": "BTC/USDT",
        "order_id": "77",
        "status": "rejected",
        "side": "sell",
        "price": 60000,
        "quantity": "1",
        "reason": "post_only",
        "sent_ts": 1760000000.5,
        "ack_ts": 1760000000.75,
        "decision_price": "60001",
    },
    "quote": {"symbol": "BTC/USDT", "bid": 1.0, "bid_quantity": 2.0, "ask": 3.0, "ask_quantity": 4.0},
    "book": {"symbol": "BTC/USDT", "bid": 1.0, "bid_quantity": 2.0, "ask": 3.0, "ask_quantity": 4.0},
    "funding": {"symbol": "BTC/USDT:USDT", "funding_id": "f1", "currency": "USDT", "amount": "-1.25"},
    "transfer": {"transfer_id": "t1", "currency": "EUR", "amount": "1000"},
    "balance": {"currency": "BTC", "total": "0.00000001"},
    "position": {"symbol": "BTC/USD:BTC", "quantity": "-3", "contract_size": 100},
    "request": {"app": "orders", "route": "/orders/{id}", "status": 200, "duration": 0.042},
    "cache": {
        "cache": "quotes",
        "tier": "l2",
        "hits": 912,
        "misses": 88,
        "evictions": 3,
        "entries": 500,
        "memory_bytes": 65536,
        "memory_limit_bytes": 1048576,
        "warmed_entries": 100,
        "warmed_hits": 80,
    },
    "prediction": {
        "model": "mid-5s",
        "value": 0.25,
        "prediction_id": "p-1",
        "inference_seconds": 0.003,
        "features": {"imbalance": 0.5},
    },
    "outcome": {"model": "mid-5s", "value": "up", "prediction_id": "p-1", "predicted": "down"},
    "business": {"name": "revenue_usd", "value": 12.5, "kind": "increment"},
}
LABELS = {"exchange": "alpha", "account": "main", "strategy": "mm-1", "ts": 1760000000.25}


def fields(kind: str) -> dict[str, msgspec.inspect.Field]:
    info = msgspec.inspect.type_info(KINDS[kind])
    assert isinstance(info, msgspec.inspect.StructType)
    return {field.name: field for field in info.fields}


def complete(kind: str) -> dict[str, Any]:
    """A value for every field of an event."""
    given = GIVEN[kind] | {name: value for name, value in LABELS.items() if name in fields(kind)}
    assert given.keys() == fields(kind).keys(), "a field without an example here"
    return given


def sent(kind: str, report: dict[str, Any]) -> dict[str, Any]:
    """What arrives at the exporter when a bot reports this."""
    with standin() as server, Client(server.url, exchange="default-exchange") as reports:
        getattr(reports, kind)(**report)
        assert reports.flush(30), reports.statistics
        assert reports.statistics.last_error == ""
        (event,) = server.taken
        return event


def test_each_event_has_a_method() -> None:
    """Whatever the exporter takes, a bot can report."""
    assert KINDS.keys() == GIVEN.keys()
    assert [kind for kind in KINDS if not callable(getattr(Client, kind, None))] == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_method_has_an_argument_for_each_field(kind: str) -> None:
    """Names agree, and what an event cannot do without is required of the bot, but for what the client knows."""
    arguments = dict(inspect.signature(getattr(Client, kind)).parameters)
    del arguments["self"]
    assert arguments.keys() == fields(kind).keys()
    assert all(argument.kind is argument.KEYWORD_ONLY for argument in arguments.values())
    required = {name for name, argument in arguments.items() if argument.default is argument.empty}
    assert required == {name for name, field in fields(kind).items() if field.required} - {"exchange", "ts"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_arrives_as_the_event_that_was_meant(kind: str) -> None:
    """What the client sends is decoded into an event with each value that was given."""
    report = complete(kind)
    event = msgspec.json.decode(json.dumps(sent(kind, report)), type=KINDS[kind])
    meant = report | (
        {"fee": events.Fee("BNB", Decimal("-0.0001")), "decision_price": Decimal("60000.05")} if kind == "fill" else {}
    )
    for name, value in meant.items():
        got = getattr(event, name)
        assert got == (type(got)(value) if isinstance(got, Decimal) else value), name


@pytest.mark.parametrize("kind", KINDS)
def test_the_fewest_arguments_make_a_good_event(kind: str) -> None:
    """What is left out is left to the exporter's defaults, and the client's labels are filled in."""
    needed = {name: value for name, value in GIVEN[kind].items() if fields(kind)[name].required}
    event = msgspec.json.decode(json.dumps(sent(kind, needed)), type=KINDS[kind])
    assert getattr(event, "exchange", "default-exchange") == "default-exchange"
    for name, field in fields(kind).items():
        if not field.required:
            default = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
            assert getattr(event, name) == default, name


def test_a_fill_may_have_several_fees() -> None:
    """A list of pairs arrives as that many fees."""
    report = GIVEN["fill"] | {"fee": [("BNB", "0.1"), ("USDT", 2)]}
    event = msgspec.json.decode(json.dumps(sent("fill", report)), type=events.Fill)
    assert event.fees == (events.Fee("BNB", Decimal("0.1")), events.Fee("USDT", Decimal(2)))
