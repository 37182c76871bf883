"""Clients of the stream: what they are told, in which order, and what becomes of those that misbehave."""

from __future__ import annotations

import ast
import asyncio
import json
import os
import re
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType, WSServerHandshakeError
from websockets.asyncio.client import connect
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

from exporter.stream import protocol
from tests.builders import quote
from tests.stack.harness import eventually
from tests.web.desks import TOKEN, Desk, Reader, a_desk


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with a_desk() as made:
        yield made


async def test_a_snapshot_comes_first_and_then_what_changes(desk: Desk) -> None:
    """All markets at first, then the one that moved, with numbers that rise."""
    desk.move(100)
    desk.move(200, "ETH/USDT")
    async with desk.client() as reader:
        first = await reader.subscribe("spreads")
        assert (first["type"], first["stream"]) == ("snapshot", "spreads")
        assert {each["symbol"] for each in first["data"]} == {"BTC/USDT", "ETH/USDT"}
        desk.move(110)
        update = await reader.next("update")
        assert [(each["symbol"], each["mid"]) for each in update["data"]] == [("BTC/USDT", 111)]
        assert update["channel"] == first["channel"]
        assert update["number"] > first["number"]


async def test_pnl_follows_fills_and_mids(desk: Desk) -> None:
    """A fill opens a position, and a move of the mid changes what it is worth; both are the ledger's figures."""
    async with desk.client() as reader:
        assert (await reader.subscribe("pnl"))["data"] == []
        desk.move(99)
        desk.trade(1)
        opened = (await reader.next("update"))["data"][0]
        assert (opened["position"], opened["unrealized_usd"]) == (1, 0)
        desk.move(109)
        moved = (await reader.next("update"))["data"][0]
        assert (moved["unrealized_usd"], moved["total_usd"]) == (10, 10)
        assert (moved["exchange"], moved["account"], moved["strategy"]) == ("alpha", "main", "maker")


async def test_trades_come_in_order_each_once(desk: Desk) -> None:
    """Fills are told in the order in which they came; a repeat is not told again."""
    async with desk.client() as reader:
        await reader.subscribe("trades")
        for number in (1, 2, 2, 3):
            desk.trade(number)
        told: list[str] = []
        while len(told) < 3:
            told += [each["trade_id"] for each in (await reader.next("update"))["data"]]
        assert told == ["1", "2", "3"]


async def test_a_selection_keeps_the_rest_out(desk: Desk) -> None:
    """Only what has one of the values asked for is told."""
    async with desk.client() as reader:
        await reader.subscribe("spreads", exchange=["beta"], symbol=["BTC/USDT", "ETH/USDT"])
        desk.move(1)
        desk.move(2, "XRP/USDT", "beta")
        desk.move(3, "ETH/USDT", "beta")
        (told,) = (await reader.next("update"))["data"]
        assert (told["exchange"], told["symbol"]) == ("beta", "ETH/USDT")


async def test_unsubscribing_ends_it(desk: Desk) -> None:
    """What was left says nothing more, and what was kept goes on."""
    async with desk.client() as reader:
        left = await reader.subscribe("spreads", symbol=["ETH/USDT"])
        kept = await reader.subscribe("spreads", symbol=["BTC/USDT"])
        await reader.say("unsubscribe", channel=left["channel"])
        assert await reader.next("unsubscribed") == {"type": "unsubscribed", "channel": left["channel"]}
        desk.move(1, "ETH/USDT")
        desk.move(2)
        assert (await reader.next("update"))["channel"] == kept["channel"]


async def test_a_short_break_is_bridged(desk: Desk) -> None:
    """Whoever comes back with the number it saw last is told what changed since, and nothing else."""
    desk.move(1)
    desk.move(1, "ETH/USDT")
    async with desk.client() as reader:
        seen = await reader.subscribe("spreads")
    desk.move(5)
    async with desk.client() as reader:
        resume = {"epoch": reader.hello["epoch"], "number": seen["number"]}
        bridged = await reader.subscribe("spreads", resume=resume)
        assert (bridged["type"], [each["mid"] for each in bridged["data"]]) == ("update", [6])


@pytest.mark.parametrize("resume", [{"epoch": "another", "number": 1}, {"epoch": "", "number": 10**9}])
async def test_what_cannot_be_bridged_begins_anew(desk: Desk, resume: dict[str, Any]) -> None:
    """After a restart of the exporter, or with a number that it never said, there is a snapshot."""
    desk.move(1)
    async with desk.client() as reader:
        wanted = resume | ({"epoch": reader.hello["epoch"]} if not resume["epoch"] else {})
        assert (await reader.subscribe("spreads", resume=wanted))["type"] == "snapshot"


