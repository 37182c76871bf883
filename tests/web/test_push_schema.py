"""The published schema and the endpoint agree: what the one refuses the other refuses too."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import jsonschema  # type: ignore[import-untyped]  # its stubs are one more package
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.events import Event
from exporter.web.push.decode import decode_one
from exporter.web.schema import TEXT, main
from tests.builders import T0
from tests.web.pushing import Bot, event, lines, pushing, settings

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads(TEXT)
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
KINDS = {str(kind.__struct_config__.tag): kind for kind in get_args(Event)}
EXAMPLES: dict[str, dict[str, Any]] = {
    example["type"]: example for part in SCHEMA["$defs"].values() for example in part.get("examples", [])
}


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Bot]:
    async with pushing(settings(tmp_path)) as running:
        yield running


def valid(body: Any) -> bool:
    return bool(VALIDATOR.is_valid(body))


def test_it_is_a_schema() -> None:
    """It follows the rules of JSON Schema 2020-12."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


async def test_it_is_published_to_everybody(bot: Bot) -> None:
    """GET /v1/schema asks for no token, and answers with what stands in docs."""
    async with bot.session.get(f"{bot.url}/v1/schema") as answer:
        assert (answer.status, answer.content_type) == (200, "application/schema+json")
        assert await answer.text() == (ROOT / "docs" / "events.schema.json").read_text()


def test_the_generated_file_is_checked(tmp_path: Path) -> None:
    """--check tells whether the file is up to date, and writes nothing."""
    path = tmp_path / "schema.json"
    assert main(["--check", str(path)]) == 1
    assert main([str(path)]) == 0
    assert main(["--check", str(path)]) == 0
    path.write_text("{}")
    assert main(["--check", str(path)]) == 1
    assert path.read_text() == "{}"


def test_every_event_and_field_is_described() -> None:
    """A person who reads the schema finds what each thing is, and an example of each event."""
    assert EXAMPLES.keys() == KINDS.keys()
    for kind in KINDS.values():
        part = SCHEMA["$defs"][kind.__name__]
        assert len(part["description"]) > 20
        assert part["properties"].keys() == {"type"} | {field.name for field in msgspec.structs.fields(kind)}
        for name, value in part["properties"].items():
            assert value["description"].endswith("."), name
            assert value.get("format") != "decimal", name


def documented() -> list[dict[str, Any]]:
    """Every event that stands in the pages."""
    pages = "".join(page.read_text() for page in (ROOT / "docs").glob("*.md")).replace("$now", f"{T0:.0f}")
    return [json.loads(text) for text in re.findall(r"\{\"type\":.*\}", pages)]


def test_every_event_in_the_docs_is_valid() -> None:
    """What a reader copies works."""
    examples = [*documented(), *EXAMPLES.values()]
    assert len(examples) > 10
    for each in examples:
        VALIDATOR.validate(each)
    VALIDATOR.validate(examples)


async def test_every_example_is_taken(bot: Bot) -> None:
    """And the endpoint takes it."""
    reply = await bot.push(lines(*EXAMPLES.values()))
    assert (reply.status, reply.counts) == (200, (len(KINDS), 0, 0))


def test_the_linter_of_the_same_name_accepts_it(tmp_path: Path) -> None:
    """Schema and examples pass a tool that knows nothing of us."""
    (tmp_path / "events.json").write_text(json.dumps(list(EXAMPLES.values())))
    command = [sys.executable, "-m", "check_jsonschema", "--schemafile", str(ROOT / "docs" / "events.schema.json")]
    done = subprocess.run([*command, str(tmp_path / "events.json")], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


MISSING = object()
CHANGES = [
    MISSING,
    None,
    True,
    7,
    -7,
    0,
    1.5,
    "",
    "x",
    "buy",
    "A/B",
    "A/B:C",
    "A/",
    "A/B:B",
    "A/B:A",
    "1.5",
    "-1.5",
    "0.00",
    ".5",
    "1e3",
]
CHANGES += ["1e-3", "+1", "abc", "NaN", "Infinity", "a\nb", "x" * 101, "x" * 300, [], {}, [{}], 1e12, 1e30, T0 * 1000]
CHANGES += [{"currency": "B", "amount": "-1"}, [{"currency": "B", "amount": 1}], {"currency": "", "amount": "1"}]
CHANGES += [{"currency": "B", "amount": "x"}, [{"currency": "B", "amount": 1}] * 11, "maker", "rejected", "Bad Word"]
FIELDS = [
    (tag, field) for tag in KINDS for field in EXAMPLES[tag] | {"contract_size": 0, "decision_price": 0, "more": 0}
]


@pytest.mark.parametrize(("tag", "field"), FIELDS)
async def test_both_judge_every_change_of_every_field_alike(bot: Bot, tag: str, field: str) -> None:
    """Each field of each event with each of many values: the schema allows what is taken, and nothing else.

    Bids and asks are changed alone, since no schema can compare two fields.
    """
    base = EXAMPLES[tag] | ({"ask": None} if field == "bid" else {"bid": None} if field == "ask" else {})
    events = [{**base, field: value} for value in CHANGES if value is not MISSING]
    events.append({name: value for name, value in base.items() if name != field})
    for number, each in enumerate(events):  # nothing is a repeat of another, or in conflict with it
        for name in ("trade_id", "funding_id", "transfer_id"):
            if name in each and name != field:
                each[name] = str(number)
    reply = await bot.push(lines(*events))
    refused = {error["index"] for error in reply.body["errors"] if error["reason"] not in ("conflict", "future")}
    for number, each in enumerate(events):
        assert valid(each) == (number not in refused), (each, reply.body["errors"])


TEXT_OF = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1, max_size=30)
PART = st.text("ABCDEFGHabcdefgh0123456789-_.", min_size=1, max_size=8)
TIMES = st.floats(1.0, T0)
MONEY = st.decimals("1e-12", "1e12", places=6, allow_nan=False).filter(bool)


