"""What no bot should push: a clear error for each, what is good beside it is kept, and the exporter goes on."""

from __future__ import annotations

import asyncio
import gzip
import json
import random
import subprocess
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from simulator.stack.binaries import find_binary
from tests.builders import T0
from tests.web.pushing import TOKEN, Bot, event, fills, lines, pushing, settings


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Bot]:
    async with pushing(settings(tmp_path)) as running:
        yield running


def written(**changes: str) -> bytes:
    """A fill with values just as they are written here."""
    fields = {name: json.dumps(value) for name, value in event(7).items()} | changes
    return ("{" + ",".join(f'"{name}":{value}' for name, value in fields.items()) + "}").encode()


def order(**changes: Any) -> bytes:
    fields = {"type": "order", "exchange": "alpha", "symbol": "BTC/USDT", "order_id": "7", "side": "buy", "ts": T0}
    return lines(fields | {"status": "open"} | changes)


DEEP = b"[" * 100_000

BAD_EVENTS: list[tuple[bytes, str, str, str]] = [
    (written(price='"NaN"'), "price", "price", "price is NaN; give a finite number above 0"),
    (written(price="NaN"), "", "json", "JSON has no NaN and no infinity, leave the event out"),
    (written(price="-Infinity"), "", "json", "JSON has no NaN and no infinity"),
    (written(quantity='"Infinity"'), "quantity", "quantity", "quantity is Infinity; give a finite number above 0"),
    (written(quantity="-1"), "quantity", "quantity", "quantity is -1; give a finite number above 0"),
    (written(quantity="0"), "quantity", "quantity", "quantity is 0"),
    (written(price='"1e999999"'), "price", "price", "price is 1E+999999"),
    (written(price="1e999999"), "price", "price", "price is 1E+999999"),
    (written(price="9" * 60_000), "price", "price", "give a finite number above 0"),
    (written(ts="1e999"), "ts", "number", "ts is larger than any number can be"),
    (written(ts=str(T0 * 1000)), "ts", "ts", "that is milliseconds, divide by 1000"),
    (written(ts="-1"), "ts", "ts", "ts is -1.0: give Unix time in seconds; it must be above 0"),
    (written(ts=f'"{T0}"'), "ts", "type", "ts must be a number, not text"),
    (written(ts=str(T0 + 1e9)), "ts", "future", "check the clock of its sender"),
    (written(price="true"), "price", "type", "price must be a number, best as text, not true or false"),
    (written(price='"12,5"'), "price", "number", 'price is not a number; write digits, such as "60000.10"'),
    (written(price='""'), "price", "number", "price is not a number"),
    (written(price="null"), "price", "type", "price must be a number, best as text, not null"),
    (lines(event(7, price=...)), "price", "missing", "price is missing; /v1/schema says what belongs to an event"),
    (lines(event(7, type=...)), "type", "missing", "type is missing; one of fill, order, quote, book, funding"),
    (written(type='"trade"'), "type", "unknown_type", "type is 'trade'; write one of fill, order, quote, book"),
    (written(type=f'"{"x" * 60_000}"'), "type", "unknown_type", "xxx…; write one of"),
    (written(type="3"), "type", "unknown_type", "type is no text; write one of fill"),
    (written(symbol='"BTCUSDT"'), "symbol", "symbol", "symbol is 'BTCUSDT'; write it as BASE/QUOTE"),
    (written(symbol="7"), "symbol", "type", "symbol must be text, not a number"),
    (written(side='"hold"'), "side", "value", "side is 'hold'; write buy or sell"),
    (order(status="done"), "status", "value", "status is 'done'; write canceled or expired or filled"),
    (order(reason="No Money!"), "reason", "pattern", "reason must be a word of at most 40 characters"),
    (written(exchange='""'), "exchange", "length", "exchange is empty; it needs >= 1 characters"),
    (written(exchange=f'"{"x" * 101}"'), "exchange", "length", "exchange has more than 100 characters"),
    (written(exchange=r'"a\nb"'), "exchange", "name", "exchange is 'a\\nb', with a character that is not seen"),
    (written(strategy=r'"a\u0000"'), "strategy", "name", "strategy is 'a\\x00'"),
    (written(account='"a\u202e"'), "account", "name", "account is 'a\\u202e'"),
    (written(account='"a\x7f"'), "account", "name", "account is 'a\\x7f'"),
    (written(fee=r'{"currency":"B\r","amount":"1"}'), "fee.currency", "name", "fee.currency is 'B\\r'"),
    (written(fee='{"currency":"B","amount":"NaN"}'), "fee.amount", "fee.amount", "fee.amount is NaN"),
    (written(fee='{"currency":"B"}'), "fee.amount", "missing", "fee.amount is missing"),
    (written(fee='[{"currency":"B","amount":"x"}]'), "fee[0].amount", "number", "fee[0].amount is not a number"),
    (written(fee=str([7] * 11)), "fee[0]", "type", "fee[0] must be an object, not a number"),
    (written(fee='"0.1 USDT"'), "fee", "type", "fee must be an object or an array or null, not text"),
    (written(exchange='"a\nb"').replace(b"\n", b"\x01"), "", "json", "the event is not JSON: invalid character"),
    (written(exchange=r'"\ud800"'), "", "json", "surrogate"),
    (written(exchange='"@"').replace(b"@", b"\xff\xfe"), "", "encoding", "the event is not UTF-8"),
    (written(more=DEEP[:50_000].decode()), "", "json", "the event is nested too deeply"),
    (DEEP[:50_000], "", "type", "an event must be an object, not an array"),
    (b"null", "", "type", "an event must be an object, not null"),
    (b'"fill"', "", "type", "an event must be an object, not text"),
    (written(more=json.dumps("x" * 70_000)), "", "size", "the event is longer than 65536 bytes"),
    (written()[:-1], "", "json", "truncated"),
    (written()[:-1] + b",}", "", "json", "trailing comma in object"),
    (written() + b",", "", "json", "lines of JSON end without a comma"),
    (written() + b" " + b'{"type":', "", "json", "write one event a line (with curl, send files with --data-binary)"),
    (b"\xef\xbb\xbf" + written(), "", "json", "a byte order mark may stand before the first event only"),
    (b"type=fill&price=1", "", "json", "the event is not JSON"),
]