async def test_trades_that_were_forgotten_begin_anew(desk: Desk) -> None:
    """A break in which more fills came than are kept ends with a snapshot of the newest."""
    async with desk.client() as reader:
        await reader.subscribe("trades")
        desk.trade(1)
        seen = await reader.next("update")
    for number in range(2, 700):
        desk.trade(number)
    async with desk.client() as reader:
        resume = {"epoch": reader.hello["epoch"], "number": seen["number"]}
        told = await reader.subscribe("trades", resume=resume)
        assert told["type"] == "snapshot"
        ids = [each["trade_id"] for each in told["data"]]
        while len(ids) < 500:
            ids += [each["trade_id"] for each in (await reader.next("update"))["data"]]
        assert ids == [str(number) for number in range(200, 700)]


async def test_more_trades_than_are_kept_are_no_update(desk: Desk) -> None:
    """Whoever cannot be told all that changed since the last turn is told so by a snapshot."""
    async with desk.client() as reader:
        await reader.subscribe("trades", interval_ms=500)
        for number in range(700):
            desk.trade(number)
        told = await reader.next("snapshot")
        assert told["data"][0]["trade_id"] == "200"


async def test_a_large_snapshot_comes_in_parts(desk: Desk) -> None:
    """The first part begins anew, the rest follows as updates, and a break between two of them can be bridged."""
    for number in range(1000):
        desk.move(number + 1, f"S{number}/USDT")
    async with desk.client() as reader:
        first = await reader.subscribe("spreads")
        found = {each["symbol"] for each in first["data"]}
        assert 0 < len(found) < 1000
        while len(found) < 1000:
            found |= {each["symbol"] for each in (await reader.next("update"))["data"]}
    async with desk.client() as reader:
        resume = {"epoch": reader.hello["epoch"], "number": first["number"]}
        rest = await reader.subscribe("spreads", resume=resume)
        assert rest["type"] == "update"
        assert not {each["symbol"] for each in rest["data"]} & {each["symbol"] for each in first["data"]}


async def test_longer_intervals_bring_fewer_messages(desk: Desk) -> None:
    """A client that asks for a second gets the newest state of that second in one message."""
    async with desk.client() as slow, desk.client() as quick:
        await slow.subscribe("spreads", interval_ms=500)
        await quick.subscribe("spreads")
        for bid in range(10):
            desk.move(bid + 1)
            await quick.next("update")
        (told,) = (await slow.next("update"))["data"]
        assert told["mid"] >= 2
        desk.move(50)
        assert (await slow.next("update"))["data"][0]["mid"] == 51


async def test_quotes_stand_beside_the_market(desk: Desk) -> None:
    """The spreads of a market say how wide our own quotes are."""
    desk.move(99)
    desk.intake.accept(quote(99.0, 101.0, desk.state.clock()), "test")
    async with desk.client() as reader:
        (told,) = (await reader.subscribe("spreads"))["data"]
    assert told["quote_spread_ratio"] == pytest.approx(0.02)
    assert told["market_spread_ratio"] == pytest.approx(0.02)


@pytest.mark.parametrize("compress", [0, 15, 10])
async def test_compressed_or_not_the_same_is_read(desk: Desk, compress: int) -> None:
    """Clients that agree on compression, with any window, read what the others read."""
    for number in range(50):
        desk.move(number + 1, f"S{number}/USDT")
    async with desk.client(compress=compress) as reader:
        assert len((await reader.subscribe("spreads"))["data"]) == 50
        desk.move(1000, "S1/USDT")
        assert (await reader.next("update"))["data"][0]["mid"] == 1001
        await reader.say("ping")
        await reader.next("pong")


