"""Each thing that the exporter depends on goes away and comes back, in turn, with every program real.

Exchanges are simulated, and the gateway of texts is a small server; all else is what a desk runs. What is not as
committed are waits: scrapes and evaluations come each second, Prometheus tells Alertmanager of each alert again every
second and not every minute, and Alertmanager's own waits are 60 times shorter.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from simulator.stack.components import Market
from simulator.stack.ports import LOOPBACK, free_port
from tests.alertmanager.routes import made_of, quicker
from tests.servers import MemcachedServer, RedisServer, memcached_server, redis_server
from tests.stack.conftest import NewHarness
from tests.stack.exporting import Scrape
from tests.stack.harness import Harness, Options, eventually

pytestmark = pytest.mark.stack

TOKEN = "0123456789abcdef"
QUICKER = 60
PARTS = {
    *("cache/sessions", "cache/quotes", "prometheus", "alertmanager", "exchange/alpha", "exchange/beta", "sms"),
    *("source/journal", "source/ledger", "source/host", "source/incidents", "source/sms"),
}
"""What must be there, and up, before anything goes away."""


@dataclass
class Gateway:
    """The service that takes texts."""

    port: int = field(default_factory=free_port)
    texts: list[str] = field(default_factory=list)
    _runner: web.AppRunner | None = None

    async def start(self) -> None:
        application = web.Application()
        application.router.add_post("/sms", self._take)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, LOOPBACK, self.port, reuse_address=True).start()

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        self.texts.append((await request.json())["message"])
        return web.Response(text="ok")


@dataclass(frozen=True)
class Desk:
    """All that runs."""

    harness: Harness
    redis: RedisServer
    memcached: MemcachedServer
    gateway: Gateway

    async def services(self) -> dict[str, dict[str, str]]:
        """The parts in /health, which answers with 200 whatever is away outside, and says so."""
        async with self.harness.session.get(f"{self.harness.url('exporter')}/health") as answer:
            health = await answer.json()
        down = any(part["state"] == "down" for part in health["services"].values())
        assert (answer.status, health["overall_status"]) == (200, "degraded" if down else "healthy"), health
        found: dict[str, dict[str, str]] = health["services"]
        return found

    async def is_well(self) -> bool:
        """Whether all parts are there and up, and Alertmanager was heard of."""
        services = await self.services()
        heard = services.get("alertmanager", {}).get("detail") == ""
        return heard and services.keys() >= PARTS and all(part["state"] == "up" for part in services.values())

    async def is_alone_down(self, name: str) -> bool:
        """Whether a part is down, in /health and in the metrics, and none that is not a part of it."""
        services = await self.services()
        down = {part for part, found in services.items() if found["state"] == "down"}
        gauge = Scrape(await self.harness.metrics())
        assert all(gauge.value("component_up", component=part) is not None for part in services)
        zero = {part for part in services if gauge.value("component_up", component=part) == 0}
        return name in down & zero and all(f"{part}/".startswith(f"{name}/") for part in down | zero)

    async def push(self) -> None:
        """A bot reports a fill; it is acknowledged."""
        now = time.time()
        fill: dict[str, Any] = {"type": "fill", "exchange": "desk", "account": "main", "symbol": "BTC/USDT", "ts": now}
        fill |= {"trade_id": str(now), "side": "buy", "price": "1", "quantity": "1"}
        headers = {"Authorization": f"Bearer {TOKEN}"}
        url = f"{self.harness.url('exporter')}/v1/events"
        async with self.harness.session.post(url, json=[fill], headers=headers) as answer:
            assert (answer.status, (await answer.json())["accepted"]) == (200, 1), await answer.text()

    async def alert(self) -> None:
        """Let an alert fire that is worth a text."""
        labels = {"alertname": "TradingTest", "severity": "critical", "exchange": "desk"}
        body = [{"labels": labels, "annotations": {"summary": "This is a test."}}]
        url = f"{self.harness.url('alertmanager')}/api/v2/alerts"
        async with self.harness.session.post(url, json=body, raise_for_status=True):
            pass

    async def figures(self) -> dict[str, float]:
        """Figures that move while what they come from is there."""
        scrape, figures = Scrape(await self.harness.metrics()), {}
        for name in ("alpha", "beta"):
            labels = {"exchange": name, "symbol": "BTC/USDT"}
            figures[f"exchange/{name}"] = float(scrape.value("market_data_timestamp_seconds", **labels) or 0)
        figures["host"] = float(scrape.sum("host_cpu_seconds_total"))
        figures["push"] = float(scrape.sum("events_total", source="push"))
        figures["cache/quotes"] = await self._newest("trading_cache_entries", cache="quotes")
        figures["cache/sessions"] = await self._newest("trading_cache_entries", cache="sessions")
        figures["prometheus"] = await self._newest("trading_build_info")
        return figures

    async def _newest(self, name: str, **labels: str) -> float:
        """When Prometheus last had a sample; 0 where there is none, or no Prometheus."""
        chosen = ",".join(f'{label}="{value}"' for label, value in labels.items())
        try:
            found = await self.harness.prometheus_query(f"timestamp({name}{{{chosen}}})")
        except aiohttp.ClientError:
            return 0.0
        return max((sample.value for sample in found), default=0.0)

    async def goes_on(self, *, without: str = "") -> None:
        """See that all figures move, but for those of what is away: without Prometheus nobody sees the caches."""
        before = await self.figures()
        still = {name for name in before if name == without or (without == "prometheus" and name.startswith("cache/"))}

        async def has_moved() -> bool:
            await self.push()
            now = await self.figures()
            return all(now[name] > before[name] for name in before.keys() - still)

        await eventually(has_moved, 20)


@dataclass(frozen=True)
class Dependency:
    """Something that may go away: its ``part``, the ``words`` of /health when it has, and how it goes and comes."""

    part: str
    words: str
    leave: Callable[[], Awaitable[object]]
    come: Callable[[], Awaitable[object]]


def settings(folder: Path, ports: Mapping[str, int]) -> dict[str, Any]:
    """The exporter's configuration beside the exchanges."""
    for name, text in {"token": TOKEN, "gateway": f"json://{LOOPBACK}:{ports['gateway']}/sms"}.items():
        (folder / name).write_text(text)
    token = {"file": str(folder / "token")}
    servers = {"sessions": "redis", "quotes": "memcached"}
    return {
        "push": {"tokens": [{"name": "bot", "token": token}]},
        "caches": [{"name": n, "kind": kind, "port": ports[n], "poll_interval": 0.5} for n, kind in servers.items()],
        "host": {"interval": 1},
        "incidents": {"token": token, "heard_within": 5},
        "sms": {
            "token": token,
            "urls": [{"file": str(folder / "gateway")}],
            "retry_after": 0.2,
            "open_after": 3,
            "open_for": 2,
        },
    }


