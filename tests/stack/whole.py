"""All sources at once, and a past: the stack in which every panel of every dashboard has something to show.

Simulated exchanges with their maker, the made-up API with Redis and memcached, a desk that pushes all that can be
pushed, a freqtrade, a node of nautilus, incidents and texts over Alertmanager, and somebody who watches it live.
Nothing is as slow as in life: scrapes and rules come each second, and Prometheus starts with what it would have
recorded in the month before.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
from redis.asyncio import Redis

from simulator.stack import components
from simulator.stack.components import DEFAULT_MARKET
from simulator.stack.ports import LOOPBACK
from tests.alertmanager.routes import made_of, quicker
from tests.servers import memcached_server, redis_server
from tests.sources.freqtrade import standin as freqtrade
from tests.stack import causes, pace
from tests.stack.causes import Desk
from tests.stack.conftest import NewHarness
from tests.stack.harness import Harness, Listener, Options

TOKEN = "0123456789abcdef"
WAITS = 20
"""How much shorter Alertmanager's waits are."""

BEFORE_CHANGE = 20  # moments

Event = dict[str, Any]

_HOUR, _DAY = 3600, 86_400
_SIGNALS = {"response_seconds": 0.02, "requests": 5.0, "pnl": 0.0}
_BOOK = 'exchange="alpha",account="main",symbol="BTC/USDT",strategy="maker"'
_MARKETS = [f'exchange="{name}",symbol="BTC/USDT"' for name in ("alpha", "beta", "gamma")]
_SLOS = ["availability", "errors", "latency_p95", "latency_p99"]

LAST_HOURS: Mapping[str, float] = {
    **{f'signal:value{{signal="{name}"}}': value for name, value in _SIGNALS.items()},
    **{f'signal:season:ratio{{signal="{name}"}}': 1.0 for name in _SIGNALS if name != "pnl"},
    **{f'slo:events:rate5m{{slo="{name}"}}': 5.0 for name in _SLOS},
    **{f'slo:failures:rate5m{{slo="{name}"}}': 0.0 for name in _SLOS},
    **{f"system:requests:{name}": 5.0 for name in ("rate1m", "avg15m", "avg30m")},
    **{f"system:response_seconds:{name}": 0.02 for name in ("mean15m", "mean30m")},
    **{f"system:request_errors:{name}": 0.0 for name in ("rate1m", "ratio15m", "ratio30m")},
    "system:response_seconds:rate1m": 0.1,
    **{f"exchange_symbol:quote_spread:ratio_rate5m{{{market}}}": 0.0005 for market in _MARKETS},
    'resource:utilization:ratio{resource="memory"}': 0.001,
    'exchange:fill_volume_usd:rate5m{exchange="alpha"}': 10.0,
    f"exchange_symbol:compared_quotes:rate5m{{{_MARKETS[0]}}}": 1.0,
}
"""What Prometheus recorded in the twelve hours before, and the value that each had all the time."""

EARLIER: Mapping[str, float] = {
    "system:public_spread_improvement:ratio1d": 0.1,
    "system:public_quote_uptime:ratio1d": 0.99,
    "system:public_volume_usd:increase1d": 1e6,
    "system:public_pnl:ratio": 0.01,
    "system:public_response_seconds:mean5m": 0.02,
    "system:public_response_seconds:p95_5m": 0.05,
    "system:public_uptime:ratio1d": 1.0,
    "system:public_uptime:ratio30d": 1.0,
    'exchange:public_status:level{exchange="alpha"}': 0.0,
    'trading_portfolio_value_at_risk_usd{method="historical",confidence="0.99",horizon="3600s"}': 40.0,
}
"""The same, but for the last minutes, so that figures of now are not these: charts of days begin with these."""

LAST_MONTH: Mapping[str, float] = {
    **{f'signal:value:mean1h{{signal="{name}"}}': value for name, value in _SIGNALS.items()},
    **{f'signal:value:deviation1h{{signal="{name}"}}': value / 10 for name, value in _SIGNALS.items()},
    **{f'signal:surprise{{signal="{name}"}}': 0.05 for name in _SIGNALS},
    **{f'slo:events:rate1h{{slo="{name}"}}': 5.0 for name in _SLOS},
    **{f'slo:failures:rate1h{{slo="{name}"}}': 0.0 for name in _SLOS},
    f"exchange_account_symbol_strategy:pnl_total_usd:sum{{{_BOOK}}}": 0.0,
    'resource:utilization:avg1h{resource="memory"}': 0.001,
    "system:active_users:count": 1000.0,
}
"""The same of the month before."""


