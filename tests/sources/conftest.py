"""The exporter in this process, watching a simulated exchange over real sockets."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import ccxt.pro
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from exporter.config import parse
from exporter.service import running
from simulator import server
from simulator.server import Simulator
from simulator.setup import Setup

SYMBOL = "BTC/USDT"


@dataclass
class Watched:
    """A running exporter as its users see it."""

    url: str
    session: aiohttp.ClientSession

    async def samples(self) -> dict[str, list[tuple[dict[str, str], float]]]:
        """All samples of one scrape by name."""
        async with self.session.get(f"{self.url}/metrics") as answer:
            text = await answer.text()
        found: dict[str, list[tuple[dict[str, str], float]]] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                found.setdefault(sample.name.removeprefix("trading_"), []).append((sample.labels, sample.value))
        return found

    async def value(self, name: str, **labels: str) -> float | None:
        """The sum of the samples that have these labels; None without any."""
        values = [v for found, v in (await self.samples()).get(name, []) if labels.items() <= found.items()]
        return sum(values) if values else None

    async def until(self, name: str, expected: float | Callable[[float], bool], **labels: str) -> float:
        """Wait for a value; `AssertionError` says what it was instead."""
        is_met = expected if callable(expected) else lambda found: found == expected
        value: float | None = None
        for _ in range(200):
            value = await self.value(name, **labels)
            if value is not None and is_met(value):
                return value
            await asyncio.sleep(0.1)
        raise AssertionError(f"{name}{labels} is {value}, within 20 s it was never as expected")

    async def health(self) -> dict[str, Any]:
        """The answer of /health."""
        async with self.session.get(f"{self.url}/health") as answer:
            health: dict[str, Any] = await answer.json()
        return health


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """The simulator's keys where the configuration says they are."""
    credentials = Setup().credentials
    monkeypatch.setenv("TEST_KEY", credentials.key)
    monkeypatch.setenv("TEST_SECRET", credentials.secret)


@pytest.fixture(params=["binance", "kraken"])
def dialect(request: pytest.FixtureRequest) -> str:
    """The kind of exchange that the simulator plays; every test that uses it runs on each."""
    return str(request.param)


@pytest.fixture
async def simulator(dialect: str) -> AsyncIterator[Simulator]:
    """Two exchanges whose markets move only when a test moves them."""
    async with server.running(exchanges=[f"alpha:{dialect}", f"beta:{dialect}"], still=True) as running_simulator:
        yield running_simulator


def exchange_config(simulator: Simulator, name: str = "alpha", **changes: Any) -> dict[str, Any]:
    """The configuration of one simulated exchange with short intervals, and no option that a user would not set."""
    settings: dict[str, Any] = copy.deepcopy(dict(simulator.ccxt_config(name)))
    for key in ("apiKey", "secret"):
        del settings[key]
    for option in ("fetchCurrencies", "fetchMargins"):
        settings["options"].pop(option, None)
    return {
        "name": name,
        "id": simulator.ccxt_id(name),
        "account": "main",
        "strategy": "maker",
        "symbols": [SYMBOL],
        "rate_symbols": ["BNB/USDT"],
        "api_key": {"env": "TEST_KEY"},
        "secret": {"env": "TEST_SECRET"},
        "probe_interval": 0.3,
        "request_timeout": 1.0,
        "ccxt": settings,
    } | changes


@asynccontextmanager
async def watching(*exchanges: dict[str, Any], **sections: Any) -> AsyncIterator[Watched]:
    """An exporter that watches these exchanges, with more sections of its configuration, until the block ends."""
    config = {"web": {"listen": "127.0.0.1:0"}, "currency": {"pegs": {"USDT": 1}}, "exchanges": list(exchanges)}
    config |= {"targets": {"market_data_age_seconds": 2}, **sections}
    text = yaml.safe_dump(copy.deepcopy(config))
    async with running(parse(text)) as (url, _), aiohttp.ClientSession() as session:
        yield Watched(url, session)


@pytest.fixture
async def watched(simulator: Simulator, keys: None) -> AsyncIterator[Watched]:
    """An exporter that watches alpha, with all its streams up."""
    async with watching(exchange_config(simulator)) as exporter:
        await settled(exporter)
        yield exporter


async def settled(exporter: Watched, exchange: str = "alpha") -> None:
    """Wait until all three streams of an exchange are up, its markets are known and its history was read."""
    await exporter.until("exchange_stream_up", 3, exchange=exchange)
    await exporter.until("market_mid_price", lambda mid: mid > 0, exchange=exchange, symbol=SYMBOL)
    await exporter.until("market_mid_price", lambda mid: mid > 0, exchange=exchange, symbol="BNB/USDT")
    await exporter.until("exchange_requests_total", lambda n: n >= 1, exchange=exchange, operation="fetch_my_trades")


@pytest.fixture
async def trader(simulator: Simulator) -> AsyncIterator[Any]:
    """Somebody's own bot on alpha: a plain ccxt client."""
    client = getattr(ccxt.pro, simulator.ccxt_id("alpha"))(simulator.ccxt_config("alpha"))
    yield client
    await client.close()


@pytest.fixture(autouse=True)
def _log_level(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level("INFO", logger="exporter"):
        yield
