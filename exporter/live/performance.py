"""From sums to figures, each with the reason why it is not known where that is so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from exporter.live.answer import Answer, moment
from exporter.live.figures import Figures
from exporter.live.pnl import TotalPnl
from exporter.live.window import Window
from exporter.state.state import State

_EARLY = "it takes two looks, a second apart"
_UNTOLD = "nobody reports {}; optional, docs/signals.md says how"
_TIERS = ("l1", "l2", "l3")

_Values = dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Windows:
    """The last minute, five minutes, and hour, or what there is of them."""

    minute: Window
    five: Window
    hour: Window


@dataclass(frozen=True, slots=True)
class Given:
    """What is known elsewhere: PnL, and the volume of 24 h in USD with the reason where that is not known."""

    pnl: TotalPnl
    volume: float | None
    why_no_volume: str


def figures(state: State, windows: Windows, given: Given) -> tuple[Figures, dict[str, str]]:
    """What is known now, and why the rest is not."""
    measuring = _Measuring(state, windows)
    answer = measuring.answer
    values: dict[str, Any] = {
        **measuring.requests(),
        **measuring.caches(),
        **measuring.exchanges(),
        **measuring.host(),
        **measuring.business(),
        **measuring.spreads(),
        "pnl_usd": answer.figure("pnl_usd", given.pnl.usd, given.pnl.why),
        "trading_volume_usd": answer.figure("trading_volume_usd", given.volume, given.why_no_volume),
    }
    return Figures(**values, timestamp=moment(state.clock())), answer.missing


class _Measuring:
    """The figures of one moment."""

    def __init__(self, state: State, windows: Windows) -> None:
        self.answer = Answer()
        self._state = state
        self._signals = state.signals
        self._minute, self._five, self._hour = windows.minute, windows.five, windows.hour

    def requests(self) -> _Values:
        """To the own API."""
        window, told = self._minute, bool(self._signals.requests)
        why = self._why("no request in the last minute" if told else _UNTOLD.format("requests"))
        values = {"avg_response_time_ms": (window.ratio(("seconds",), ("requests",)), 1000)}
        for percent in (50, 95, 99):
            value = window.quantile(percent / 100, self._signals.answered.bounds)
            values[f"p{percent}_response_time_ms"] = (value, 1000)
        values["requests_per_second"] = (window.rate("requests") if told else None, 1)
        values["error_rate_percent"] = (window.ratio(("failures",), ("requests",)), 100)
        return {place: self.answer.figure(place, value, why, factor) for place, (value, factor) in values.items()}

    def caches(self) -> _Values:
        """By tier and together, and what warming is worth."""
        known = {tier for _, tier in self._signals.caches}
        wanted = {f"{tier}_hit_rate_percent": {tier} for tier in _TIERS} | {"overall_cache_hit_rate": known}
        found = {}
        for place, tiers in wanted.items():
            is_known = known & tiers
            why = "not asked anything in the last minute" if is_known else _UNTOLD.format("of such a cache")
            found[place] = self.answer.figure(place, self._hit_ratio(tiers), self._why(why), 100)
        place = "cache_warming_effectiveness"
        why = self._why(_UNTOLD.format("both warmed_entries and warmed_hits"))
        return found | {place: self.answer.figure(place, self._warming(), why, 100)}

    def exchanges(self) -> dict[str, _Values]:
        """How each answers."""
        window, why = self._five, self._why("no request in the last five minutes")
        found: dict[str, _Values] = {name: {} for name in _OF_EXCHANGE}
        for name in self._state.exchanges:
            requests = ("exchange_requests", name)
            values = (
                (window.ratio(("exchange_seconds", name), requests), 1000),
                (window.ratio(("exchange_errors", name), requests), 100),
                (self._available(name), 100),
            )
            for of, (value, factor) in zip(_OF_EXCHANGE, values, strict=True):
                found[of][name] = self.answer.figure(f"{of}.{name}", value, why, factor)
        return found

    def host(self) -> _Values:
        """The exporter's machine."""
        host, window = self._state.host, self._minute
        why = "the system does not tell" if self._state.config.host.enabled else "host.enabled is false"
        used = None
        if host.memory_bytes and host.memory_available_bytes is not None:
            used = 1 - host.memory_available_bytes / host.memory_bytes
        values = {
            "cpu_usage_percent": (window.ratio(("cpu_busy",), ("cpu",)), 100),
            "memory_usage_percent": (used, 100),
            "disk_io_ops_per_sec": (window.rate("disk"), 1),
            "network_throughput_mbps": (window.rate("network"), 8e-6),
        }
        why = self._why(why)
        return {place: self.answer.figure(place, value, why, factor) for place, (value, factor) in values.items()}

    def business(self) -> _Values:
        """What the user's own systems tell of it."""
        calls = self._minute.rate("api_calls")
        if calls is None and self._signals.requests:
            calls = self._minute.rate("requests")
        values = {
            "active_users": (self._signals.levels.get("active_users"), 1, "active_users"),
            "api_calls_per_minute": (calls, 60, "api_calls, nor requests"),
            "revenue_per_hour": (self._hour.rate("revenue_usd"), 3600, "revenue_usd"),
        }
        return {
            place: self.answer.figure(place, value, self._why(_UNTOLD.format(name)), factor)
            for place, (value, factor, name) in values.items()
        }

    def spreads(self) -> _Values:
        """The market's and our own."""
        window, chosen = self._minute, "quoted" if self._state.quality.quotes else "all"
        market = window.ratio(("market", chosen), ("observed", chosen))
        own = window.ratio(("quote",), ("two_sided",))
        unwatched = self._why("no market was watched in the last minute")
        unquoted = self._why("no quote with both sides is known of the last minute")
        return {
            "market_spread_bps": self.answer.figure("market_spread_bps", market, unwatched, 10_000),
            "quote_spread_bps": self.answer.figure("quote_spread_bps", own, unquoted, 10_000),
        }

    def _why(self, why: str) -> str:
        return why if self._minute.seconds else _EARLY

    def _hit_ratio(self, tiers: set[str]) -> float | None:
        hits = sum(self._minute.increase("hits", tier) or 0.0 for tier in tiers)
        misses = sum(self._minute.increase("misses", tier) or 0.0 for tier in tiers)
        return hits / (hits + misses) if hits + misses else None

    def _warming(self) -> float | None:
        sums = self._minute.new.sums
        entries = sums.get(("warmed_entries",))
        return sums["warmed_hits",] / entries if entries else None

    def _available(self, name: str) -> float | None:
        """Of all requests and of probes alone the lower share: many good ones before an outage must not hide it."""
        lost = (
            self._five.ratio(("exchange_lost", name), ("exchange_requests", name)),
            self._five.ratio(("probes_lost", name), ("probes", name)),
        )
        known = [share for share in lost if share is not None]
        return 1 - max(known) if known else None


_OF_EXCHANGE = ("exchange_response_times", "exchange_error_rates", "exchange_availability")
