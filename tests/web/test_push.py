"""Bots push events to a running exporter: what becomes of each, who may, how much, and what is kept."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import re
import resource
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from exporter.client import Client
from exporter.config import parse
from exporter.errors import ConfigError
from tests.builders import T0
from tests.web.pushing import OTHER, TOKEN, Bot, event, fills, lines, pushing, settings


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Bot]:
    async with pushing(settings(tmp_path)) as running:
        yield running


ONE_OF_EACH: list[dict[str, Any]] = [
    event(),
    {"type": "order", "exchange": "alpha", "symbol": "BTC/USDT", "order_id": "7", "status": "open", "side": "buy"},
    {"type": "quote", "exchange": "alpha", "symbol": "BTC/USDT", "bid": 1.0, "ask": None},
    {"type": "book", "exchange": "alpha", "symbol": "BTC/USDT", "bid": 1, "bid_quantity": 2, "ask": 3},
    {"type": "funding", "exchange": "alpha", "symbol": "A/B:B", "funding_id": "f", "currency": "B", "amount": -1.5},
    {"type": "transfer", "exchange": "alpha", "transfer_id": "t", "currency": "USDT", "amount": "100"},
    {"type": "balance", "exchange": "alpha", "currency": "USDT", "total": "99.5"},
    {"type": "position", "exchange": "alpha", "symbol": "A/B:B", "quantity": "-3"},
]


@pytest.mark.parametrize("form", ["lines", "array", "pretty"])
async def test_every_event_is_taken_in_every_form(bot: Bot, form: str) -> None:
    """NDJSON, an array on one line and an array over many give the same."""
    events = [{"ts": T0} | each for each in ONE_OF_EACH]
    forms = {"lines": lines(*events), "array": json.dumps(events), "pretty": json.dumps(events, indent=2)}
    reply = await bot.push(forms[form])
    assert (reply.status, reply.counts) == (200, (8, 0, 0))
    for each in events:
        assert await bot.value(f'events_total{{type="{each["type"]}",source="push"}}') == 1


async def test_a_fill_sent_again_counts_once(bot: Bot) -> None:
    """Whoever is not sure that a push arrived pushes again."""
    assert (await bot.push(fills(0, 10))).counts == (10, 0, 0)
    assert (await bot.push(fills(5, 15))).counts == (5, 5, 0)
    assert await bot.value("fills_total{") == 15
    changed = await bot.push(lines(event(3, quantity="9")))
    assert (changed.counts, changed.problems) == ((0, 0, 1), [(0, "", "conflict")])


def order(status: str, **changes: Any) -> bytes:
    fields = {"type": "order", "exchange": "alpha", "account": "main", "symbol": "BTC/USDT", "strategy": "maker"}
    return lines(fields | {"order_id": "7", "side": "buy", "status": status, "ts": T0} | changes)


async def test_an_order_that_changed_is_no_repeat(bot: Bot) -> None:
    """One that moved its price or has its first fill is accepted; told of once more it is a duplicate."""
    for body in (order("open", price="100"), order("open", price="101"), order("partially_filled"), order("canceled")):
        assert [(await bot.push(body)).counts for _ in range(2)] == [(1, 0, 0), (0, 1, 0)]


async def test_an_order_that_rests_over_two_restarts_is_one_order(tmp_path: Path) -> None:
    """Also when nobody told of it between the two."""
    config = settings(tmp_path)
    async with pushing(config) as bot:
        await bot.push(order("partially_filled", price="100"))
    async with pushing(config):
        pass
    async with pushing(config) as bot:
        assert (await bot.push(order("canceled"))).counts == (1, 0, 0)
        for family in ("orders", "orders_filled", "order_cancels"):
            assert await bot.value(f"{family}_total{{") == 1, family


async def test_bad_events_are_named_and_the_good_ones_kept(bot: Bot) -> None:
    """Index and line say which event, field and reason what is wrong; blank lines are no events but lines."""
    body = lines(event(1)) + b"\r\n" + lines(event(2, price="-5"), event(3), event(4, symbol="BTCUSDT")) + b"not JSON"
    reply = await bot.push(body)
    assert (reply.status, reply.counts) == (200, (2, 0, 3))
    assert reply.problems == [(1, "price", "price"), (3, "symbol", "symbol"), (4, "", "json")]
    assert [each["line"] for each in reply.body["errors"]] == [3, 5, 6]
    assert await bot.value('events_rejected_total{reason="price"}') == 1
    in_array = await bot.push(json.dumps([event(5), event(6, side="hold"), event(7)]))
    assert (in_array.counts, in_array.problems) == ((2, 0, 1), [(1, "side", "value")])
    assert "line" not in in_array.body["errors"][0]


async def test_errors_are_told_from_the_middle_of_large_bodies(bot: Bot) -> None:
    """Positions stay right over all slices, and errors beyond the first thousand are counted."""
    events = [event(number, **({"price": "x"} if number % 3 == 1 else {})) for number in range(4500)]
    for body in (lines(*events), json.dumps(events)):
        reply = await bot.push(body)
        assert (reply.status, sum(reply.counts), reply.body["refused"]) == (200, 4500, 1500)
        assert reply.problems == [(number, "price", "number") for number in range(1, 3000, 3)]
    assert await bot.value("fills_total{") == 3000


# Who may push.


async def test_push_is_off_without_tokens(tmp_path: Path) -> None:
    """The answer says how to switch it on, and nothing is taken."""
    config = settings(tmp_path)
    del config["push"]
    async with pushing(config) as bot:
        reply = await bot.push(fills(0, 1))
        assert reply.status == 404
        assert "push.tokens" in reply.message
        assert await bot.value("fills_total{") == 0


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer wrong", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN])
async def test_a_wrong_token_is_refused(bot: Bot, header: str | None) -> None:
    """No token, another one, or the right one sent wrongly: 401, and nothing is taken."""
    headers = {} if header is None else {"Authorization": header}
    reply = await bot.push(fills(0, 1), None, **headers)
    assert (reply.status, reply.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert TOKEN not in reply.message
    assert await bot.value('push_requests_total{code="401"}') == 1
    assert await bot.value("fills_total{") == 0


async def test_push_has_tokens_of_its_own(tmp_path: Path) -> None:
    """The token of the metrics does not push, and those that push do not read the metrics."""
    (tmp_path / "metrics").write_text("for-metrics")
    config = settings(tmp_path)
    config["web"]["bearer_token"] = {"file": str(tmp_path / "metrics")}
    async with pushing(config) as bot:
        assert (await bot.push(fills(0, 1), "for-metrics")).status == 401
        assert (await bot.push(fills(0, 1))).status == 200
        async with bot.session.get(f"{bot.url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}) as answer:
            assert answer.status == 401


async def test_a_token_may_be_for_some_accounts_alone(bot: Bot) -> None:
    """What is of another account is an error; books are for whoever trades on their exchange."""
    events = [
        event(1),
        event(2, account="other"),
        event(3, exchange="beta", account="shared"),
        event(4, exchange="beta"),
        {"type": "book", "exchange": "alpha", "symbol": "BTC/USDT", "bid": 1, "ask": 2, "ts": T0},
    ]
    reply = await bot.push(lines(*events), OTHER)
    assert (reply.status, reply.counts) == (200, (3, 0, 2))
    assert reply.problems == [(1, "account", "account"), (3, "account", "account")]
    assert "may report for alpha/m*, */shared, not beta/main" in reply.body["errors"][1]["message"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("journal: {path: null}", "push: what is acknowledged to a bot must be on disk: set journal.path"),
        (
            "push: {tokens: [{name: a, token: {env: A}}, {name: a, token: {env: B}}]}",
            "tokens[1].name: 'a' stands twice",
        ),
        ("push: {tokens: [{name: a, token: {env: A}}, {name: b, token: {env: A}}]}", "another name has the same token"),
        ("push: {tokens: [{name: a, token: {env: BLANK}}]}", "tokens[0].token: a token is one word of printable ASCII"),
        (
            "push: {tokens: [{name: a, token: {env: SHORT}}]}",
            "tokens[0].token: a token of less than 16 characters can be guessed; make one: openssl rand -hex 32",
        ),
        ("push: {tokens: [{name: a, token: {env: NOWHERE}}]}", "the environment variable NOWHERE is not set"),
        ("push: {tokens: [{name: a, token: hunter2}]}", "push.tokens[0].token: a secret never stands in this file"),
        ("push: {tokens: [{name: a, token: {env: A}, accounts: [alpha]}]}", "accounts[0]: 'alpha' is not exchange/acc"),
        (
            "push: {tokens: [{name: a, token: {env: A}, accounts: []}]}",
            "push.tokens[0].accounts: no account is named; name some, or leave the key out if this token may",
        ),
        ("push: {max_in_flight: 0}", "push.max_in_flight: expected a whole number >= 1"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused(
    change: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each problem is told before anything runs, and shows no secret."""
    secrets = {"A": "hunter2-" * 2, "B": "hunter3-" * 2, "BLANK": "hunter2 x", "SHORT": "hunter2-hunter2"}
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    good = {"journal": {"path": "x"}, "push": {"tokens": [{"name": "a", "token": {"env": "A"}}]}}
    parse(yaml.safe_dump(good))
    with pytest.raises(ConfigError) as raised:
        parse(yaml.safe_dump(good | yaml.safe_load(change)))
    assert any(problem in line for line in raised.value.problems), raised.value.problems
    assert "hunter2" not in str(raised.value)