class Busy(Desk):
    """A desk whose programs tell everything that can be told, and lose money slowly."""

    def __init__(self) -> None:
        super().__init__("desk")
        self._ids = count(1)
        self._moments = 0

    def moment(self) -> list[Event]:
        """All that is told of one moment."""
        self.sol -= 0.01
        return [
            *super().moment(),
            *self._changed(),
            *self._orders(),
            *self._irregular(),
            *self._money(),
            *self._business(),
        ]

    def _changed(self) -> Iterator[Event]:
        """After a while the vault holds something else than the books say, and what a fee was paid in has a price."""
        self._moments += 1
        if self._moments > BEFORE_CHANGE:
            self.vault, self.contracts = "900", "0.1"
            yield causes.top("book", "desk", "QQQ/USDT", 1.0, 0.1, time.time())

    def _orders(self) -> Iterator[Event]:
        """One that is filled, one that is withdrawn, one that is refused."""
        for status in ("filled", "canceled", "rejected"):
            now, order = time.time(), {"order_id": f"o{next(self._ids)}", "side": "sell", "price": str(self.sol)}
            head = {**self._head("order"), **order, "quantity": "0.1", "decision_price": "100"}
            if status != "rejected":
                yield {**head, "status": "open", "sent_ts": now - 0.02, "ack_ts": now - 0.01, "ts": now - 0.01}
            if status == "filled":
                yield self._traded(order_id=order["order_id"], decision_price="100")
            yield {**head, "status": status, "ts": now, **({"reason": "post_only"} if status == "rejected" else {})}

    def _irregular(self) -> Iterator[Event]:
        """A fill that comes again, as it was and changed, and one that is late and from before any price was known."""
        again = self._traded()
        yield from (again, again, {**again, "price": "1"}, self._traded(ts=time.time() - _HOUR))

    def _money(self) -> Iterator[Event]:
        head = {"exchange": "desk", "account": "main", "ts": time.time()}
        funding = {"symbol": "BTC/USDT:USDT", "funding_id": str(next(self._ids)), "currency": "USDT", "amount": "0.01"}
        yield {"type": "funding", "strategy": "quick", **head, **funding}
        yield {"type": "balance", "currency": "USDT", "total": "1000", **head}

    def _business(self) -> Iterator[Event]:
        yield {"type": "business", "name": "api_calls", "kind": "increment", "value": 5, "ts": time.time()}
        yield {"type": "business", "name": "deployment", "value": time.time(), "ts": time.time()}

    def _traded(self, **fields: Any) -> Event:
        made = {**self._head("fill"), "side": "sell", "price": f"{self.sol:.2f}", "quantity": "0.1"}
        fee = {"currency": "USDT", "amount": "0.001"}
        return {
            **made,
            "trade_id": f"t{next(self._ids)}",
            "liquidity": "maker",
            "fee": fee,
            "ts": time.time(),
            **fields,
        }

    def _head(self, kind: str) -> Event:
        return {"type": kind, "exchange": "desk", "account": "main", "strategy": "quick", "symbol": "SOL/USDT"}