def options(folder: Path, ports: Mapping[str, int]) -> Options:
    return Options(
        market=Market(exchanges=("alpha", "beta")),
        exporter_overrides=settings(folder, ports),
        prometheus_overrides={"global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}},
        prometheus_arguments=("--rules.alert.resend-delay=1s",),
        secrets={"exporter_token": TOKEN},
    )


@asynccontextmanager
async def desk(folder: Path, new_harness: NewHarness) -> AsyncIterator[Desk]:
    """Everything, running and well."""
    async with AsyncExitStack() as ends:
        redis = ends.enter_context(redis_server(folder))
        memcached = ends.enter_context(memcached_server(folder))
        gateway = Gateway()
        await gateway.start()
        ends.push_async_callback(gateway.stop)
        ports = {"sessions": redis.port, "quotes": memcached.port, "gateway": gateway.port}
        harness = await new_harness(options(folder, ports))
        told = {"incidents": True, "url": harness.url("exporter")}
        channels: dict[str, Any] = {"email": {"enabled": False}, "exporter": told, "sms": {"enabled": True}}
        routes = {"route": quicker(made_of(channels)["route"], QUICKER)}
        harness.options = replace(harness.options, channels=channels, alertmanager_overrides=routes)
        await harness.start()
        running = Desk(harness, redis, memcached, gateway)
        await eventually(running.is_well, 60)
        yield running


def dependencies(all_of_it: Desk) -> list[Dependency]:
    """Each in turn; Prometheus when it has scraped often enough for a habit."""
    harness, stack, gateway = all_of_it.harness, all_of_it.harness.stack, all_of_it.gateway

    async def prometheus_leaves() -> None:
        await eventually(lambda: harness.prometheus_query('count_over_time(up{job="trading-exporter"}[5m]) > 14'))
        await stack.stop("prometheus")

    async def gateway_leaves() -> None:
        await gateway.stop()
        gateway.texts.clear()
        await all_of_it.alert()

    async def gateway_comes() -> None:
        await gateway.start()
        await eventually(lambda: asyncio.sleep(0, any("This is a test." in text for text in gateway.texts)))

    def of(server: RedisServer | MemcachedServer, part: str) -> Dependency:
        leave, come = (lambda: asyncio.to_thread(server.stop)), (lambda: asyncio.to_thread(server.start))
        return Dependency(part, "refused|closed|reset|Connect", leave, come)

    return [
        of(all_of_it.redis, "cache/sessions"),
        of(all_of_it.memcached, "cache/quotes"),
        Dependency(
            "exchange/alpha",
            "network|unavailable",
            lambda: harness.add_fault("alpha", kind="down"),
            lambda: harness.clear_faults("alpha"),
        ),
        Dependency("prometheus", "is Prometheus up", prometheus_leaves, lambda: harness.start("prometheus")),
        Dependency(
            "alertmanager", "is it up", lambda: stack.stop("alertmanager"), lambda: harness.start("alertmanager")
        ),
        Dependency("sms", "no gateway took a text", gateway_leaves, gateway_comes),
    ]


@pytest.mark.timeout(300)
async def test_what_goes_away_is_named_and_waited_for_while_all_else_goes_on(
    tmp_path: Path, new_harness: NewHarness
) -> None:
    """/health and the metrics name it and nothing else, all other figures move, and it is well again by itself."""
    async with desk(tmp_path, new_harness) as running:
        pid = running.harness.stack.pid("exporter")
        for dependency in dependencies(running):
            began = time.monotonic()
            await dependency.leave()
            await eventually(lambda name=dependency.part: running.is_alone_down(name), 60)  # type: ignore[misc]
            said = (await running.services())[dependency.part]["detail"]
            assert any(words in said for words in dependency.words.split("|")), said
            noticed = time.monotonic()
            await running.goes_on(without=dependency.part)
            assert await running.is_alone_down(dependency.part)
            came = time.monotonic()
            await dependency.come()
            await eventually(running.is_well, 60)
            await running.goes_on()
            ended = time.monotonic()
            print(f"{dependency.part}: named after {noticed - began:.1f} s, well after {ended - came:.1f} s: {said}")
        assert running.harness.stack.pid("exporter") == pid
        log = running.harness.stack.log_path("exporter").read_text()
        assert "stopped by a fault" not in log
        for dependency in dependencies(running):
            assert log.count(f"{dependency.part} failed, retrying") >= 1
            assert log.count(f"{dependency.part} works again") >= 1
