"""The JSON Schema of events: ``python -m exporter.web.schema [--check] FILE``.

Types come from the events themselves; what their checks ask for beyond types is added here, with a description
and an example of each field.
"""

from __future__ import annotations

import argparse
import inspect
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import msgspec

from exporter.events import Event

Schema = dict[str, Any]

_BODY = (
    "The body of POST /v1/events: one event (as each line of NDJSON is one), or an array of events. Keys that an "
    "event does not have are ignored."
)

_SIGNED = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_ABOVE_ZERO = r"^(?=[^eE]*[1-9])\+?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_LARGEST = 1e24
_DECIMAL: Schema = {
    "anyOf": [{"type": "string", "pattern": _SIGNED}, {"type": "number", "minimum": -_LARGEST, "maximum": _LARGEST}]
}
_POSITIVE: Schema = {
    "anyOf": [
        {"type": "string", "pattern": _ABOVE_ZERO},
        {"type": "number", "exclusiveMinimum": 0, "maximum": _LARGEST},
    ]
}
_TIME: Schema = {"exclusiveMinimum": 0, "exclusiveMaximum": 1e11}
_SECONDS: Schema = {"minimum": 0, "exclusiveMaximum": 86_400}
_SYMBOL: Schema = {"pattern": "^[^/: \\t\\n]+/[^/: \\t\\n]+(:[^/: \\t\\n]+)?$"}
# The books know two kinds of contracts: settled in the quote or in the base currency; of a
# future the date follows.
_SETTLED: Schema = {"pattern": "^([^/: \\t\\n]+)/([^/: \\t\\n]+)(:(\\1|\\2)(-[^/: \\t\\n]*)?)?$"}
_SEEN: Schema = {"pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]*$"}

# What the checks of events ask for, by field, or by event and field where they differ.
_RULES: dict[str, Schema] = {
    **dict.fromkeys(("ts", "sent_ts", "ack_ts"), _TIME),
    **dict.fromkeys(("price", "quantity", "contract_size", "decision_price"), _POSITIVE),
    **dict.fromkeys(("amount", "total", "position.quantity"), _DECIMAL),
    "bid": {"minimum": 1e-24, "maximum": _LARGEST},
    "ask": {"minimum": 1e-24, "maximum": _LARGEST},
    "bid_quantity": {"minimum": 0},
    "ask_quantity": {"minimum": 0},
    **dict.fromkeys(("exchange", "account", "strategy", "currency"), _SEEN),
    **dict.fromkeys(("app", "route", "cache", "tier", "model", "name"), _SEEN),
    **dict.fromkeys(("duration", "inference_seconds"), _SECONDS),
    "symbol": _SYMBOL,
    **dict.fromkeys(("fill.symbol", "book.symbol", "funding.symbol", "position.symbol"), _SETTLED),
}

_FIELDS: dict[str, tuple[str, Any]] = {
    "type": ("Which event this is.", None),
    "exchange": ("Name of the exchange; becomes a label.", "binance"),
    "account": ("Account on the exchange; becomes a label.", "main"),
    "strategy": ("Bot or strategy that did it; becomes a label.", "mm-1"),
    "symbol": ("BASE/QUOTE, and for a contract BASE/QUOTE:SETTLEMENT.", "BTC/USDT"),
    "ts": ("When it happened: Unix time in seconds, not milliseconds.", 1760000000.125),
    "trade_id": ("The exchange's id of the trade; a fill of the same id counts once.", "812"),
    "order_id": ("The exchange's id of the order.", "77"),
    "side": ("What we did.", "buy"),
    "price": ("In the quote currency, above 0; best as text, with the digits that the exchange sent.", "60000.10"),
    "quantity": ("In the base currency, for contracts in contracts, above 0; best as text.", "0.012"),
    "position.quantity": ("In contracts, negative when short; best as text.", "-3"),
    "fee": ("What was paid for it; a list where it was paid in several currencies.", None),
    "amount": ("Of the currency; best as text.", "0.0001"),
    "fee.amount": ("What was paid, negative when it is a rebate; best as text.", "0.0001"),
    "funding.amount": ("Positive when received, negative when paid; best as text.", "-1.25"),
    "transfer.amount": ("Positive into the account, negative out of it; best as text.", "1000"),
    "currency": ("Code of the currency.", "USDT"),
    "liquidity": ("Whether our order rested in the book (maker) or took from it (taker).", "maker"),
    "contract_size": (
        "Size of one contract, in the base currency when linear, in the quote currency when inverse.",
        "0.001",
    ),
    "decision_price": ("Price on which the bot decided to trade; slippage is counted from it.", "60000.05"),
    "status": ("What became of the order by now.", "open"),
    "reason": ("Why the order was rejected, as a short word.", "post_only"),
    "sent_ts": ("When the bot sent the order, as ts.", 1760000000.001),
    "ack_ts": ("When the exchange's answer came, as ts.", 1760000000.043),
    "bid": ("Best price to buy at, null without one.", 59999.5),
    "ask": ("Best price to sell at, null without one; above bid.", 60000.5),
    "bid_quantity": ("Quantity at the bid.", 1.5),
    "ask_quantity": ("Quantity at the ask.", 0.7),
    "funding_id": ("The exchange's id of the payment; the same id counts once.", "f-20251009-08"),
    "transfer_id": ("The exchange's id of the transfer; the same id counts once.", "t-19"),
    "app": ("Which of your services answered; becomes a label.", "orders-api"),
    "route": ("Pattern of the path, never the path itself; becomes a label.", "/orders/{id}"),
    "request.status": ("Status of the answer, as of HTTP.", 200),
    "duration": ("Seconds that the answer took.", 0.042),
    "cache": ("Name of the cache; becomes a label.", "quotes"),
    "tier": ("How near it is: l1 is in the program's own memory; becomes a label.", "l1"),
    "hits": ("Requests that it could answer, since it began.", 912),
    "misses": ("Requests that it could not answer, since it began.", 88),
    "evictions": ("Entries that had to go for want of room, since it began.", 3),
    "entries": ("Entries in it now.", 500),
    "memory_bytes": ("Memory that its entries use.", 65536),
    "memory_limit_bytes": ("Memory that it may use.", 1048576),
    "warmed_entries": ("Entries put in before anybody asked for them, since it began.", 100),
    "warmed_hits": ("Those of warmed_entries that were asked for since, each once.", 80),
    "model": ("Name of the model; becomes a label.", "mid-5s"),
    "prediction_id": ("Yours to choose; the outcome of the same id is held against it.", "p-1"),
    "prediction.value": ("What the model said: a number, or the name of a class.", 0.25),
    "inference_seconds": ("Seconds that the model took.", 0.003),
    "features": ("What the model was told, numbers by name; each is watched for drift.", {"imbalance": 0.4}),
    "outcome.value": ("What came true: a number, or the name of a class.", 0.2),
    "predicted": ("What was predicted, where the exporter was not told by a prediction.", 0.25),
    "name": ("Name of the figure; becomes a label.", "active_users"),
    "business.value": ("The present level, or the increment of a sum.", 1250.0),
    "kind": ("Whether value is the present level, or is added to a sum.", "level"),
    "total": ("What the account holds of the currency, locked amounts included; best as text.", "0.75"),
}


