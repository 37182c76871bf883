"""How each kind of server is asked, and what its answer means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import aiomcache
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from exporter.config import CacheServer
from exporter.state.signals import CacheFigures

FAILURES = (RedisError, aiomcache.exceptions.ClientException, OSError, TimeoutError, EOFError)


class AnswerError(OSError):
    """The server answered, but not with what a cache tells."""


class Server(Protocol):
    """A connection to a server."""

    async def read(self) -> CacheFigures:
        """What it counts; one of `FAILURES` when it does not tell."""

    async def close(self) -> None:
        """Give the connection up."""


def connect(config: CacheServer) -> Server:
    """A server of the configured kind; nothing is sent yet."""
    return _Redis(config) if config.kind == "redis" else _Memcached(config)


class _Redis:
    """``INFO``: https://redis.io/docs/latest/commands/info/."""

    def __init__(self, config: CacheServer) -> None:
        secrets = {name: secret.read() for name, secret in config.secrets.items()}
        self._redis = Redis(
            host=config.host,
            port=config.port or 6379,
            username=secrets.get("username"),
            password=secrets.get("password"),
            ssl=config.tls,
            ssl_ca_certs=config.ca_file,
            socket_connect_timeout=config.request_timeout,
            socket_timeout=config.request_timeout,
            retry=Retry(NoBackoff(), 0),  # whoever calls retries, and says so
            protocol=2,
        )

    async def read(self) -> CacheFigures:
        info: dict[str, Any] = await self._redis.info()
        databases = (value for key, value in info.items() if key.startswith("db") and isinstance(value, dict))
        return CacheFigures(
            hits=_number(info, "keyspace_hits"),
            misses=_number(info, "keyspace_misses"),
            evictions=_number(info, "evicted_keys"),
            entries=sum(_number(database, "keys") for database in databases),
            memory_bytes=_number(info, "used_memory"),
            memory_limit_bytes=_number(info, "maxmemory") or None,
        )

    async def close(self) -> None:
        await self._redis.aclose()


class _Memcached:
    """``stats``: https://docs.memcached.org/protocols/basic/#statistics."""

    def __init__(self, config: CacheServer) -> None:
        self._memcached = aiomcache.Client(config.host, config.port or 11_211, pool_size=1)

    async def read(self) -> CacheFigures:
        stats = {name.decode(): value for name, value in (await self._memcached.stats()).items()}
        return CacheFigures(
            hits=_number(stats, "get_hits"),
            misses=_number(stats, "get_misses"),
            evictions=_number(stats, "evictions"),
            entries=_number(stats, "curr_items"),
            memory_bytes=_number(stats, "bytes"),
            memory_limit_bytes=_number(stats, "limit_maxbytes") or None,
        )

    async def close(self) -> None:
        await self._memcached.close()


def _number(answer: Mapping[str, Any], name: str) -> float:
    try:
        return float(answer[name])
    except (KeyError, TypeError, ValueError):
        raise AnswerError(f"its answer has no number {name}; is this the right kind of server?") from None
