"""The made-up API, from the caches that it asks to the scrape of the exporter that it reports to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from simulator.app import AppSetup, run_app
from simulator.cli import main
from simulator.stack.ports import LOOPBACK, free_port
from tests.servers import memcached_server, redis_server
from tests.web.pushing import TOKEN, Bot, pushing, settings


@asynccontextmanager
async def reporting(folder: Path, changes: dict[str, Any], **more: Any) -> AsyncIterator[Bot]:
    """An exporter that an app reports to."""
    async with pushing(settings(folder) | changes) as exporter:
        setup = AppSetup(exporter.url, TOKEN, requests_per_second=400, horizon=0.05, **more)
        task = asyncio.create_task(run_app(setup))
        try:
            yield exporter
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_every_kind_of_signal_reaches_the_exporter(tmp_path: Path) -> None:
    """Requests by route, three tiers of caches that are asked in their order, a model held against what came true."""
    with redis_server(tmp_path) as redis, memcached_server(tmp_path) as memcached:
        servers = {"redis": redis.port, "memcached": memcached.port}
        caches = [{"name": name, "kind": name, "port": port, "poll_interval": 0.1} for name, port in servers.items()]
        where = {name: f"{LOOPBACK}:{port}" for name, port in servers.items()}
        async with reporting(tmp_path, {"caches": caches}, **where) as exporter:
            for least in (
                'app_requests_total{app="desk",route="/orders/{id}"}',
                'cache_hits_total{cache="answers",tier="l1"}',
                'cache_warmed_hits_total{cache="answers",tier="l1"}',
                'cache_hits_total{cache="memcached",tier="l2"}',
                'cache_entries{cache="redis",tier="l3"}',
                "model_errors_total",
                "model_inference_seconds_count",
                'business_level{name="active_users"}',
                'business_sum_total{name="revenue_usd"}',
            ):
                await exporter.until(least, 0.001)
            assert await exporter.value("events_rejected_total") == 0
            text = await exporter.metrics()
            assert 'trading_business_sum_total{name="new_users"}' in text


async def test_a_cache_that_is_away_stops_nothing(tmp_path: Path) -> None:
    """What no server has is fetched from elsewhere, as in production."""
    nowhere = f"{LOOPBACK}:{free_port()}"
    async with reporting(tmp_path, {}, redis=nowhere, memcached=nowhere) as exporter:
        await exporter.until("app_requests_total", 100)


def test_a_server_is_named_with_its_port(capsys: pytest.CaptureFixture[str]) -> None:
    """What is no address of a cache is told with status 2."""
    with pytest.raises(SystemExit) as ended:
        main(["app", "--redis", "localhost"])
    assert ended.value.code == 2
    assert "'localhost' is not HOST:PORT" in capsys.readouterr().err