async def test_the_client_speaks_to_the_exporter(bot: Bot, tmp_path: Path) -> None:
    """What a bot reports through `exporter.client` arrives, and what is refused is known to it."""

    def report() -> tuple[bool, int, int]:
        with Client(bot.url, token=TOKEN, exchange="alpha", spool=str(tmp_path / "spool")) as reports:
            for number in range(2500):
                reports.fill(symbol="BTC/USDT", trade_id=str(number), side="buy", price="100", quantity="1", ts=T0)
            reports.fill(symbol="BTC/USDT", trade_id="0", side="sell", price="100", quantity="1", ts=T0)
            return reports.flush(30), reports.statistics.accepted, reports.statistics.refused

    assert await asyncio.to_thread(report) == (True, 2500, 1)
    assert await bot.value("fills_total{") == 2500


# How much, and how it is compressed.


async def test_gzip_in_any_pieces(bot: Bot) -> None:
    """One member or several, in any pieces: the same events come out."""
    zipped = gzip.compress(fills(0, 400)) + gzip.compress(b"") + gzip.compress(fills(400, 800), 1)

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(zipped), 37):
            yield zipped[start : start + 37]

    assert (await bot.push(pieces(), Content_Encoding="gzip")).counts == (800, 0, 0)
    assert (await bot.push(zipped, Content_Encoding="x-gzip")).counts == (0, 800, 0)
    assert (await bot.push(fills(0, 1), Content_Encoding="identity")).counts == (0, 1, 0)