@pytest.mark.parametrize(("text", "field", "reason", "message"), BAD_EVENTS)
async def test_a_bad_event_between_two_good_ones(bot: Bot, text: bytes, field: str, reason: str, message: str) -> None:
    """The error says where, why, and what to do, in a few words; the good ones are in the books."""
    reply = await bot.push(lines(event(1)) + text.rstrip(b"\n") + b"\n" + lines(event(2)))
    assert (reply.status, reply.counts) == (200, (2, 0, 1))
    assert reply.problems == [(1, field, reason)]
    assert reply.body["errors"][0]["line"] == 2
    assert message in reply.body["errors"][0]["message"]
    assert len(reply.body["errors"][0]["message"]) < 400
    assert await bot.value(f'events_rejected_total{{reason="{reason}"}}') == 1
    assert await bot.value("fills_total{") == 2


def test_reasons_are_few() -> None:
    """A reason is a label: a word, whatever was sent."""
    reasons = {reason for _, _, reason, _ in BAD_EVENTS}
    assert all(reason.replace("_", "").replace(".", "").isalpha() for reason in reasons)
    assert len(reasons) < 25


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        (b"\xef\xbb\xbf" + fills(0, 3), 3),
        (b"\xef\xbb\xbf [" + written() + b"]", 1),
        (fills(0, 3).replace(b"\n", b"\r\n"), 3),
        (b"\n\r\n \t\n" + fills(0, 3).replace(b"\n", b"\n\n \n") + b"\n\n", 3),
        (fills(0, 3).rstrip(), 3),
        (b" \n[ " + written() + b" ,\r\n " + written(trade_id='"8"') + b"\t] \n", 2),
        (b"[]", 0),
        (written(color='"red"', price='"7"'), 1),
        (written(strategy='"Ärger \U0001f600"'), 1),
        (written(strategy=r'"a\\b\/c"'), 1),
    ],
)
async def test_what_is_unusual_but_clear_is_taken(bot: Bot, text: bytes, accepted: int) -> None:
    """A byte order mark, other line ends, blank lines, a missing last line end, unknown keys: no event is lost."""
    reply = await bot.push(text)
    assert (reply.status, reply.counts) == (200, (accepted, 0, 0))