def symbol(base: str, quote: str, kind: str) -> str:
    settlement = {"spot": "", "linear": f":{quote}", "inverse": f":{base}", "future": f":{quote}-251226"}
    return f"{base}/{quote}{settlement[kind]}"


_COUNTS = st.floats(0, 1e15)
_NUMBERS = st.floats(-1e18, 1e18)
_ANSWERS = _NUMBERS | TEXT_OF
SIGNALS: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(("app", "route", "cache", "tier", "model", "name"), TEXT_OF),
    **dict.fromkeys(("hits", "misses"), _COUNTS),
    **dict.fromkeys(("evictions", "entries", "memory_bytes", "memory_limit_bytes"), st.none() | _COUNTS),
    **dict.fromkeys(("warmed_entries", "warmed_hits"), st.none() | _COUNTS),
    "duration": st.floats(0, 86_399),
    "inference_seconds": st.none() | st.floats(0, 86_399),
    "prediction_id": st.just("") | TEXT_OF,
    "predicted": st.none() | _ANSWERS,
    "features": st.dictionaries(TEXT_OF, _NUMBERS, max_size=3),
    "kind": st.sampled_from(("level", "increment")),
    "request.status": st.integers(100, 599),
    "prediction.value": st.none() | _ANSWERS,
    "outcome.value": _ANSWERS,
    "business.value": st.floats(0, 1e15),
}

BY_FIELD: dict[str, st.SearchStrategy[Any]] = {
    **SIGNALS,
    "symbol": st.builds(symbol, PART, PART, st.sampled_from(("spot", "linear", "inverse", "future"))),
    "reason": st.text("abc_019", max_size=40),
    "bid": st.none() | st.floats(1, 10),
    "ask": st.none() | st.floats(11, 20),
    "bid_quantity": st.none() | st.floats(0, 1e6),
    "ask_quantity": st.none() | st.floats(0, 1e6),
    "exchange": TEXT_OF,
    "account": TEXT_OF,
    "strategy": TEXT_OF,
    "currency": TEXT_OF,
    "fee": st.none(),
    "contract_size": MONEY,
    "price": MONEY,
    "quantity": MONEY,
    "decision_price": st.none() | MONEY,
    "amount": MONEY | MONEY.map(lambda value: -value),
    "total": MONEY | MONEY.map(lambda value: -value),
    **dict.fromkeys(("ts", "sent_ts", "ack_ts"), TIMES),
    **dict.fromkeys(("trade_id", "order_id", "funding_id", "transfer_id"), TEXT_OF),
    "side": st.sampled_from(("buy", "sell")),
    "liquidity": st.sampled_from(("maker", "taker", "unknown")),
    "status": st.sampled_from(("new", "open", "partially_filled", "filled", "canceled", "rejected", "expired")),
}


@st.composite
def events(draw: st.DrawFn) -> Event:
    """Any event that can be made."""
    kind = draw(st.sampled_from(list(KINDS.values())))
    names = [field.name for field in msgspec.structs.fields(kind)]
    own = {name: f"{kind.__struct_config__.tag}.{name}" for name in names}
    made: Event = kind(**{name: draw(BY_FIELD[own[name] if own[name] in BY_FIELD else name]) for name in names})
    return made


@given(made=events(), as_numbers=st.booleans())
def test_whatever_can_be_made_is_valid_and_comes_back(made: Event, as_numbers: bool) -> None:
    """Any event, written with money as text or as numbers, is valid, and read as what it was."""
    encode = msgspec.json.Encoder(decimal_format="number" if as_numbers else "string").encode
    written = encode(made)
    assert valid(json.loads(written))
    assert decode_one(written) == made


def test_money_may_be_text_or_a_number() -> None:
    """Both are in the schema, and text keeps its digits."""
    for price in ("60000.10", 60000.10, 60000):
        assert valid(event(price=price))
    read = decode_one(lines(event(price="60000.10")))
    assert str(getattr(read, "price", None)) == str(Decimal("60000.10"))