async def test_other_encodings_are_refused(bot: Bot) -> None:
    """The answer says which are known."""
    reply = await bot.push(fills(0, 1), Content_Encoding="br")
    assert (reply.status, reply.headers["Accept-Encoding"]) == (415, "gzip, identity")
    assert "'br'" in reply.message


async def test_limits_are_held_and_named(tmp_path: Path) -> None:
    """Before and after decompression, and by number: beyond it, nothing is taken and the key is named."""
    limits = {"max_body_bytes": 20_000, "max_decompressed_bytes": 100_000, "max_events": 300}
    async with pushing(settings(tmp_path, **limits)) as bot:
        assert (await bot.push(fills(0, 80))).status == 200
        assert (await bot.zipped(fills(0, 300))).status == 200
        for key, reply in {
            "max_body_bytes": await bot.push(fills(1000, 1100)),
            "max_decompressed_bytes": await bot.zipped(fills(1000, 1500)),
            "max_events": await bot.zipped(b"{}\n" * 301),
        }.items():
            assert reply.status == 413
            assert f"push.{key}" in reply.message
        in_array = await bot.zipped(json.dumps([{}] * 301).encode())
        assert (in_array.status, "push.max_events" in in_array.message) == (413, True)
        assert await bot.value("fills_total{") == 300


async def test_a_body_without_a_length_is_held_to_the_limit(tmp_path: Path) -> None:
    """Chunks are counted as they come."""

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield fills(0, 10)

    async with pushing(settings(tmp_path, max_body_bytes=50_000)) as bot:
        try:
            status = (await bot.push(endless())).status
        except aiohttp.ClientError:  # it was cut off while it still sent
            status = 413
        assert status == 413
        assert await bot.value('push_requests_total{code="413"}') == 1
        assert (await bot.push(fills(0, 1))).status == 200