async def test_of_a_key_that_stands_twice_the_last_counts(bot: Bot) -> None:
    """As JSON parsers do; not refused, since finding it would double the work for each event."""
    assert (await bot.push(written()[:-1] + b',"side":"sell"}')).counts == (1, 0, 0)
    assert (
        await bot.value('fills_total{exchange="alpha",account="main",symbol="BTC/USDT",strategy="maker",side="s') == 1
    )


RANDOM = random.Random(7)
GARBAGE = RANDOM.randbytes(7 * 1024 * 1024)


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"", 400, "the body is empty; send one event a line, or an array of events"),
        (b" \r\n\n", 400, "the body is empty"),
        (b"\xef\xbb\xbf", 400, "the body is empty"),
        (fills(0, 2).decode().encode("utf-16"), 400, "not UTF-8 but UTF-16"),
        (fills(0, 2).decode().encode("utf-16-le"), 400, "not UTF-8 but UTF-16"),
        (gzip.compress(fills(0, 2)), 400, "say so with the header Content-Encoding: gzip"),
        (b"[" + written(), 400, "the array is not closed"),
        (b"[" + written() + b",]", 400, "the array ends with a comma; remove it"),
        (b"[" + written() + b" " + written() + b"]", 400, "a comma is missing between two events (byte 0 of the body"),
        (b"[" + written() + b"]" + written() + b"]", 400, "a comma is missing"),
        (b" " * 100_000 + written(), 400, "more than 65536 blanks in a row (from byte 0 on); leave them out"),
        (b"[" + written() + b"\n" * 100_000 + b"," + written() + b"]", 400, "more than 65536 blanks in a row"),
        (b"[" + written()[:-1] + b"]", 400, "the array is not valid JSON"),
        (b"[" * 100_000 + b"]" * 100_000, 400, "the array is nested too deeply"),
        (b'[{"a": "' + b"x" * 100_000 + b'"}]', 400, "or has an event longer than 65536 bytes"),
        (b"not JSON", 400, "nothing in the body can be read as an event"),
        (b"hello=world\n" * 5, 400, "nothing in the body can be read as an event"),
        (GARBAGE, 400, "nothing in the body can be read as an event"),
        (
            GARBAGE + GARBAGE,
            413,
            "more than 8388608 bytes as it is sent; send fewer events at once, or raise push.max_b",
        ),
        (b"x\n" * 1_000_000, 413, "send fewer at once, or raise push.max_events"),
        (b"x" * 8_000_000, 400, "nothing in the body can be read as an event"),
        (b"[" + b"1," * 1_000_000 + b"1]", 413, "push.max_events"),
        (b"[" + b'"},{",' * 50_000 + b"7" * 90_000 + b",8]", 400, "or has an event longer than 65536 bytes"),
    ],
)
async def test_a_body_that_nobody_can_read(bot: Bot, body: bytes, status: int, message: str) -> None:
    """One clear sentence, nothing is taken, and the next body is taken as ever."""
    reply = await bot.push(body)
    assert (reply.status, reply.body["accepted"]) == (status, 0)
    assert message in reply.message or message.partition(" (byte")[0] in reply.message
    assert len(reply.body["errors"]) <= 1000
    assert (await bot.push(fills(0, 3))).counts == (3, 0, 0)
    assert await bot.value("fills_total{") == 3


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (gzip.compress(fills(0, 100))[:-9], "the gzip stream ends too early"),
        (gzip.compress(fills(0, 100))[:1], "the gzip stream ends too early"),
        (gzip.compress(fills(0, 100)) + b"more", "the body is not gzip, or damaged"),
        (gzip.compress(fills(0, 100))[:-8] + bytes(8), "the body is not gzip, or damaged"),
        (fills(0, 100), "the body is not gzip, or damaged"),
        (b"", "the gzip stream ends too early"),
    ],
)
async def test_broken_gzip(bot: Bot, body: bytes, message: str) -> None:
    """Nothing of it is taken, not even what came before the damage."""
    reply = await bot.push(body, Content_Encoding="gzip")
    assert (reply.status, message in reply.message) == (400, True)
    assert await bot.value("fills_total{") == 0


