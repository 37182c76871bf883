"""The stream `metrics`: what was measured, how the system is, and how each exchange is."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from exporter.live import exchanges
from exporter.live.answer import Facts
from exporter.live.operations import OVERALL
from exporter.live.ring import Ring
from exporter.stream.table import Labels, Table

_ITEMS = 1_000

_encode = msgspec.json.encode


class MetricsView:
    """The things ``performance`` and ``system``, and one ``exchange`` for each."""

    def __init__(self, ring: Ring, facts: Callable[[], Facts]) -> None:
        self.table = Table(_ITEMS)
        self._ring = ring
        self._facts = facts
        self._seen = 0
        self._told: set[str] = set()  # exchanges

    def refresh(self) -> Iterator[None]:
        """What the ring measured last, one thing a step."""
        if self._seen == self._ring.number:
            return
        self._seen = self._ring.number
        facts = self._facts()
        self.table.put("performance", Labels(), b'{"name":"performance",' + self._ring.text[1:])
        yield
        self.table.put("system", Labels(), _encode(_system(facts, self._ring)))
        yield
        self._told.update(exchanges.names(facts, self._ring))
        for name in sorted(self._told):  # those that nobody tells of any more have nothing but nulls
            told = _exchange(self._facts(), self._ring, name)
            self.table.put(("exchange", name), Labels(exchange=name), _encode(told))
            yield

    def look_again(self) -> None:
        """Also at what was measured already."""
        self._seen = 0


def _system(facts: Facts, ring: Ring) -> dict[str, object]:
    return {
        "name": "system",
        "overall_health": facts.word("overall_health", "system:health:state", OVERALL),
        "health_score": facts.one("health_score", "system:health:score"),
        "exporter_score": ring.scores.overall(),
        "missing": facts.missing,
    }


def _exchange(facts: Facts, ring: Ring, name: str) -> dict[str, object]:
    found = exchanges.detail(facts, ring, name, "")
    told: dict[str, object] = {
        "name": "exchange",
        "exchange": name,
        "status": found.status,
        "response_time_ms": found.response_time_ms,
        "error_rate_percent": found.error_rate_percent,
        "availability_percent": found.availability_percent,
    }
    return told | {"missing": {place: why for place, why in facts.missing.items() if place in told}}
