"""The client against the exporter itself: over a socket, into its journal and its metrics."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from exporter.client import Client
from exporter.service import running
from tests.builders import T0, config
from tests.client.program import ROOT
from tests.client.standin import PATIENCE, until
from tests.client.test_contract import KINDS, complete
from tests.client.test_delivery import TOKEN, fills

CONFIG = """
web: {{listen: "127.0.0.1:{port}"}}
currency: {{pegs: {{USDT: 1, BNB: 500, EUR: 1}}}}
journal: {{path: "{folder}/journal.db"}}
push:
  tokens:
    - {{name: bot, token: {{file: "{folder}/token"}}, accounts: [alpha/*]}}
"""


@asynccontextmanager
async def exporter(folder: Path, port: int = 0) -> AsyncIterator[str]:
    """An exporter that takes events; its address."""
    (folder / "token").write_text(TOKEN)
    async with running(config(CONFIG.format(folder=folder, port=port))) as (address, _):
        yield address


async def flush(reports: Client) -> None:
    """The exporter runs in this very loop, so that waiting for it belongs into a thread."""
    assert await asyncio.to_thread(reports.flush, PATIENCE), reports.statistics


async def total(url: str, family: str) -> float:
    """The sum of a family's samples."""
    async with aiohttp.ClientSession() as session, session.get(f"{url}/metrics") as answer:
        text = await answer.text()
    return sum(float(value) for value in re.findall(rf"^{family}(?:\{{.*\}})? (\S+)$", text, re.MULTILINE))


async def test_every_event_is_taken(tmp_path: Path) -> None:
    """The exporter refuses none of what the client can report."""
    async with exporter(tmp_path) as url:
        with Client(url, token=TOKEN, exchange="alpha", spool=tmp_path / "spool") as reports:
            for kind in KINDS:
                getattr(reports, kind)(**complete(kind))
            await flush(reports)
            statistics = reports.statistics
        assert (statistics.last_error, statistics.refused, statistics.lost) == ("", 0, 0)
        assert (statistics.sent, statistics.accepted) == (len(KINDS), len(KINDS))


async def test_fills_are_counted_once_however_often_they_are_sent(tmp_path: Path) -> None:
    """A repeat is known by its identity, and survives a restart of the exporter and of the bot."""
    async with exporter(tmp_path) as url:
        port = int(url.rpartition(":")[2])
        with Client(url, token=TOKEN, exchange="alpha", spool=tmp_path / "spool") as reports:
            for _ in range(2):
                for number in range(2500):
                    reports.fill(symbol="BTC/USDT", trade_id=number, side="buy", price="1.5", quantity=2, ts=T0)
                await flush(reports)
            assert (reports.statistics.accepted, reports.statistics.duplicates) == (2500, 2500)
        assert await total(url, "trading_fills_total") == 2500
    with Client(url, token=TOKEN, exchange="alpha", spool=tmp_path / "spool") as reports:
        fills(reports, 100, 2500)
        assert await asyncio.to_thread(reports.flush, 10, to_disk=True)
    async with exporter(tmp_path, port) as url:
        with Client(url, token=TOKEN, exchange="alpha", spool=tmp_path / "spool") as reports:
            await flush(reports)
        assert await total(url, "trading_fills_total") == 2600


async def test_a_wrong_token_loses_nothing(tmp_path: Path) -> None:
    """What waited with the wrong one is taken with the right one."""
    async with exporter(tmp_path) as url:
        with Client(url, token="wrong", exchange="alpha", spool=tmp_path / "spool") as reports:
            fills(reports, 10)
            await asyncio.to_thread(until, lambda: "token" in reports.statistics.last_error)
            await asyncio.to_thread(reports.close)
        with Client(url, token=TOKEN, exchange="alpha", spool=tmp_path / "spool") as reports:
            await flush(reports)
            assert reports.statistics.accepted == 10


async def test_what_the_exporter_refuses_is_said_and_kept(tmp_path: Path) -> None:
    """Bad events are counted with the exporter's own words, and the good ones beside them are taken."""
    async with exporter(tmp_path) as url:
        with Client(url, token=TOKEN, exchange="alpha", spool=tmp_path / "spool") as reports:
            reports.transfer(transfer_id="1", currency="EUR", amount=1, ts=1_760_000_000_000)
            fills(reports, 3)
            await flush(reports)
            statistics = reports.statistics
        assert (statistics.accepted, statistics.refused) == (3, 1)
        assert "divide by 1000" in statistics.last_error
    assert '"transfer_id":"1"' in (tmp_path / "spool" / "refused.ndjson").read_text()


async def test_what_was_refused_is_sent_again_as_the_page_says(tmp_path: Path) -> None:
    """Its commands, as they stand there, hand over the file of the spool and delete it."""
    (block,) = re.findall(r"```\n(curl .*?)```", (ROOT / "docs" / "client.md").read_text(), re.DOTALL)
    moved = {"type": "transfer", "exchange": "alpha", "transfer_id": "1", "currency": "EUR", "amount": "1", "ts": T0}
    (tmp_path / "refused.ndjson").write_text(json.dumps(moved) + "\n")
    async with exporter(tmp_path) as url:
        environment = os.environ | {"EXPORTER_URL": url, "EXPORTER_TOKEN": TOKEN, "BOT_SPOOL": str(tmp_path)}
        shell = await asyncio.create_subprocess_exec("sh", "-ec", block, env=environment, stdout=-1, stderr=-1)
        answer, errors = await shell.communicate()
    assert shell.returncode == 0, errors
    assert json.loads(answer) == {"accepted": 1, "duplicates": 0, "refused": 0, "errors": []}
    assert not (tmp_path / "refused.ndjson").exists()


async def test_each_event_that_the_exporter_refuses_is_kept(tmp_path: Path) -> None:
    """However many of a batch they are: its answer names them all, in a batch as large as the client sends."""
    async with exporter(tmp_path) as url:
        with Client(url, token=TOKEN, exchange="alpha", spool=tmp_path / "spool") as reports:
            for number in range(2500):
                reports.transfer(transfer_id=number, currency="EUR", amount=1, ts=1_760_000_000_000)
            await flush(reports)
            assert (reports.statistics.refused, reports.statistics.sent) == (2500, 2500)
    kept = (tmp_path / "spool" / "refused.ndjson").read_text().splitlines()
    assert [json.loads(line)["transfer_id"] for line in kept] == [str(number) for number in range(2500)]