async def test_a_gzip_bomb_takes_no_memory(tmp_path: Path) -> None:
    """Four gigabytes in four megabytes are given up at the limit."""
    packed = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = packed.compress(bytes(64 * 1024 * 1024)) + packed.flush(zlib.Z_FULL_FLUSH)
    rest = packed.compress(bytes(64 * 1024 * 1024)) + packed.flush(zlib.Z_FULL_FLUSH)
    bomb = block + rest * 63
    async with pushing(settings(tmp_path, max_decompressed_bytes=8 * 1024 * 1024)) as bot:
        process = psutil.Process()
        await bot.push(fills(0, 1))
        before, most = process.memory_info().rss, 0
        done = asyncio.Event()

        async def watch() -> None:
            nonlocal most
            while not done.is_set():
                most = max(most, process.memory_info().rss)
                await asyncio.sleep(0)

        watching = asyncio.create_task(watch())
        reply = await bot.push(bomb, Content_Encoding="gzip")
        done.set()
        await watching
        assert (reply.status, "push.max_decompressed_bytes" in reply.message) == (413, True)
        assert most - before < 40 * 1024 * 1024
        assert (await bot.push(fills(0, 2))).counts == (1, 1, 0)


def lint(text: str) -> tuple[int, str]:
    """What promtool says."""
    checked = subprocess.run(
        [str(find_binary("promtool")), "check", "metrics"], input=text, text=True, capture_output=True, check=False
    )
    return checked.returncode, checked.stdout + checked.stderr


async def test_labels_full_of_quotes_leave_the_scrape_valid(bot: Bot) -> None:
    """Names with quotes, braces and backslashes are names; promtool and a parser read them back as they were."""
    names = ['"', '"} 1', "a\\", '{x="y"}', "'; --", "\\n", "a,b=c", "#", " "]
    reply = await bot.push(lines(*(event(number, strategy=name) for number, name in enumerate(names))))
    assert reply.counts == (len(names), 0, 0)
    text = await bot.metrics()
    ours = "".join(line + "\n" for line in text.splitlines() if "trading_" in line)
    assert lint(ours) == (0, "")
    found = [family for family in text_string_to_metric_families(text) if family.name == "trading_fills"]
    assert {sample.labels["strategy"] for sample in found[0].samples} == set(names)


async def test_a_sender_that_hangs_up_leaves_nothing(bot: Bot) -> None:
    """Whole lines of a body that was never complete are not taken, and the sender may come again."""
    host, port = bot.url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    head = f"POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 100000\r\n\r\n"
    writer.write(head.encode() + fills(0, 50))
    await writer.drain()
    await bot.until("push_received_bytes_total", 1)
    writer.close()
    await bot.until('push_requests_total{code="400"}', 1)
    assert await bot.value("fills_total{") == 0
    assert (await bot.push(fills(0, 50))).counts == (50, 0, 0)


async def test_broken_chunks_take_nothing(bot: Bot) -> None:
    """Framing that is wrong ends the request, not the exporter."""
    host, port = bot.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nTransfer-Encoding: chunked\r\n\r\n"
    writer.write(head.encode() + b"5\r\n{}\n{}\r\nnonsense\r\n")
    assert b" 400 " in await reader.readline()
    writer.close()
    assert (await bot.push(fills(0, 5))).counts == (5, 0, 0)