async def test_so_many_bodies_at_once_and_no_more(tmp_path: Path) -> None:
    """Who comes when all places are taken is asked to come again; places become free when a body ends or breaks off."""
    sent = asyncio.Event()

    async def slow(first: int) -> AsyncIterator[bytes]:
        yield fills(first, first + 10)
        await sent.wait()
        yield fills(first + 10, first + 20)

    async with pushing(settings(tmp_path, max_in_flight=2)) as bot:
        waiting = [asyncio.create_task(bot.push(slow(100 * number))) for number in range(2)]
        await bot.until("push_received_bytes_total", 2 * len(fills(100, 110)) - 100)
        reply = await bot.push(fills(900, 901))
        assert (reply.status, reply.headers["Retry-After"]) == (429, "1")
        assert "push.max_in_flight" in reply.message
        waiting[0].cancel()
        await asyncio.gather(waiting[0], return_exceptions=True)
        await bot.until('push_requests_total{code="400"}', 1)
        assert (await bot.push(fills(900, 901))).counts == (1, 0, 0)
        sent.set()
        assert (await waiting[1]).counts == (20, 0, 0)
        assert await bot.value("fills_total{") == 21  # nothing of the body that broke off


async def test_memory_for_bodies_is_bounded_together(tmp_path: Path) -> None:
    """Two bodies of the largest size fit; what exceeds them is asked to come again."""
    async with pushing(settings(tmp_path, max_body_bytes=1_000_000, max_decompressed_bytes=1_000_000)) as bot:
        body = b"\n" * 900_000
        sent = asyncio.Event()

        async def slow() -> AsyncIterator[bytes]:
            yield body
            await sent.wait()

        waiting = [asyncio.create_task(bot.push(slow())) for _ in range(2)]
        await bot.until("push_received_bytes_total", 2 * len(body))
        reply = await bot.push(body)
        assert (reply.status, reply.headers["Retry-After"]) == (429, "1")
        sent.set()
        await asyncio.gather(*waiting)
        assert (await bot.push(fills(0, 1))).status == 200


async def test_a_body_that_does_not_come_gives_its_place_back(tmp_path: Path) -> None:
    """A sender that stops sending is told so after a while."""
    never = asyncio.Event()

    async def stalled() -> AsyncIterator[bytes]:
        yield fills(0, 1)
        await never.wait()

    async with pushing(settings(tmp_path, receive_timeout=0.05, max_in_flight=1)) as bot:
        pushed = asyncio.create_task(bot.push(stalled()))
        await bot.until('push_requests_total{code="408"}', 1)
        assert (await bot.push(fills(0, 1))).counts == (1, 0, 0)
        pushed.cancel()
        await asyncio.gather(pushed, return_exceptions=True)


async def test_many_push_at_once(bot: Bot) -> None:
    """Bodies that come together, the same fills in several, count each fill once."""
    replies = await asyncio.gather(*(bot.zipped(fills(100 * n, 100 * n + 500)) for n in range(16)))
    assert {reply.status for reply in replies} == {200}
    assert sum(reply.body["accepted"] for reply in replies) == 2000
    assert await bot.value("fills_total{") == 2000


async def test_others_are_served_while_a_large_body_is_taken(tmp_path: Path) -> None:
    """A small push that comes after a large one is answered before it, so the large one does not hold the loop."""
    async with pushing(settings(tmp_path)) as bot:
        done: list[str] = []

        async def push(name: str, body: bytes) -> None:
            assert (await bot.zipped(body)).status == 200
            done.append(name)

        large = asyncio.create_task(push("large", fills(0, 20_000)))
        await bot.until("fills_total{", 1)
        await push("small", fills(30_000, 30_001))
        await large
        assert done == ["small", "large"]


# What is acknowledged is on disk.


async def test_acknowledged_fills_are_there_after_a_restart(tmp_path: Path) -> None:
    """A second exporter on the same journal knows them."""
    config = settings(tmp_path)
    async with pushing(config) as bot:
        assert (await bot.push(fills(0, 100))).counts == (100, 0, 0)
    async with pushing(config) as bot:
        assert (await bot.push(fills(0, 101))).counts == (1, 100, 0)


@pytest.mark.parametrize("form", ["lines", "array"])
async def test_what_the_journal_has_no_room_for_is_sent_again(tmp_path: Path, form: str) -> None:
    """429 tells from which event on; a bot that goes on there loses nothing."""
    config = settings(tmp_path)
    config["journal"]["max_pending"] = 10
    events = [event(number, price="-1" if number == 5 else "100") for number in range(100)]
    accepted = rounds = start = 0
    async with pushing(config) as bot:
        while True:
            rest = events[start:]
            reply = await bot.push(lines(*rest) if form == "lines" else json.dumps(rest))
            accepted += reply.body["accepted"]
            rounds += 1
            if reply.status == 200:
                break
            assert (reply.status, reply.headers["Retry-After"]) == (429, "1")
            assert "next_index" in reply.message
            assert sum(reply.counts) == reply.body["next_index"] > 0
            start += reply.body["next_index"]
        assert rounds > 5
        assert accepted == await bot.value("fills_total{") == 99


