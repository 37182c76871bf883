"""A desk and all that watches it, wired up to fail: for the test that every alert fires from its cause.

Exporters, exchanges, Redis, memcached, Prometheus and Alertmanager run; Slack, PagerDuty, Discord, the gateway of texts
and the mail server are listeners. What is not as committed, `test_alerts` says.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from redis.asyncio import Redis

from simulator.stack import components
from simulator.stack.components import Market, Settings
from simulator.stack.ports import LOOPBACK, free_port
from tests.alertmanager.routes import EVERYTHING, made_of, quicker
from tests.servers import RedisServer, memcached_server, redis_server
from tests.stack import causes, pace
from tests.stack.causes import Desk
from tests.stack.conftest import NewHarness
from tests.stack.harness import Harness, Listener, Options, eventually
from tests.stack.listeners import Mails, Told, mail_server, told

FACTOR = 20
SLO_FACTOR = 240
TOKEN = "0123456789abcdef"

AFTER = {"critical": "11m", "warning": "12m"}
"""How long an alert fires before it is mailed."""

CHANNELS: Mapping[str, Any] = {
    **EVERYTHING,
    "discord": {"enabled": True, "severities": ["critical", "warning"], "format": "slack"},
    "maintenance": [{"name": "closing", "exchanges": ["closed"], "weekdays": ["sunday:saturday"]}],
}

TARGETS: Mapping[str, Any] = {
    "cpu_ratio": 0.0001,
    "memory_ratio": 0.0001,
    "journal_disk_free_bytes": 1e15,
    "error_ratio": {"promised": 0.01, "critical": 0.5},
    "exchange_error_ratio": {"degraded": 0.01, "warning": 0.2, "critical": 0.9},
    "exchange_latency_seconds": {"degraded": 0.05, "warning": 0.1, "critical": 1},
    "market_data_age_seconds": 4,
    "attribution_error_usd": 0,
    "loss_usd": 1000,
    "model_accuracy_ratio": 0.55,
    "anomaly": {"days": 1},
    "slo": {"failures": 10 * SLO_FACTOR},
    "exhaustion_days": 30,
}

_SIGNALS = {"response_seconds": 0.02, "requests": 5.0, "pnl": 0.0}
_EXCHANGES = ("alpha", "beta", "gamma", "delta")

HISTORY: Mapping[str, float] = {
    **{f'signal:value{{signal="{name}"}}': value for name, value in _SIGNALS.items()},
    **{f'signal:value:mean1h{{signal="{name}"}}': value for name, value in _SIGNALS.items()},
    **{f'signal:value:deviation1h{{signal="{name}"}}': value / 10 for name, value in _SIGNALS.items()},
    **{f'signal:season:ratio{{signal="{name}"}}': 1.0 for name in _SIGNALS if name != "pnl"},
    **{f'signal:surprise{{signal="{name}"}}': 0.05 for name in _SIGNALS},
    "exchange_account_symbol_strategy:pnl_total_usd:sum"
    '{exchange="desk",account="main",symbol="A/USDT",strategy="s"}': 0.0,
    **{f'slo:events:rate5m{{slo="exchange",exchange="{name}"}}': 3.0 for name in _EXCHANGES},
    **{f'slo:failures:rate5m{{slo="exchange",exchange="{name}"}}': 0.0 for name in _EXCHANGES},
    **{f'slo:events:rate1h{{slo="exchange",exchange="{name}"}}': 3.0 for name in _EXCHANGES},
    **{f'slo:failures:rate1h{{slo="exchange",exchange="{name}"}}': 0.0 for name in _EXCHANGES},
    'resource:utilization:ratio{resource="requests"}': 0.01,
    'resource:utilization:avg1h{resource="requests"}': 0.01,
}
"""What Prometheus knows of the time before: quiet days."""

HISTORY_SECONDS, HISTORY_STEP = 7200, 3  # a day is 72 minutes


@dataclass(frozen=True, slots=True)
class Seen:
    """An alert as Alertmanager shows it; ``state`` is active or suppressed."""

    alert: str
    severity: str
    exchange: str
    state: str


@dataclass
class Play:
    """All that runs, and what was heard of it.

    ``spare`` is a second exporter, which takes texts and incidents, and of which a part fails; ``gone`` a third one,
    which has been killed. While ``node_runs``, one of nautilus writes heartbeats to Redis. ``seen`` is whatever
    Alertmanager ever showed, ``starts`` the Unix time since when, by name and severity.
    """

    harness: Harness
    spare: Harness
    gone: Harness
    listener: Listener
    mails: Mails
    session: aiohttp.ClientSession
    redis: Redis
    cache: RedisServer
    desk: Desk = field(default_factory=lambda: Desk("desk", "closed", "silent"))
    node_runs: bool = True
    seen: set[Seen] = field(default_factory=set)
    starts: defaultdict[tuple[str, str], float] = field(default_factory=lambda: defaultdict(lambda: float("inf")))

    @property
    def journal(self) -> Path:
        """The spare exporter's."""
        return self.spare.stack.run_dir / "exporter" / "journal"

    @property
    def told(self) -> list[Told]:
        """All messages so far, in the order of time."""
        return told(self.listener.received, self.mails)

    def channels(self, alert: str, severity: str) -> set[str]:
        """Who was told of an alert."""
        return {one.channel for one in self.told if (one.alert, one.severity) == (alert, severity)}

    async def until_told(self, wanted: Mapping[tuple[str, str], set[str]], seconds: float = 60.0) -> None:
        """Wait until each alert, by name and severity, reached at least these channels; says which did not."""

        def lacking() -> dict[tuple[str, str], set[str]]:
            return {
                row: channels - had for row, channels in wanted.items() if not channels <= (had := self.channels(*row))
            }

        async def nothing_lacks() -> bool:
            return not lacking()

        try:
            await eventually(nothing_lacks, seconds)
        except AssertionError:
            lacks = "\n".join(f"{' '.join(row)}: {sorted(channels)}" for row, channels in lacking().items())
            raise AssertionError(f"within {seconds:g} s these were not told:\n{lacks}\n{self.summary()}") from None

    def summary(self) -> str:
        """What Alertmanager showed and what was told, a line each."""
        shown = sorted(f"{one.alert} {one.severity} {one.exchange} {one.state}" for one in self.seen)
        return "\n".join(["Alertmanager showed:", *shown, "told:", *(str(one) for one in self.told)])

    async def alerts(self) -> list[dict[str, Any]]:
        """What Alertmanager has now."""
        found: list[dict[str, Any]] = await self.harness.get_json(f"{self.harness.url('alertmanager')}/api/v2/alerts")
        return found

    async def look(self) -> None:
        """Note what Alertmanager shows."""
        for alert in await self.alerts():
            labels = alert["labels"]
            row = labels["alertname"], labels["severity"]
            self.seen.add(Seen(*row, labels.get("exchange", ""), alert["status"]["state"]))
            self.starts[row] = min(self.starts[row], datetime.fromisoformat(alert["startsAt"]).timestamp())

    async def beat(self) -> None:
        """Let the node show that it runs, if it does."""
        if self.node_runs:
            await causes.heartbeat(self.redis)

    async def push(self, events: Iterable[Mapping[str, Any]], to: Harness | None = None) -> None:
        """Tell an exporter, the main one unless given, what happened."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        url = f"{(to or self.harness).url('exporter')}/v1/events"
        async with self.session.post(url, json=list(events), headers=headers) as response:
            answer = await response.json()
            assert not answer.get("errors"), answer

    async def tell(self) -> None:
        """Tell how the desk does."""
        await self.push(self.desk.moment())

    async def silence(self, **labels: str) -> None:
        """Silence what has these labels for an hour, as ``make silence`` does."""
        matchers = [{"name": name, "value": value, "isRegex": False} for name, value in labels.items()]
        times = {"startsAt": _moment(time.time()), "endsAt": _moment(time.time() + 3600)}
        url = f"{self.harness.url('alertmanager')}/api/v2/silences"
        body = {"matchers": matchers, "createdBy": "test", "comment": "upgrade", **times}
        async with self.session.post(url, json=body, raise_for_status=True):
            pass


def _moment(ts: float) -> str:
    return datetime.fromtimestamp(ts, UTC).isoformat()


@asynccontextmanager
async def playing(folder: Path, new_harness: NewHarness, listener: Listener) -> AsyncIterator[Play]:
    """Start all but Alertmanager; in the block the systems around the exporter tell each half second how they do."""
    async with AsyncExitStack() as ends:
        mails = await ends.enter_async_context(mail_server())
        session = await ends.enter_async_context(aiohttp.ClientSession())
        servers = [ends.enter_context(redis_server(_folder(folder / name))) for name in ("sessions", "spare")]
        memcached = ends.enter_context(memcached_server(_folder(folder / "quotes")))
        own = Options(market=Market(exchanges=()), exporter_overrides=_own_settings(folder, listener))
        spare, gone = await new_harness(_with_a_fault(own)), await new_harness(own)
        ports = {"sessions": servers[0].port, "spare": servers[1].port, "quotes": memcached.port}
        settings = {**own.exporter_overrides, **_settings(ports)}
        harness = await new_harness(_options(listener, mails, settings, spare.url("exporter"), gone.url("exporter")))
        redis = await ends.enter_async_context(Redis(port=servers[0].port))
        play = Play(harness, spare, gone, listener, mails, session, redis, servers[1])
        await ends.enter_async_context(causes.going_on(play.look, play.beat))
        await _start(play)
        other = causes.memcached(memcached.port)
        ends.push_async_callback(other.close)
        await ends.enter_async_context(
            causes.going_on(
                play.tell,
                partial(causes.miss_in_redis, redis),
                partial(causes.miss_in_memcached, other),
                partial(causes.use_up_limit, session, f"{harness.url('simulator')}/delta"),
            )
        )
        yield play


async def _start(play: Play) -> None:
    """Start all but Alertmanager; the third exporter is killed again."""
    await asyncio.gather(
        play.harness.start("simulator", "exporter", "prometheus"),
        play.spare.start("exporter"),
        play.gone.start("exporter"),
    )
    await eventually(lambda: play.harness.prometheus_query("count(up{job='trading-exporter'} == 1) == 3"))
    await play.gone.stack.stop("exporter", kill=True)


def _folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path


def _own_settings(folder: Path, listener: Listener) -> dict[str, Any]:
    """What every exporter has: who may talk to it, and the targets."""
    (folder / "token").write_text(TOKEN)
    (folder / "gateway").write_text(f"json://{listener.url.removeprefix('http://')}/sms")
    token = {"file": str(folder / "token")}
    gateway = {"urls": [{"file": str(folder / "gateway")}], "retry_after": 0.1, "open_after": 2, "open_for": 3}
    return {
        "push": {"tokens": [{"name": "desk", "token": token}]},
        "sms": {"token": token, **gateway},
        "incidents": {"token": token},
        "targets": dict(TARGETS),
    }


def _with_a_fault(options: Options) -> Options:
    """The same, but for a part in place of the host's figures that fails whenever it begins; once is enough."""
    settings = {**options.exporter_overrides, "supervision": {"open_after": 1}}
    return replace(options, exporter_program=("-m", "tests.stack.stubborn", "Fails"), exporter_overrides=settings)


