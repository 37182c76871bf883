"""What real cache servers count, while they run, while they are away, and when they come back."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import redis
import yaml

from exporter.config import parse
from exporter.errors import ConfigError
from exporter.service import running
from simulator.stack.ports import LOOPBACK, free_port
from tests.servers import memcached_server, redis_server


class Exporter:
    """An exporter that runs in this process."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url, self._session = url, session

    async def cache(self) -> dict[str, float]:
        """The samples of the caches by family without its prefix, and labels."""
        async with self._session.get(f"{self._url}/metrics") as answer:
            lines = (await answer.text()).splitlines()
        parts = (line.rsplit(" ", 1) for line in lines if line.startswith("trading_cache_"))
        return {name.removeprefix("trading_cache_"): float(value) for name, value in parts}

    async def until(self, name: str, value: float) -> dict[str, float]:
        """Wait until a sample has this value; all samples of that moment."""
        for _ in range(1000):
            found = await self.cache()
            if found.get(name) == value:
                return found
            await asyncio.sleep(0.01)
        raise AssertionError(f"{name} never was {value}, but {found}")

    async def health(self, component: str) -> dict[str, str]:
        """What `/health` says of a component."""
        async with self._session.get(f"{self._url}/health") as answer:
            found: dict[str, str] = (await answer.json())["services"][component]
        return found


@asynccontextmanager
async def watching(*caches: dict[str, Any]) -> AsyncIterator[Exporter]:
    quick = [{"poll_interval": 0.05, "request_timeout": 1, **each} for each in caches]
    config = parse(yaml.safe_dump({"web": {"listen": "127.0.0.1:0"}, "caches": quick}))
    async with running(config) as (url, _), aiohttp.ClientSession() as session:
        yield Exporter(url, session)


async def test_redis_tells_hits_misses_evictions_and_memory(tmp_path: Path) -> None:
    """What clients did shows as counters, with the tier that is usual for redis, and a limit where there is one."""
    with redis_server(tmp_path, "--maxmemory", "3mb", "--maxmemory-policy", "allkeys-lru") as server:
        client = redis.Redis(LOOPBACK, server.port)
        for number in range(1000):
            client.set(f"key-{number}", "x" * 4000)
        for name in ("key-999", "key-998", "never"):
            client.get(name)
        client.close()
        async with watching({"name": "sessions", "kind": "redis", "port": server.port}) as exporter:
            found = await exporter.until('up{cache="sessions",tier="l3"}', 1)
    labels = '{cache="sessions",tier="l3"}'
    expected = {"hits_total": 2, "misses_total": 1, "memory_limit_bytes": 3 * 1024 * 1024}
    assert {name: found[name + labels] for name in expected} == expected
    assert found["evictions_total" + labels] > 0
    assert found["evictions_total" + labels] + found["entries" + labels] == 1000
    assert 1_000_000 < found["memory_bytes" + labels] < 4 * 1024 * 1024
    assert not any(name.startswith("warmed") for name in found)


async def test_memcached_tells_the_same(tmp_path: Path) -> None:
    """What clients did shows as counters, with the tier that is usual for memcached."""
    with memcached_server(tmp_path, "-m", "64") as server:
        with socket.create_connection((LOOPBACK, server.port)) as client, client.makefile("rb") as answers:
            client.sendall(b"set a 0 0 3\r\nabc\r\nget a\r\nget a\r\nget never\r\n")
            assert [answers.readline() for _ in range(8)][-1] == b"END\r\n"
        async with watching({"name": "quotes", "kind": "memcached", "port": server.port}) as exporter:
            found = await exporter.until('up{cache="quotes",tier="l2"}', 1)
    labels = '{cache="quotes",tier="l2"}'
    expected = {"hits_total": 2, "misses_total": 1, "evictions_total": 0, "entries": 1}
    assert {name: found[name + labels] for name in expected} == expected
    assert found["memory_limit_bytes" + labels] == 64 * 1024 * 1024


async def test_a_server_that_goes_away_and_comes_back(tmp_path: Path) -> None:
    """Meanwhile it is down, its figures are gone rather than old, the other one goes on, and health names it."""
    with redis_server(tmp_path) as first, redis_server(tmp_path) as second:
        servers = [{"name": name, "kind": "redis", "port": each.port} for name, each in (("a", first), ("b", second))]
        async with watching(*servers) as exporter:
            await exporter.until('up{cache="a",tier="l3"}', 1)
            first.stop()
            found = await exporter.until('up{cache="a",tier="l3"}', 0)
            assert 'hits_total{cache="a",tier="l3"}' not in found
            assert found['up{cache="b",tier="l3"}'] == 1
            assert (await exporter.health("cache/a"))["state"] == "down"
            first.start()
            found = await exporter.until('up{cache="a",tier="l3"}', 1)
            assert found['hits_total{cache="a",tier="l3"}'] == 0
            assert {"state": "up", "detail": ""}.items() <= (await exporter.health("cache/a")).items()


async def test_a_wrong_password_is_said_and_not_shown(tmp_path: Path) -> None:
    """The server's refusal is in health, and the password is nowhere."""
    (tmp_path / "password").write_text("wrong-and-secret")
    with redis_server(tmp_path, "--requirepass", "right") as server:
        secret = {"file": str(tmp_path / "password")}
        async with watching({"name": "a", "kind": "redis", "port": server.port, "password": secret}) as exporter:
            await exporter.until('up{cache="a",tier="l3"}', 0)
            detail = (await exporter.health("cache/a"))["detail"]
    assert "password" in detail.lower()
    assert "wrong-and-secret" not in detail


async def test_the_wrong_kind_of_server_is_down(tmp_path: Path) -> None:
    """A redis taken for a memcached does not stop anything, and is not up."""
    with redis_server(tmp_path) as server:
        async with watching({"name": "a", "kind": "memcached", "port": server.port}) as exporter:
            found = await exporter.until('up{cache="a",tier="l2"}', 0)
            assert 'hits_total{cache="a",tier="l2"}' not in found
            assert (await exporter.health("cache/a"))["state"] == "down"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"password": {"env": "CACHE_PASSWORD"}}, "memcached is asked without a user; remove it"),
        ({"tls": True}, "memcached is asked without TLS; remove it"),
        ({"kind": "varnish"}, "redis"),
    ],
)
def test_what_cannot_be_is_refused(more: dict[str, Any], words: str) -> None:
    """A setting that has no effect is an error that says what to do."""
    caches = [{"name": "a", "kind": "memcached", "port": free_port(), **more}]
    with pytest.raises(ConfigError, match=words):
        parse(yaml.safe_dump({"caches": caches}))


def test_a_name_is_given_once() -> None:
    """Two servers under one name and tier would be one series."""
    twice: list[dict[str, Any]] = [{"name": "a", "kind": "redis"}, {"name": "a", "kind": "redis", "port": 6380}]
    with pytest.raises(ConfigError, match="'a' stands twice in tier 'l3'"):
        parse(yaml.safe_dump({"caches": twice}))
    parse(yaml.safe_dump({"caches": [twice[0], twice[1] | {"tier": "l4"}]}))