@pytest.mark.parametrize("memory", [True, False])
@pytest.mark.parametrize("window", [None, 10])
async def test_messages_that_build_on_each_other_are_read(desk: Desk, memory: bool, window: int | None) -> None:
    """Changes of two streams on one connection, whatever it agreed on, while another one is told other things."""
    offer = ClientPerMessageDeflateFactory(server_no_context_takeover=not memory, server_max_window_bits=window)
    address = f"{desk.url.replace('http', 'ws')}/ws"
    async with desk.client() as other, connect(address, extensions=[offer], compression=None) as reader:
        await other.subscribe("spreads")
        for stream in ("spreads", "pnl"):
            await reader.send(json.dumps({"op": "subscribe", "stream": stream}))
        for number in range(1, 21):
            desk.move(number)
            desk.trade(number)
            wanted = {"spreads": number + 1, "pnl": number}
            while wanted:
                told = json.loads(await asyncio.wait_for(reader.recv(), 10))
                for each in told.get("data", ()):
                    if each.get("mid", each.get("position")) == wanted.get(told["stream"]):
                        del wanted[told["stream"]]
    counts = desk.state.stream
    assert (counts.bytes_sent < 0.4 * counts.bytes_made) == (memory and window is None)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("{", "malformed"),
        ('{"op":"dance"}', "malformed"),
        ('{"op":"subscribe","stream":"secrets"}', "malformed"),
        ('{"op":"subscribe","stream":"pnl","symbols":["BTC/USDT"]}', "malformed"),
        ('{"op":"subscribe","stream":"pnl","symbol":"BTC/USDT"}', "malformed"),
        ('{"op":"subscribe","stream":"pnl","resume":{"epoch":"x","number":-1}}', "malformed"),
        ('{"op":"unsubscribe","channel":99}', "channel"),
        ("[1,2]", "malformed"),
        ("NaN", "malformed"),
    ],
)
async def test_a_bad_message_gets_an_error_and_nothing_else_ends(desk: Desk, sent: str, code: str) -> None:
    """The error says what is wrong, and the connection goes on."""
    async with desk.client() as reader:
        await reader.connection.send_str(sent)
        error = await reader.next("error")
        assert error["code"] == code
        assert error["message"]
        assert (await reader.subscribe("spreads"))["type"] == "snapshot"


async def test_binary_and_endless_messages_end_the_connection(desk: Desk) -> None:
    """Binary is not spoken here, and what is too long is not read."""
    async with desk.client() as reader:
        await reader.connection.send_bytes(b"\x00\x01")
        assert (await reader.closed())[0] == protocol.UNSUPPORTED
    async with desk.client() as reader:
        await reader.connection.send_str("x" * (protocol.LONGEST + 1))
        assert (await reader.closed())[0] == 1009


async def test_private_streams_need_the_token(tmp_path: Any) -> None:
    """With a token configured, it comes as a header or with the op auth; a wrong one is refused."""
    (tmp_path / "token").write_text(TOKEN)
    async with a_desk(web={"bearer_token": {"file": str(tmp_path / "token")}}) as desk:
        async with desk.client() as reader:
            assert reader.hello["authorized"] is False
            assert (await reader.subscribe("pnl"))["code"] == "token"
            await reader.say("auth", token="wrong" * 4)
            assert (await reader.next("error"))["code"] == "token"
            await reader.say("auth", token=TOKEN)
            await reader.next("authorized")
            assert (await reader.subscribe("pnl"))["type"] == "snapshot"
        async with desk.client({"Authorization": f"Bearer {TOKEN}"}) as reader:
            assert reader.hello["authorized"] is True
            assert (await reader.subscribe("pnl"))["type"] == "snapshot"


async def test_pages_of_other_origins_may_not_connect() -> None:
    """A browser tells where its page is from: here, or where the configuration says."""
    async with a_desk(origins=["https://desk.example.com"]) as desk:
        for origin in (desk.url, "https://desk.example.com"):
            async with desk.client({"Origin": origin}) as reader:
                assert reader.hello
        for origin in ("https://evil.example.com", "null", "http://127.0.0.1:1", "http://[::1"):
            with pytest.raises(WSServerHandshakeError) as refused:
                async with desk.client({"Origin": origin}):
                    pass
            assert refused.value.status == 403


async def test_connections_and_subscriptions_are_bounded() -> None:
    """Beyond the limits of the configuration there is an answer that says so."""
    async with a_desk(connections=2, subscriptions=2) as desk, desk.client() as reader, desk.client():
        with pytest.raises(WSServerHandshakeError) as refused:
            async with desk.client():
                pass
        assert refused.value.status == 503
        for symbol in ("A/B", "C/D"):
            assert (await reader.subscribe("spreads", symbol=[symbol]))["type"] == "snapshot"
        assert (await reader.subscribe("spreads", symbol=["E/F"]))["code"] == "subscriptions"


async def test_what_nothing_is_chosen_by_is_refused(desk: Desk) -> None:
    """It would make each channel one's own. The answer has the client's name of what it asked for."""
    async with desk.client() as reader:
        await reader.say("subscribe", stream="alerts", symbol=["BTC/USDT"], id="mine")
        told = await reader.next("error")
        assert (told["code"], told["id"]) == ("selection", "mine")
        assert told["message"] == "nothing in alerts is chosen by symbol; leave it out"
        await reader.say("subscribe", stream="metrics", exchange=["alpha"], id=7)
        told = await reader.next("subscribed")
        assert (told["stream"], told["id"]) == ("metrics", 7)
        await reader.say("unsubscribe", channel=told["channel"], id=8)
        assert (await reader.next("unsubscribed"))["id"] == 8