@asynccontextmanager
async def exporter(folder: Path, **sections: Any) -> AsyncIterator[tuple[str, int]]:
    """An exporter as a process of its own, with more sections of its configuration: its address and process id."""
    path = folder / "exporter.yml"
    path.write_text(yaml.safe_dump(settings(folder) | {"log": {"format": "text"}} | sections))
    command = (sys.executable, "-m", "exporter", "run", "--config", str(path))
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    assert process.stderr is not None
    try:
        while True:
            line = (await process.stderr.readline()).decode()
            assert line, "the exporter ended"
            if found := re.search(r"ready on (http://\S+)", line):
                break
        yield found[1], process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        await process.communicate()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits another process")
async def test_a_disk_that_refuses_acknowledges_nothing(tmp_path: Path) -> None:
    """503 while nothing can be written; sent again when it can, each fill counts once and is kept."""
    async with exporter(tmp_path) as (url, pid), aiohttp.ClientSession() as session:

        async def push() -> tuple[int, dict[str, Any]]:
            headers = {"Authorization": f"Bearer {TOKEN}"}
            async with session.post(f"{url}/v1/events", data=fills(0, 50), headers=headers) as answer:
                return answer.status, await answer.json()

        before = resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        status, body = await push()
        assert (status, body["accepted"], body["next_index"]) == (503, 0, 0)
        assert "nothing counts twice" in body["message"]
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
        for _ in range(600):
            status, body = await push()
            if status == 200:
                break
            assert status == 503
            await asyncio.sleep(0.05)
        assert body["accepted"] + body["duplicates"] == 50
    async with pushing(settings(tmp_path)) as bot:
        assert (await bot.push(fills(0, 50))).counts == (0, 50, 0)


# What it says of itself.


async def test_push_is_measured(bot: Bot) -> None:
    """Requests by answer, their time, and bytes as they were sent."""
    body = gzip.compress(fills(0, 100), mtime=0)
    await bot.push(body, Content_Encoding="gzip")
    await bot.push(b"")
    assert await bot.value('push_requests_total{code="200"}') == 1
    assert await bot.value('push_requests_total{code="400"}') == 1
    assert await bot.value("push_duration_seconds_count") == 2
    assert await bot.value("push_received_bytes_total") == len(body)


async def test_the_front_page_tells_of_push(bot: Bot) -> None:
    """A person who opens the address finds where events go, and their schema."""
    async with bot.session.get(bot.url) as answer:
        text = await answer.text()
    assert "POST /v1/events" in text
    assert 'href="/v1/schema"' in text


async def test_only_posts_push(bot: Bot) -> None:
    """Another method is told which one to use."""
    async with bot.session.get(f"{bot.url}/v1/events") as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")


# The page that says how.

PAGE = (Path(__file__).parents[2] / "docs" / "push.md").read_text()


def commands() -> Iterator[str]:
    """Each block of commands that uses curl."""
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE):
        if not language:
            yield block


async def test_every_command_of_the_page_works(bot: Bot, tmp_path: Path) -> None:
    """As they stand there, but for the port: each is answered with a success, in this order."""
    host = bot.url.removeprefix("http://")
    environment = os.environ | {"PUSH_TOKEN_MY_BOT": TOKEN}
    blocks = [block.replace("127.0.0.1:9850", host) for block in commands()]
    assert len(blocks) >= 3
    for block in blocks:
        script = f"set -e\n{block}".replace("curl ", "curl --fail-with-body -sS ")
        shell = await asyncio.create_subprocess_exec(
            "sh", "-c", script, cwd=tmp_path, env=environment, stdout=-1, stderr=-1
        )
        output, errors = await shell.communicate()
        assert shell.returncode == 0, (block, output, errors)
    assert await bot.value("fills_total{") >= 3


def test_no_event_of_the_page_says_a_thing_twice() -> None:
    """A key that stands twice in an object is a slip, though readers of JSON let it pass."""
    events = re.findall(r'\{"type":(?:[^{}]|\{[^{}]*\})*\}', PAGE)
    assert len(events) >= 4
    for text in events:
        json.loads(text.replace("$now", "1760000000"), object_pairs_hook=_with_each_key_once)


def _with_each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len(dict(pairs)) == len(pairs), pairs
    return dict(pairs)
