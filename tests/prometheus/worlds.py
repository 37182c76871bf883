"""Eight days of a trading system, made by a seeded generator: what is usual on them, and incidents."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from random import Random

from exporter.collectors import targets
from exporter.config import Config
from exporter.exposition import Sample
from exporter.state.state import State

STEP = 30  # seconds between two samples
DAY = 86_400
DAYS = 8
STEPS = DAYS * DAY // STEP
WARM = 4 * DAY  # no incident before; the bands need a little over three days
EXCHANGES = ("alpha", "beta", "gamma")
TIERS = {"l1": (0.93, 4.0), "l2": (0.9, 1.0), "l3": (0.88, 0.5)}  # usual hit ratio, requests for each of the API
BUCKETS = (0.05, 0.1, 0.2, 0.5, 1.0)
CORES = 4

Series = dict[str, list[float]]


@dataclass(frozen=True)
class Incident:
    """Something that a user of the trading system would notice, from ``begin`` to ``end`` in seconds."""

    kind: str
    begin: int
    end: int
    size: float
    where: str = ""

    def share(self, at: float) -> float:
        """How much of its size it has: 0 outside; an incident that creeps grows to the whole until its end."""
        if not self.begin <= at < self.end:
            return 0.0
        return (at - self.begin) / (self.end - self.begin) if self.kind in CREEPING else 1.0


@dataclass(frozen=True)
class Kind:
    """A kind of incident: the alerts that tell it, and the ranges of its size (by ratio) and its minutes."""

    alerts: frozenset[str]
    size: tuple[float, float]
    minutes: tuple[float, float]


def _kind(alerts: str, size: tuple[float, float], minutes: tuple[float, float]) -> Kind:
    return Kind(frozenset(f"Trading{name}" for name in alerts.split()), size, minutes)


_SLOW = "ResponseTimeHigh ResponseTimeAnomaly SloBurnRate"
KINDS = {
    "slow API (times as slow)": _kind(_SLOW, (2, 20), (8, 60)),
    "API that gets slower (times as slow)": _kind(_SLOW, (2.5, 12), (30, 120)),
    "slow tail of the API (share of requests)": _kind(_SLOW, (0.04, 0.3), (10, 60)),
    "errors of the API (share)": _kind("ErrorRateHigh SloBurnRate", (0.03, 0.8), (6, 60)),
    "lost requests (share that is left)": _kind("ThroughputAnomaly", (0.02, 0.5), (10, 90)),
    "flood of requests (times)": _kind("ThroughputAnomaly", (2, 8), (10, 60)),
    "exchange away (share that fails)": _kind("ExchangeUnavailable ExchangeErrorRateHigh", (0.3, 1), (3, 60)),
    "exchange refuses (share of requests)": _kind("ExchangeErrorRateHigh", (0.03, 0.5), (6, 60)),
    "slow exchange (seconds)": _kind("ExchangeLatencyHigh", (0.6, 5), (6, 60)),
    "stale market data": _kind("MarketDataStale", (1, 1), (2, 30)),
    "cold caches (share of hits that is left)": _kind("CacheHitRateLow", (0.1, 0.8), (8, 60)),
    "busy CPU (share)": _kind("CpuHigh", (0.93, 1), (8, 60)),
    "memory leak (share in use at its end)": _kind("MemoryHigh", (0.88, 0.99), (30, 240)),
    "loss (times the usual of an hour)": _kind("PnlAnomaly", (6, 30), (5, 60)),
}
CREEPING = frozenset({"API that gets slower (times as slow)", "memory leak (share in use at its end)"})
_BY_EXCHANGE = frozenset(kind for kind in KINDS if "xchange" in kind or "market" in kind)


@dataclass
class World:
    """What Prometheus would have scraped, and what really happened."""

    incidents: list[Incident]
    series: Series = field(default_factory=dict)


def world(seed: int, incidents: int) -> World:
    """Make a world with so many incidents."""
    random = Random(seed)
    made = World(list(draw(random, incidents)))
    for part in (_targets, _app, _exchanges, _host, _pnl):
        part(made, random)
    return made


def draw(random: Random, count: int) -> Iterator[Incident]:
    """Draw incidents that come one at a time, evenly spread with some play, of as many kinds as there is room for."""
    kinds = [name for _ in range(0, count, len(KINDS)) for name in random.sample(list(KINDS), len(KINDS))]
    room = (DAYS * DAY - WARM) / count
    for number in range(count):
        name = kinds[number]
        kind = KINDS[name]
        begin = WARM + number * room + random.uniform(0, 0.2) * room
        length = min(_between(random, kind.minutes) * 60, 0.5 * room)
        where = random.choice(EXCHANGES) if name in _BY_EXCHANGE else ""
        yield Incident(name, int(begin), int(begin + length), _between(random, kind.size), where)


def _between(random: Random, bounds: tuple[float, float]) -> float:
    """A number between the bounds, small ones and large ones alike."""
    return math.exp(random.uniform(*(math.log(bound) for bound in bounds)))


def _factor(world: World, kind: str, at: float, where: str = "") -> float:
    """The size of the incident of this kind that is on, grown from 1; 1 without."""
    for incident in world.incidents:
        if incident.kind.startswith(kind) and incident.where == where and (share := incident.share(at)):
            return 1 + share * (incident.size - 1)
    return 1.0


def _size(world: World, kind: str, at: float, where: str = "") -> float | None:
    """The size of the incident of this kind that is on, or None."""
    for incident in world.incidents:
        if incident.kind.startswith(kind) and incident.where == where and incident.share(at):
            return incident.size
    return None


def _targets(world: World, random: Random) -> None:
    """What the exporter exports with no configuration of its own."""
    for family, samples in targets.collect(State(Config(), clock=lambda: 0.0)):
        for labels, value in samples:
            world.series[_name(family.name, zip(family.labels, labels, strict=True))] = [_number(value)] * STEPS
    world.series['up{job="trading-exporter",instance="a"}'] = [1.0] * STEPS


def _number(value: Sample | object) -> float:
    assert isinstance(value, int | float)
    return float(value)


def _name(metric: str, labels: Iterable[tuple[str, str]]) -> str:
    return metric + "{" + ",".join(f'{name}="{value}"' for name, value in (*labels, ("instance", "a"))) + "}"


def _season(at: float) -> float:
    """The time of day, from 0.4 to 1.6: a peak in the afternoon, a smaller one in the morning; a quieter weekend."""
    day = 2 * math.pi * at / DAY
    saturday = 2 * DAY
    into = min(1.0, max(0.0, (at - saturday) / 21_600)) - min(1.0, max(0.0, (at - saturday - 2 * DAY) / 21_600))
    return (1 - 0.25 * into) * (1 + 0.45 * math.sin(day - 2.2) + 0.15 * math.sin(2 * day + 0.5))


def _wander(random: Random, deviation: float, seconds: float) -> Callable[[], float]:
    """A factor that wanders around 1 with a memory of so many seconds."""
    memory = math.exp(-STEP / seconds)
    fresh = deviation * math.sqrt(1 - memory * memory)
    state = random.gauss(0, deviation)

    def step() -> float:
        nonlocal state
        state = memory * state + random.gauss(0, fresh)
        return math.exp(state)

    return step


def _bursts(random: Random, a_day: float, size: tuple[float, float], minutes: tuple[float, float]) -> list[float]:
    """A factor that is 1 but for harmless bursts."""
    factors = [1.0] * STEPS
    for _ in range(round(a_day * DAYS)):
        first, factor = random.randrange(STEPS), random.uniform(*size)
        for index in range(first, min(STEPS, first + max(1, round(random.uniform(*minutes) * 60 / STEP)))):
            factors[index] *= factor
    return factors


def _count(random: Random, mean: float) -> int:
    """How many events of this mean number happen."""
    if mean > 50:
        return max(0, round(random.gauss(mean, math.sqrt(mean))))
    limit, product, count = math.exp(-mean), random.random(), 0
    while product > limit:
        product *= random.random()
        count += 1
    return count


class _Sums:
    """Counters that the series of a world are appended to."""

    def __init__(self, world: World, metric: str) -> None:
        self._world, self._metric = world, metric
        self._sums: dict[str, float] = {}

    def add(self, value: float, **labels: str) -> None:
        """Let a counter rise and write it down."""
        key = _name(self._metric, labels.items())
        self._sums[key] = self._sums.get(key, 0.0) + value
        self._world.series.setdefault(key, []).append(self._sums[key])


def _app(world: World, random: Random) -> None:
    base, seconds = random.uniform(20, 200), random.uniform(0.02, 0.045)
    load, speed, quick = _wander(random, 0.06, 7200), _wander(random, 0.08, 1800), _wander(random, 0.05, 120)
    hits = {tier: _wander(random, 0.01, 3600) for tier in TIERS}
    crowds = _bursts(random, 4, (1.2, 1.8), (1, 4))
    hiccups = _bursts(random, 4, (1.3, 2.5), (0.5, 3))
    failing = _bursts(random, 3, (2, 12), (0.5, 3))
    name = "trading_app_request_duration_seconds"
    counts, sums, buckets = _Sums(world, f"{name}_count"), _Sums(world, f"{name}_sum"), _Sums(world, f"{name}_bucket")
    asked, broken = (_Sums(world, f"trading_app_{word}_total") for word in ("requests", "request_errors"))
    found, missed = _Sums(world, "trading_cache_hits_total"), _Sums(world, "trading_cache_misses_total")
    for index in range(STEPS):
        at = index * STEP
        rate = base * _season(at) * load() * crowds[index]
        rate *= _factor(world, "lost", at) * _factor(world, "flood", at)
        mean = seconds * (0.85 + 0.15 * _season(at)) * speed() * quick() * hiccups[index]
        mean *= _factor(world, "slow API", at) * _factor(world, "API that", at)
        tail = _size(world, "slow tail", at) or 0.0
        requests = _count(random, rate * STEP)
        share = _size(world, "errors of", at)
        failed = min(0.03, 0.001 * failing[index]) if share is None else share
        errors = min(requests, _count(random, requests * failed))
        route = {"app": "default", "route": "/orders"}
        asked.add(requests, **route)
        broken.add(errors, **route)
        for status, number in (("200", requests - errors), ("500", errors)):
            labels = {**route, "status": status}
            counts.add(number, **labels)
            sums.add(number * ((1 - tail) * mean + tail * 0.8), **labels)
            for bound in BUCKETS:
                buckets.add(round(number * _faster(bound, mean, tail)), **labels, le=repr(bound))
            buckets.add(number, **labels, le="+Inf")
        left = _size(world, "cold", at) or 1.0
        for tier, (usual, times) in TIERS.items():
            looked = _count(random, requests * times)
            good = min(looked, round(looked * min(0.995, usual * hits[tier]()) * left))
            found.add(good, cache=tier, tier=tier)
            missed.add(looked - good, cache=tier, tier=tier)


def _faster(bound: float, mean: float, tail: float) -> float:
    """The share of requests within a bound: log-normal around the mean, and a tail that takes 0.8 s."""
    deviation = 0.5
    middle = math.log(mean) - deviation**2 / 2
    usual = 0.5 * (1 + math.erf((math.log(bound) - middle) / (deviation * math.sqrt(2))))
    return (1 - tail) * usual + (tail if bound >= 0.8 else 0.0)


def _exchanges(world: World, random: Random) -> None:
    requests, errors = (_Sums(world, f"trading_exchange_{name}_total") for name in ("requests", "request_errors"))
    name = "trading_exchange_request_duration_seconds"
    sums, counts = _Sums(world, f"{name}_sum"), _Sums(world, f"{name}_count")
    for exchange in EXCHANGES:
        seconds, wander = random.uniform(0.04, 0.12), _wander(random, 0.15, 900)
        blips = _bursts(random, 4, (50, 300), (0.2, 0.5))
        hiccups = _bursts(random, 4, (1.5, 4), (0.5, 3))
        newest = 0.0
        for index in range(STEPS):
            at = index * STEP
            away = _size(world, "exchange away", at, exchange)
            refused = _size(world, "exchange refuses", at, exchange) or 0.0005
            for operation, number in (("fetch_time", STEP // 5), ("fetch_my_trades", 24)):
                lost = min(number, _count(random, number * (0.0005 * blips[index] if away is None else away)))
                if away is not None and away > 0.99:
                    lost = number
                limited = min(number - lost, _count(random, (number - lost) * refused))
                requests.add(number, exchange=exchange, operation=operation)
                errors.add(lost, exchange=exchange, operation=operation, error="network")
                errors.add(limited, exchange=exchange, operation=operation, error="rate_limit")
                usual = seconds * wander() * hiccups[index]
                slow = _size(world, "slow exchange", at, exchange)
                counts.add(number, exchange=exchange, operation=operation)
                sums.add(number * (usual if slow is None else slow), exchange=exchange, operation=operation)
            if _size(world, "stale", at, exchange) is None and (away is None or away < 0.9):
                newest = at - random.uniform(0, 2)
            label = _name("trading_market_data_timestamp_seconds", {"exchange": exchange, "symbol": "BTC/USDT"}.items())
            world.series.setdefault(label, []).append(newest)


def _host(world: World, random: Random) -> None:
    busy, used = _wander(random, 0.15, 1200), _wander(random, 0.04, 7200)
    backups = _bursts(random, 2, (1.3, 1.7), (5, 20))
    seconds = _Sums(world, "trading_host_cpu_seconds_total")
    total = 16e9
    for index in range(STEPS):
        at = index * STEP
        share = min(0.8, (0.15 + 0.2 * _season(at)) * busy() * backups[index])
        share = max(share, _size(world, "busy", at) or 0.0)
        seconds.add(STEP * CORES * share, mode="user")
        seconds.add(STEP * CORES * (1 - share), mode="idle")
        memory = min(0.8, 0.6 * used())
        for incident in world.incidents:
            if incident.kind.startswith("memory"):
                memory += incident.share(at) * (incident.size - memory)
        world.series.setdefault(_name("trading_host_memory_bytes", ()), []).append(total)
        world.series.setdefault(_name("trading_host_memory_available_bytes", ()), []).append(total * (1 - memory))


def _pnl(world: World, random: Random) -> None:
    """Changes with fat tails, livelier in the afternoon; a loss comes on top of what one strategy earns."""
    hour = random.uniform(20, 200)
    for strategy, weight in (("maker", 0.8), ("taker", 0.6)):
        key = _name(
            "trading_pnl_total_usd",
            {"exchange": "alpha", "account": "main", "symbol": "BTC/USDT", "strategy": strategy}.items(),
        )
        value = 0.0
        values = world.series.setdefault(key, [])
        for index in range(STEPS):
            at = index * STEP
            lively = hour * weight * (0.4 + 0.6 * _season(at)) * math.sqrt(STEP / 3600)
            value += 0.05 * hour * STEP / 3600 + lively * _student(random)
            for incident in world.incidents:
                if strategy == "maker" and incident.kind.startswith("loss") and incident.share(at):
                    value -= incident.size * hour * STEP / (incident.end - incident.begin)
            values.append(value)


def _student(random: Random) -> float:
    """Student's t with four degrees of freedom, scaled to a variance of 1."""
    square = sum(random.gauss(0, 1) ** 2 for _ in range(4))
    return random.gauss(0, 1) / math.sqrt(square / 4) / math.sqrt(2)