def build() -> Schema:
    """The schema of a body, with one definition for each event."""
    kinds = {str(kind.__struct_config__.tag): kind for kind in get_args(Event)}
    _, components = msgspec.json.schema_components([Event], ref_template="#/$defs/{name}")
    names = {tag: kind.__name__ for tag, kind in kinds.items()}
    tags = {name: tag for tag, name in names.items()}
    definitions = {name: _definition(tags.get(name, name.lower()), part) for name, part in components.items()}
    for tag, name in names.items():
        definitions[name]["examples"] = [_example(tag, definitions[name])]
    definitions["Event"] = {"oneOf": [{"$ref": f"#/$defs/{name}"} for name in names.values()]}
    event = {"$ref": "#/$defs/Event"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Events of trading-exporter",
        "description": _BODY,
        "anyOf": [event, {"type": "array", "items": event}],
        "$defs": definitions,
    }


def _definition(tag: str, part: Schema) -> Schema:
    """An event, or a part of one, with what msgspec cannot know."""
    description = " ".join(inspect.cleandoc(part["description"]).replace("``", "`").split())
    properties = {name: _property(tag, name, value) for name, value in part["properties"].items()}
    return part | {"description": description, "properties": properties}


def _property(tag: str, name: str, value: Schema) -> Schema:
    text, example = _FIELDS.get(f"{tag}.{name}") or _FIELDS[name]
    rule = _RULES.get(f"{tag}.{name}") or _RULES.get(name) or {}
    described: Schema = {"description": text}
    if example is not None:
        described["examples"] = [example]
    return described | _ruled(value, rule)


def _ruled(value: Schema, rule: Schema) -> Schema:
    """The type with its rule; null stays allowed where it is."""
    if "anyOf" in value and rule:
        choices = [each if each == {"type": "null"} else _ruled(each, rule) for each in value["anyOf"]]
        flat = [one for each in choices for one in (each["anyOf"] if each.keys() == {"anyOf"} else [each])]
        return value | {"anyOf": flat}
    if value.get("format") == "decimal":
        rest = {key: each for key, each in value.items() if key not in ("type", "format")}
        return rest | rule
    return value | rule


_EXAMPLE_FEE = {"currency": "BNB", "amount": "0.0001"}
_CONTRACT = {"symbol": "BTC/USDT:USDT"}
_EXAMPLES: dict[str, Schema] = {
    "fill": {"fee": _EXAMPLE_FEE},
    "order": {"status": "rejected"},
    "funding": _CONTRACT,
    "position": _CONTRACT,
    "transfer": {"currency": "EUR"},
}
_LEFT_OUT = frozenset(("contract_size", "decision_price"))


def _example(tag: str, definition: Schema) -> Schema:
    """A whole event, made of the examples of its fields."""
    fields = {name: value["examples"][0] for name, value in definition["properties"].items() if "examples" in value}
    own = {"type": tag} | fields | _EXAMPLES.get(tag, {})
    return {name: value for name, value in own.items() if name not in _LEFT_OUT}


TEXT = json.dumps(build(), indent=2) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the schema, or with ``--check`` exit with 1 if the file differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if the file is out of date")
    parser.add_argument("file", type=Path)
    options = parser.parse_args(arguments)
    if not options.check:
        options.file.write_text(TEXT, encoding="utf-8")
    elif not options.file.exists() or options.file.read_text(encoding="utf-8") != TEXT:
        print(f"{options.file} is out of date; run make generate", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
