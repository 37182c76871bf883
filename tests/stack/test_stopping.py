"""The end: everybody is told, what was acknowledged is on disk, and nothing that hangs keeps the process."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import signal
import socket
import sqlite3
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType

from tests.stack.ending import Exporter, started
from tests.stack.exporting import command
from tests.stack.harness import eventually

CLIENTS = 200
STUBBORN = ("-m", "tests.stack.stubborn")
LEFT = "some parts did not end, and are left behind"

Event = dict[str, Any]


def a_fill(number: int) -> Event:
    what = {"type": "fill", "exchange": "alpha", "symbol": "BTC/USDT", "trade_id": str(number), "side": "buy"}
    return what | {"price": "60000.5", "quantity": "0.001", "ts": 1_760_000_000.0 + number}


def kept(exporter: Exporter) -> set[str]:
    """The fills that the journal has after the end, which must be intact."""
    status, words = command("journal", "verify", str(exporter.journal))
    assert status == 0, words
    status, text = command("journal", "export", str(exporter.journal), "--kind", "fill")
    assert status == 0, text
    return {part.partition('"')[0] for part in text.split('"trade_id":"')[1:]}


# Clients.


async def test_everybody_is_told_at_the_end(tmp_path: Path) -> None:
    """200 WebSockets are closed with a code and a reason, a connection that is kept is closed, the status is 0."""
    async with started(tmp_path) as exporter, AsyncExitStack() as clients:
        stream = f"{exporter.url}/ws"
        sockets = [await clients.enter_async_context(exporter.session.ws_connect(stream)) for _ in range(CLIENTS)]
        await asyncio.gather(*(subscribed(each, "pnl") for each in sockets))
        reader, writer = await asyncio.open_connection(*address(exporter))
        writer.write(b"GET /v1/schema HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        exporter.signal()
        ends = await asyncio.gather(*(last_message(each) for each in sockets))
        assert ends == [(WSMsgType.CLOSE, 1001, "the exporter stops; come again")] * CLIENTS
        await reader.read()
        writer.close()
        assert await exporter.ended() == 0
        assert exporter.messages()[-2:] == ["stopping", "stopped"]


async def subscribed(client: ClientWebSocketResponse, stream: str) -> None:
    await client.send_json({"op": "subscribe", "stream": stream})
    while (await client.receive_json())["type"] != "snapshot":
        pass


async def last_message(client: ClientWebSocketResponse) -> tuple[WSMsgType, int, str | None]:
    while (message := await client.receive()).type is WSMsgType.TEXT:
        pass
    return message.type, message.data, message.extra


async def test_clients_that_read_nothing_do_not_keep_it(tmp_path: Path) -> None:
    """Neither those whose buffers are full, nor requests that were begun and never finished."""
    async with started(tmp_path, stream={"interval_seconds": 0.01, "slow_seconds": 60}) as exporter:
        with contextlib.ExitStack() as open_ones:
            stuck = [open_ones.enter_context(closing(deaf_client(exporter))) for _ in range(20)]
            for _ in range(20):
                half = open_ones.enter_context(socket.create_connection(address(exporter)))
                half.sendall(b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
            assert await exporter.push(*(a_fill(number) for number in range(5000))) == 200
            exporter.signal()
            assert await exporter.ended() == 0
            assert len(stuck) == 20


def deaf_client(exporter: Exporter) -> socket.socket:
    """A client of the stream that subscribes and then reads nothing any more."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(address(exporter))
    key = base64.b64encode(os.urandom(16)).decode()
    head = f"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}"
    connection.sendall(f"{head}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
    text = b'{"op":"subscribe","stream":"trades"}'
    connection.sendall(bytes((0x81, 0x80 | len(text), 0, 0, 0, 0)) + text)  # masked with zeros
    return connection


def address(exporter: Exporter) -> tuple[str, int]:
    parts = urlsplit(exporter.url)
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


# Parts that hang.


@pytest.mark.parametrize("how", ["IgnoresCancellation", "TidiesUp"])
async def test_a_part_that_does_not_end_is_left_behind(tmp_path: Path, how: str) -> None:
    """It is named, all others end as always, and what was taken is on disk."""
    async with started(tmp_path, *STUBBORN, how) as exporter:
        assert await exporter.push(a_fill(1)) == 200
        exporter.signal(signal.SIGINT)
        assert await exporter.ended() == 0
        assert "source/stubborn did not end within 1.5 s" in exporter.messages()
        assert ("stopped" in exporter.messages()) == (how == "TidiesUp")  # it is asked twice
        if how == "IgnoresCancellation":
            assert exporter.lines()[-1]["parts"] == ["source/stubborn"]
        assert kept(exporter) == {"1"}


async def test_a_loop_that_stands_still_is_left_behind(tmp_path: Path) -> None:
    """The end does not need the event loop; the log says where it stood."""
    async with started(tmp_path, *STUBBORN, "Blocks", log={"format": "text"}) as exporter:
        assert await exporter.push(a_fill(1)) == 200
        await exporter.until_said("the loop stands still")
        exporter.signal()
        assert await exporter.ended() == 0
        assert "not everything ended in time, and is left behind seconds=4.6 at=stubborn.py:" in exporter.said
        assert kept(exporter) == {"1"}


async def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    """With the status of a process that a signal ended, and without waiting for what hangs."""
    async with started(tmp_path, *STUBBORN, "Blocks", log={"format": "text"}) as exporter:
        await exporter.until_said("the loop stands still")
        exporter.signal()
        exporter.signal(signal.SIGINT)
        assert await exporter.ended() in {128 + signal.SIGTERM, 128 + signal.SIGINT}
        assert "told to stop again; ending at once" in exporter.said


# Pushes under way.


async def test_a_push_under_way_is_still_answered(tmp_path: Path) -> None:
    """The disk has it after the signal, and the answer comes."""
    async with started(tmp_path) as exporter:
        with held(exporter.journal) as journal:
            under_way = asyncio.create_task(exporter.push(a_fill(1)))
            await waiting_for_disk(exporter)
            exporter.signal()
            await exporter.until_said('"stopping"')
            journal.rollback()
        assert await under_way == 200
        assert await exporter.ended() == 0
        assert kept(exporter) == {"1"}


async def test_a_push_that_the_disk_does_not_take_is_not_acknowledged(tmp_path: Path) -> None:
    """The process ends with status 0 all the same, and says what was not kept."""
    async with started(tmp_path) as exporter:
        assert await exporter.push(a_fill(1)) == 200
        with held(exporter.journal):
            under_way = asyncio.create_task(acknowledged(exporter, a_fill(2)))
            await waiting_for_disk(exporter)
            exporter.signal()
            assert await exporter.ended() == 0
            assert not await under_way
        assert any("never said to be kept" in message for message in exporter.messages())
        assert kept(exporter) == {"1"}


@contextlib.contextmanager
def held(journal: Path) -> Any:
    """Another program holds the file, so that nothing can be written."""
    with closing(sqlite3.connect(journal, isolation_level=None, check_same_thread=False)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield connection


async def waiting_for_disk(exporter: Exporter) -> None:
    async def waits() -> bool:
        async with exporter.session.get(f"{exporter.url}/metrics") as answer:
            return "trading_journal_pending_records 1\n" in await answer.text()

    await eventually(waits)


async def acknowledged(exporter: Exporter, event: Event) -> bool:
    """Whether the exporter said that it has it."""
    try:
        return await exporter.push(event) == 200
    except aiohttp.ClientError:
        return False


@pytest.mark.parametrize("seconds", [0.1, 30.0])
async def test_what_a_slow_disk_had_time_for_is_what_was_acknowledged(tmp_path: Path, seconds: float) -> None:
    """Bots push until the end; each fill that was acknowledged is there, whether or not all could be written."""
    async with started(tmp_path, *STUBBORN, "SlowDisk") as exporter:
        (tmp_path / "slow").write_text(str(seconds))
        numbers = iter(range(1_000_000))
        told: set[str] = set()
        bots = [asyncio.create_task(bot(exporter, numbers, told)) for _ in range(10)]
        await waiting_for_some(exporter)
        exporter.signal()
        assert await exporter.ended() == 0
        await asyncio.gather(*bots)
        assert (LEFT in exporter.messages()) == (seconds == 30.0)
        (tmp_path / "slow").unlink()
    assert told <= kept(exporter)
    assert bool(told) == (seconds == 0.1)


async def bot(exporter: Exporter, numbers: Any, told: set[str]) -> None:
    """Push one fill after another until nobody is there."""
    with contextlib.suppress(aiohttp.ClientError):
        for number in numbers:
            if await exporter.push(a_fill(number)) == 200:
                told.add(str(number))


async def waiting_for_some(exporter: Exporter) -> None:
    async def waits() -> bool:
        async with exporter.session.get(f"{exporter.url}/metrics") as answer:
            return 'trading_events_total{type="fill",source="push"}' in await answer.text()

    await eventually(waits)