async def test_who_comes_back_to_nothing_new_is_told_its_channel(desk: Desk) -> None:
    """There is no update then, and still it knows that it is subscribed, and as what."""
    desk.move(1)
    async with desk.client() as reader:
        seen = await reader.subscribe("spreads")
    async with desk.client() as reader:
        wanted = {"epoch": reader.hello["epoch"], "number": seen["number"]}
        await reader.say("subscribe", stream="spreads", resume=wanted)
        channel = (await reader.next("subscribed"))["channel"]
        desk.move(2)
        told = await reader.next("update")
        assert (told["channel"], told["data"][0]["mid"]) == (channel, 3)


async def test_strangers_keep_nobody_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They may take half of the places, and have to ask for something before long."""
    (tmp_path / "token").write_text(TOKEN)
    monkeypatch.setattr("exporter.web.stream._STRANGERS_SECONDS", 0.5)
    web = {"bearer_token": {"file": str(tmp_path / "token")}}
    async with a_desk(connections=4, web=web) as desk, desk.client() as idle, desk.client():
        with pytest.raises(WSServerHandshakeError) as refused:
            async with desk.client():
                pass
        assert (refused.value.status, refused.value.headers and refused.value.headers["Retry-After"]) == (503, "5")
        async with desk.client({"Authorization": f"Bearer {TOKEN}"}) as owner:
            assert await idle.closed() == (protocol.POLICY, "ask for a stream, or send the token")
            assert (await owner.subscribe("spreads"))["type"] == "snapshot"
    assert desk.state.stream.dropped["idle"] >= 1


@pytest.mark.parametrize("end", [b"\x89\x80\0\0\0\0" * 15, b""], ids=["pings", "silence"])
async def test_who_goes_without_a_word_leaves_no_traceback(
    desk: Desk, end: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """In the handshake or in the middle of an answer."""
    caplog.clear()
    for _ in range(5):
        connection = await _stuck(desk)
        connection.sendall(end)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()
    async with asyncio.timeout(10):
        while desk.state.stream.connections:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)
    assert caplog.text == ""


async def test_what_is_no_handshake_is_refused(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """With a reason, and without a word in the log."""
    caplog.clear()
    async with desk.session.get(f"{desk.url}/ws") as answer:
        assert (answer.status, answer.headers["Upgrade"]) == (426, "websocket")
        assert "/ws is a WebSocket" in (await answer.json())["message"]
    headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    async with desk.session.get(f"{desk.url}/ws", headers=headers | {"Sec-WebSocket-Key": "\u00e9"}) as answer:
        assert (answer.status, "no handshake" in (await answer.json())["message"]) == (400, True)
    async with desk.client({"Sec-WebSocket-Protocol": "hidden-word"}):
        pass
    assert caplog.text == ""


async def test_a_flood_ends_its_own_connection_alone(desk: Desk) -> None:
    """A client that does not stop is told so, then dropped; another one never notices."""
    async with desk.client() as other, desk.client() as flooding:
        await other.subscribe("spreads")
        for _ in range(200):
            await flooding.say("ping")
        assert (await flooding.next("error"))["code"] == "rate"
        assert await flooding.closed() == (protocol.FLOOD, "too many messages")
        desk.move(1)
        assert (await other.next("update"))["data"][0]["mid"] == 2
    assert desk.state.stream.dropped["flood"] == 1


async def test_whoever_stops_reading_gets_the_newest_state_or_is_dropped() -> None:
    """A reader that pauses is told the newest of each thing once it reads again; one that stays away is dropped."""
    async with a_desk(slow_seconds=1.5, waiting_bytes=10_000) as desk, desk.client() as quick:
        await quick.subscribe("spreads")
        stuck = await _stuck(desk)
        for bid in range(1, 40):
            for number in range(200):
                desk.move(bid, f"S{number}/USDT-{'x' * 50}")
            await quick.next("update")
        assert desk.state.stream.dropped["slow"] == 0

        async def dropped() -> int:
            desk.move(desk.state.clock() % 1000)
            return desk.state.stream.dropped["slow"]

        assert await eventually(dropped) == 1

        async def gone() -> bool:
            return desk.state.stream.connections == 1

        assert await eventually(gone)
        stuck.close()


async def test_whoever_never_reads_is_not_sent_more_and_more() -> None:
    """Nothing more is made for a client that has not read what it asked for before, and it is dropped."""
    async with a_desk(slow_seconds=0.5) as desk:
        for number in range(3000):
            desk.move(number + 1, f"S{number}/USDT-{'x' * 50}")
        stuck = await _stuck(desk, *({"symbol": [], "exchange": ["alpha", str(each)]} for each in range(15)))

        async def dropped() -> int:
            return desk.state.stream.dropped["slow"]

        assert await eventually(dropped) == 1
        assert desk.state.stream.bytes_sent < 400_000
        stuck.close()


async def test_a_flood_of_pings_is_a_flood(desk: Desk) -> None:
    """Pings are answered, as many as messages may come; who does not stop is dropped."""
    async with desk.session.ws_connect(f"{desk.url}/ws", autoping=False) as connection:
        assert (await connection.receive_json(timeout=10))["type"] == "hello"
        await connection.ping(b"here")
        assert (await connection.receive(timeout=10))[:2] == (WSMsgType.PONG, b"here")
        for _ in range(200):
            await connection.ping()
        async with asyncio.timeout(20):
            while (await connection.receive()).type is not WSMsgType.CLOSE:
                pass
    assert desk.state.stream.dropped["flood"] == 1


@pytest.mark.parametrize("sent", [b"\x82\x81\0\0\0\0x", b"\x81\x82\0\0\0\0{}" * 100])
async def test_nothing_follows_the_end(desk: Desk, sent: bytes) -> None:
    """One closing frame is the last that is sent, also after the other side answered it: browsers insist on that."""
    connection = await _stuck(desk)
    connection.sendall(sent)

    def read() -> bytes:
        connection.settimeout(10)
        found, answered = b"", False
        while data := connection.recv(65_536):
            found += data
            if not answered and b"\x88" in found:
                connection.sendall(b"\x88\x82\0\0\0\0\x03\xe8")
                answered = True
        return found

    _, _, last = (await asyncio.to_thread(read)).partition(b"\x88")
    connection.close()
    assert len(last) == last[0] + 1


async def _stuck(desk: Desk, *asked: dict[str, Any]) -> socket.socket:
    """A connection that asks for the spreads and never reads."""
    host, port = desk.url.removeprefix("http://").split(":")
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    await asyncio.to_thread(connection.connect, (host, int(port)))
    key = "dGhlIHNhbXBsZSBub25jZQ=="
    head = f"GET /ws HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    connection.sendall(f"{head}Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
    for more in asked or ({},):
        body, mask = json.dumps({"op": "subscribe", "stream": "spreads", **more}).encode(), os.urandom(4)
        masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(body))
        connection.sendall(bytes((0x81, 0x80 | len(body))) + mask + masked)
    await asyncio.sleep(0)
    return connection


async def test_the_end_of_the_exporter_has_a_code() -> None:
    """Clients are told that the exporter goes away, so that they come again."""
    async with aiohttp.ClientSession() as session:
        async with a_desk() as desk:
            reader = Reader(await session.ws_connect(f"{desk.url}/ws"))
            await reader.subscribe("spreads")
            ending = asyncio.create_task(reader.closed())
        assert (await ending)[0] == protocol.GOING_AWAY


async def test_counts_are_metrics(desk: Desk) -> None:
    """Connections, messages and bytes stand in /metrics, and compression saves."""
    async with desk.client() as reader:
        for number in range(1, 31):
            desk.move(number, f"S{number}/USDT")
        await reader.subscribe("spreads")
        async with desk.session.get(f"{desk.url}/metrics") as response:
            text = await response.text()

    def value(name: str) -> float:
        found = re.search(rf"^trading_stream_{name} (\S+)", text, re.MULTILINE)
        assert found, name
        return float(found[1])

    assert value("connections") == 1
    assert value("messages_total") == 3  # hello, subscribed, the snapshot
    assert value("sent_bytes_total") < value("made_bytes_total") / 3


async def test_the_example_of_the_docs_prints_what_comes(desk: Desk) -> None:
    """As somebody pastes it, at this exporter's address."""
    text = (Path(__file__).parents[2] / "docs" / "stream.md").read_text()
    found = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert found
    example = found[1].replace("http://127.0.0.1:9850", desk.url)
    process = await asyncio.create_subprocess_exec(sys.executable, "-uc", example, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(20):
            said = [ast.literal_eval((await process.stdout.readline()).decode())["type"] for _ in range(3)]
    finally:
        process.terminate()
        await process.wait()
    assert said == ["hello", "subscribed", "snapshot"]
