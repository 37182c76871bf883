"""Caches: do they answer, how much do they save, is there room."""

from __future__ import annotations

from exporter import metrics
from exporter.metrics import Family
from grafana import queries
from grafana.layout import Section, line
from grafana.panels import LIMIT, Draw, Look, Panel, headed, stat, state_timeline, table, timeseries
from grafana.queries import Query
from grafana.sections.exchanges import UP_OR_DOWN

_RATIO = Look(unit="percentunit", low=0, high=1)
_LINES = Draw(fill=0)
_CACHE = ("cache", "tier")


def caches() -> Section:
    """Return the row on caches."""
    return Section(
        "Caches",
        (
            line(7, (1, _cache_up()), (2, _hit_ratio()), (1, _warming())),
            line(7, _hits(), _evictions(), _entries(), _cache_memory()),
        ),
    )


def now() -> Panel:
    """Return the hit ratio of each tier and of all caches."""
    ratio = queries.recorded("system:cache_hits:ratio_rate5m")
    return stat(
        "Cache hits",
        "Share of requests of five minutes that the caches could answer: of each tier (l1 in the process, l2 "
        "memcached, l3 redis), of all, and what is promised (targets.cache_hit_ratio). Below it: see Caches for "
        "evictions, and for a cache that was started anew.",
        Query(queries.recorded("tier:cache_hits:ratio_rate5m"), "{{tier}}"),
        Query(queries.or_unknown(ratio), "all"),
        Query(queries.or_unknown(_promised("promised")), "promised"),
        look=Look(unit="percentunit", decimals=1),
    )


def _promised(severity: str) -> str:
    return queries.gauge(metrics.TARGET_CACHE_HITS, how="max", severity=severity)


def _cache_up() -> Panel:
    return state_timeline(
        "Cache servers",
        "Whether each cache server answers. Down: the exporter's /health says why; what it caches is slow now.",
        Query(queries.gauge(metrics.CACHE_UP, _CACHE, how="max"), "{{cache}} {{tier}}"),
        look=UP_OR_DOWN,
    )


def _hit_ratio() -> Panel:
    return timeseries(
        "Hit ratio by tier",
        "Share of requests of five minutes that the caches of a tier could answer, and of all tiers; the dashed lines "
        "are what is promised and what warns. Low: too little room (see evictions), or keys that never come twice.",
        Query(queries.recorded("tier:cache_hits:ratio_rate5m"), "{{tier}}"),
        Query(queries.recorded("system:cache_hits:ratio_rate5m"), "all"),
        Query(_promised("promised"), "promised"),
        Query(_promised("warning"), "warning"),
        look=_RATIO,
        draw=_LINES,
        series={"all": Look(color="text"), "promised": LIMIT, "warning": Look(color="red", dashed=True)},
    )


def _warming() -> Panel:
    panel = table(
        "Warming",
        "Share of the entries warmed since each cache began that were asked for, and how many were warmed and first "
        "asked for in the chosen time range. A low share: the wrong entries are warmed, or they go before they are "
        "asked for; see evictions.",
        {
            "Asked for": Query(_warmed()),
            "Warmed": Query(_once("increase", metrics.CACHE_WARMED_ENTRIES, queries.RANGE)),
            "First asked": Query(_once("increase", metrics.CACHE_WARMED_HITS, queries.RANGE)),
        },
        look=Look(unit="short", decimals=0),
        series={"Asked for": Look(unit="percentunit", decimals=0)},
    )
    return headed(panel, {"cache": "Cache", "tier": "Tier"})


def _warmed() -> str:
    hits, entries = (queries.recorded(f"cache_tier:cache_warmed_{what}:max") for what in ("hits", "entries"))
    return queries.share(hits, entries)


def _once(function: str, family: Family, window: str = queries.RATE_INTERVAL) -> str:
    """Return what is new in a counter of each cache; one that several exporters ask counts once."""
    return f"max by ({', '.join(_CACHE)}) ({function}({queries.select(family)}[{window}]))"


def _hits() -> Panel:
    return timeseries(
        "Cache requests",
        "Hits and misses a second. Misses that climb with evictions beside them: the cache is too small. Misses that "
        "climb alone: new keys are asked for, or what was cached has run out.",
        Query(_once("rate", metrics.CACHE_HITS), "{{cache}} {{tier}} hits"),
        Query(_once("rate", metrics.CACHE_MISSES), "{{cache}} {{tier}} misses"),
        look=Look(unit="suffix:/s", low=0),
        draw=_LINES,
    )


def _evictions() -> Panel:
    return timeseries(
        "Evictions",
        "Entries a second that had to go for want of room. None is best; steady ones in a cache with few hits: give it "
        "more memory, or keep less in it.",
        Query(_once("rate", metrics.CACHE_EVICTIONS), "{{cache}} {{tier}}"),
        look=Look(unit="suffix:/s", low=0),
        draw=_LINES,
    )


def _entries() -> Panel:
    return timeseries(
        "Cache entries",
        "Entries in each cache. A fall to nothing: it was started anew or flushed, and has to be warmed.",
        Query(queries.gauge(metrics.CACHE_ENTRIES, _CACHE, how="max"), "{{cache}} {{tier}}"),
        look=Look(unit="short", decimals=0, low=0),
        draw=_LINES,
    )


def _cache_memory() -> Panel:
    return timeseries(
        "Cache memory",
        "Memory that each cache uses, and its limit where it has one. At the limit entries have to go.",
        Query(queries.gauge(metrics.CACHE_MEMORY, _CACHE, how="max"), "{{cache}} {{tier}}"),
        Query(queries.gauge(metrics.CACHE_MEMORY_LIMIT, _CACHE, how="max"), "{{cache}} {{tier}} limit"),
        look=Look(unit="bytes", low=0),
        draw=_LINES,
    )