def _settings(ports: Mapping[str, int]) -> dict[str, Any]:
    """What the main exporter watches, and what it holds figures against."""
    kinds = {"sessions": "redis", "spare": "redis", "quotes": "memcached"}
    node = {"name": "node-1", "port": ports["sessions"], "trader_id": causes.TRADER}
    limits = {"symbol_usd": {"SOL/USDT": 5000}}
    return {
        "caches": [
            {"name": name, "kind": kinds[name], "port": port, "poll_interval": 0.5} for name, port in ports.items()
        ],
        "nautilus": [{**node, "scan_interval": 0.5, "heartbeat_timeout": 2}],
        "models": {"reference": 20, "window": 20},
        "capacity": {"requests_per_second": 50},
        "risk": {"sample_seconds": 1, "capital_usd": {"desk/main": 10_000}, "limits": limits},
    }


def _options(listener: Listener, mails: Mails, settings: Settings, spare: str, gone: str) -> Options:
    """The stack's, with two more exporters at these addresses."""
    channels = {
        **CHANNELS,
        "pagerduty": {"enabled": True, "url": f"{listener.url}/pagerduty"},
        "email": {"enabled": True, "after": AFTER, "server": f"{LOOPBACK}:{mails.port}"},
        "exporter": {"incidents": True, "url": spare},
        "heartbeat": {"enabled": True, "url": f"{listener.url}/heartbeat"},
    }
    addresses = {"slack_url": f"{listener.url}/slack", "discord_url": f"{listener.url}/discord"}
    return Options(
        market=Market(exchanges=("alpha", "beta", "gamma:kraken", "delta"), rate_symbols=()),
        exporter_overrides=settings,
        each_exchange={"probe_interval": 0.3, "request_timeout": 1.5, "reconcile_interval": 5},
        prometheus_overrides=pace.EACH_SECOND,
        prometheus_edit=partial(_prepare, [spare, gone]),
        prometheus_arguments=("--rules.alert.resend-delay=3s",),
        channels=channels,
        alertmanager_overrides={"route": quicker(made_of(channels)["route"], FACTOR)},
        secrets={**addresses, "pagerduty_key": "a-routing-key", "exporter_token": TOKEN},
    )


