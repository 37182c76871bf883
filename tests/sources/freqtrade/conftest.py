"""The exporter in this process, watching a stand-in for freqtrade over real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
import yaml

from exporter.config import parse
from exporter.service import running
from tests.sources.conftest import Watched
from tests.sources.freqtrade.standin import PASSWORD, USERNAME, WS_TOKEN, Standin


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in's secrets where the configuration says they are."""
    monkeypatch.setenv("TEST_USERNAME", USERNAME)
    monkeypatch.setenv("TEST_PASSWORD", PASSWORD)
    monkeypatch.setenv("TEST_WS_TOKEN", WS_TOKEN)


def bot(standin: Standin, **changes: Any) -> dict[str, Any]:
    """The configuration of one bot, with short intervals."""
    return {
        "name": "often",
        "url": standin.url,
        "username": {"env": "TEST_USERNAME"},
        "password": {"env": "TEST_PASSWORD"},
        "ws_token": {"env": "TEST_WS_TOKEN"},
        "exchange": "alpha",
        "account": "main",
        "poll_interval": 0.03,
        "request_timeout": 5.0,
    } | changes


@asynccontextmanager
async def watching(standin: Standin, journal: str = "", **changes: Any) -> AsyncIterator[Watched]:
    """An exporter that watches this bot, until the block ends."""
    async with watching_all(bot(standin, **changes), journal=journal) as watched:
        yield watched


@asynccontextmanager
async def watching_all(*bots: dict[str, Any], journal: str = "") -> AsyncIterator[Watched]:
    """An exporter that watches all of these bots, until the block ends."""
    config: dict[str, Any] = {"web": {"listen": "127.0.0.1:0"}, "currency": {"pegs": {"USDT": 1}}}
    config["freqtrade"] = list(bots)
    if journal:
        config["journal"] = {"path": journal}
    async with running(parse(yaml.safe_dump(config))) as (url, _), aiohttp.ClientSession() as session:
        yield Watched(url, session)