@dataclass
class Whole:
    """All that runs."""

    harness: Harness
    session: aiohttp.ClientSession
    redis: Redis
    watcher: aiohttp.ClientWebSocketResponse
    desk: Busy = field(default_factory=Busy)

    async def push(self, events: list[Event]) -> None:
        """Tell the exporter; some of it is refused, as it should be."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        url = f"{self.harness.url('exporter')}/v1/events"
        async with self.session.post(url, json=events, headers=headers, raise_for_status=True):
            pass

    async def tell(self) -> None:
        """Tell what the desk does."""
        await self.push(self.desk.moment())

    async def watch(self) -> None:
        """Read what came live, and ask for something that there is not."""
        await self.watcher.send_json({"op": "subscribe", "stream": "gossip"})
        while (await self.watcher.receive_json())["type"] != "error":
            pass

    async def incident(self, seconds: float) -> None:
        """Tell Alertmanager of an alert of another program, which ends after so many seconds."""
        labels = {"alertname": "DiskSlow", "severity": "critical"}
        began = time.time()
        url = f"{self.harness.url('alertmanager')}/api/v2/alerts"
        for _ in range(2):
            times = {"startsAt": _moment(began), "endsAt": _moment(began + seconds)}
            async with self.session.post(url, json=[{"labels": labels, **times}], raise_for_status=True):
                await asyncio.sleep(seconds)


def _moment(ts: float) -> str:
    return datetime.fromtimestamp(ts, UTC).isoformat()


@asynccontextmanager
async def running(folder: Path, new_harness: NewHarness, listener: Listener) -> AsyncIterator[Whole]:
    """Start everything, and let it work until the block ends."""
    async with AsyncExitStack() as ends:
        (folder / "redis").mkdir()
        (folder / "memcached").mkdir()
        store = ends.enter_context(redis_server(folder / "redis", "--maxmemory", "16mb"))
        quotes = ends.enter_context(memcached_server(folder / "memcached"))
        bot = await ends.enter_async_context(freqtrade.serving(freqtrade.Standin.of("dry-run", at=3)))
        session = await ends.enter_async_context(aiohttp.ClientSession())
        redis = await ends.enter_async_context(Redis(port=store.port))
        settings = _settings(folder, listener, bot.url, {"redis": store.port, "memcached": quotes.port})
        harness = await _started(new_harness, settings, {"redis": store.port, "memcached": quotes.port})
        stream = session.ws_connect(f"{harness.url('exporter')}/ws", compress=15)
        whole = Whole(harness, session, redis, await ends.enter_async_context(stream))
        await whole.watcher.send_json({"op": "subscribe", "stream": "pnl"})
        await whole.push(whole.desk.trades())
        happen = (whole.tell, whole.watch, partial(causes.heartbeat, redis), partial(whole.incident, 3.0))
        await ends.enter_async_context(causes.going_on(*happen))
        yield whole


async def _started(new_harness: NewHarness, settings: dict[str, Any], caches: Mapping[str, int]) -> Harness:
    harness = await new_harness(_options(settings))
    channels = {
        "email": {"enabled": False},
        "exporter": {"incidents": True, "url": harness.url("exporter")},
        "sms": {"enabled": True, "severities": ["critical"]},
    }
    route = quicker(made_of(channels)["route"], WAITS)
    harness.options = _options(settings, channels=channels, alertmanager_overrides={"route": route})
    await harness.start()
    servers = {name: f"{LOOPBACK}:{port}" for name, port in caches.items()}
    await harness.stack.start(components.app(exporter_url=harness.url("exporter"), token=TOKEN, caches=servers))
    return harness


def _options(settings: dict[str, Any], **more: Any) -> Options:
    return Options(
        exporter_overrides=settings,
        exporter_environment={"BOT_USER": freqtrade.USERNAME, "BOT_PASSWORD": freqtrade.PASSWORD},
        prometheus_overrides=pace.EACH_SECOND,
        prometheus_edit=_prepare,
        prometheus_arguments=("--storage.tsdb.retention.time=40d",),
        secrets={"exporter_token": TOKEN},
        **more,
    )


def _prepare(folder: Path) -> None:
    """Prometheus's folder: all rules each second, and a past."""
    for path in sorted((folder / "rules").rglob("*.yml")):
        pace.without_intervals(path)
    now, data = time.time(), components.prometheus_data(folder.parent)
    pace.backfill(data, LAST_HOURS, (now - ago for ago in range(2, 12 * _HOUR, 60)))
    pace.backfill(data, EARLIER, (now - ago for ago in range(6 * 60, 12 * _HOUR, 60)))
    pace.backfill(data, LAST_MONTH, (now - ago for ago in range(2, 30 * _DAY, 240)))


def _settings(folder: Path, listener: Listener, bot_url: str, ports: Mapping[str, int]) -> dict[str, Any]:
    """The exporter's: all sources, and what figures are held against."""
    (folder / "token").write_text(TOKEN)
    (folder / "gateway").write_text(f"json://{listener.url.removeprefix('http://')}/sms")
    token = {"file": str(folder / "token")}
    accounts = [f"{name.partition(':')[0]}/main" for name in (*DEFAULT_MARKET.exchanges, "desk")] + ["desk/odd"]
    return {
        "push": {"tokens": [{"name": "all", "token": token}]},
        "sms": {"token": token, "urls": [{"file": str(folder / "gateway")}]},
        "incidents": {"token": token},
        "caches": [{"name": name, "kind": name, "port": port} for name, port in ports.items()],
        "freqtrade": [_freqtrade(bot_url)],
        "nautilus": [{"name": "node-1", "port": ports["redis"], "trader_id": causes.TRADER, "scan_interval": 0.5}],
        "models": {"reference": 20, "window": 20},
        "quality": {"markout_horizons_seconds": [0.1, 1, 5]},
        "targets": {"loss_usd": 1000, "model_accuracy_ratio": 0.55, "anomaly": {"days": 1}},
        "risk": {
            "sample_seconds": 1,
            "confidence": [0.8],
            "horizon_seconds": 1,
            "capital_usd": dict.fromkeys(accounts, 100_000),
            "limits": {"symbol_usd": {"SOL/USDT": 5000}, "exchange_usd": {"alpha": 1e6}, "total_usd": 1e6},
        },
    }


def _freqtrade(url: str) -> dict[str, Any]:
    login = {"username": {"env": "BOT_USER"}, "password": {"env": "BOT_PASSWORD"}}
    return {"name": "swinger", "url": url, **login, "fills": False, "poll_interval": 1}