def _prepare(exporters: list[str], folder: Path) -> None:
    """Prometheus's folder: quicker rules, and one that cannot be evaluated, more targets, and a past."""
    for path in sorted((folder / "rules").rglob("*.yml")):
        pace.quicken(path, SLO_FACTOR if path.name == "slo.yml" else FACTOR, longest_wait=30)
    broken = {"record": "broken", "expr": "trading_exchange_up * on () trading_exchange_up"}
    (folder / "rules" / "recording" / "broken.yml").write_text(
        yaml.safe_dump({"groups": [{"name": "broken", "rules": [broken]}]})
    )
    _add_targets(folder, "exporter", *exporters)
    _add_targets(folder, "alertmanager", components.local_url(free_port()))  # nobody is there
    _drop_threshold(folder / "prometheus.yml")
    times = [time.time() - ago for ago in range(2, HISTORY_SECONDS, HISTORY_STEP)]
    pace.backfill(components.prometheus_data(folder.parent), HISTORY, times)


def _add_targets(folder: Path, name: str, *urls: str) -> None:
    path = folder / "targets" / f"{name}.yml"
    added = {"targets": [url.removeprefix("http://") for url in urls]}
    path.write_text(yaml.safe_dump([*yaml.safe_load(path.read_text()), added]))


def _drop_threshold(path: Path) -> None:
    """Let Prometheus leave out one of the targets when it scrapes."""
    config = yaml.safe_load(path.read_text())
    (scrape,) = [job for job in config["scrape_configs"] if job["job_name"] == "trading-exporter"]
    regex = "trading_target_slo_budget_ratio;latency_p99"
    scrape["metric_relabel_configs"] = [{"source_labels": ["__name__", "slo"], "regex": regex, "action": "drop"}]
    path.write_text(yaml.safe_dump(config))
