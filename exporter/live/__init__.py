"""What the pages and the HTTP API show: measured by the exporter itself, judged by Prometheus and Alertmanager.

sums, window, figures, performance   two looks at what is counted → figures of the time between
ring                                 what these were, for an hour
scores                               how steadily each part of the exporter works
upstream, recorded, alerts           what Prometheus and Alertmanager say
answer                               values on their way into an answer, and why some are missing
exchanges, capacity,
summary, operations                  the answers
view                                 the same for the stream `metrics`
targets                              what figures are held against, as configured
public, published                    what strangers may see, and how it leaves
"""

from __future__ import annotations

from functools import partial
from typing import Any

from exporter.live import alerts as of_alerts
from exporter.live import exchanges as of_exchanges
from exporter.live import recorded
from exporter.live.answer import Facts, moment
from exporter.live.operations import OperationsOverview, operations_overview
from exporter.live.public import Asking, Public
from exporter.live.published import PublicView, Published
from exporter.live.ring import Ring
from exporter.live.summary import ExecutiveSummary, executive_summary
from exporter.live.targets import Targets, targets
from exporter.live.upstream import Link
from exporter.live.view import MetricsView
from exporter.state.state import OWN, State
from exporter.stream.views import View
from exporter.supervision import Makers, Runner

__all__ = ["Live"]

_VOLUME = "system:fill_volume_usd:increase1d"
_PUBLIC = "prometheus/public"


class Live:
    """All of it over one state; nothing here waits for anybody."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._prometheus = Link("prometheus", state, recorded.ask)
        self._alertmanager = Link("alertmanager", state, of_alerts.ask)
        self._public = Link(_PUBLIC, state, Asking(state.clock).ask) if state.config.pages.public else None
        self.published = Published(self._newest_public)
        self.ring = Ring(state, self._volume)

    def parts(self) -> Makers:
        """What has to run, by name of the component."""
        found: Makers = {f"{OWN}/ring": lambda: self.ring}
        links: dict[str, Link[Any]] = {"prometheus": self._prometheus, "alertmanager": self._alertmanager}
        if self._public is not None:
            links[_PUBLIC] = self._public
        for name, link in links.items():
            if link.server is not None:
                found[f"{OWN}/upstream/{name}"] = partial(_itself, link)
        return found

    def views(self) -> dict[str, View]:
        """The tables of its streams."""
        views: dict[str, View] = {"metrics": MetricsView(self.ring, self._facts)}
        if self._public is not None:
            views["public"] = PublicView(self.published)
        return views

    def targets(self) -> Targets:
        """What figures are held against."""
        return targets(self._state.config)

    def executive_summary(self) -> ExecutiveSummary:
        """What the system is worth."""
        return executive_summary(self._state, self.ring, self._facts())

    def operations_overview(self, minutes: int) -> OperationsOverview:
        """How well it works, with trends over so many minutes."""
        return operations_overview(self._state, self.ring, self._facts(), self._firing(), minutes)

    def exchanges(self) -> of_exchanges.Exchanges:
        """How each exchange is."""
        facts = self._facts()
        found = of_exchanges.health(facts, self.ring, "")
        fields = {name: getattr(found, name) for name in found.__struct_fields__}
        return of_exchanges.Exchanges(**fields, timestamp=moment(self._state.clock()), missing=facts.missing)

    def alerts(self) -> of_alerts.Alerts:
        """What fires."""
        return of_alerts.alerts(self._state, self._firing())

    def _newest_public(self) -> Public | None:
        return None if self._public is None else self._public.value

    def _facts(self) -> Facts:
        return Facts(self._prometheus.value, self._prometheus.why)

    def _firing(self) -> of_alerts.Firing:
        link = self._alertmanager
        return of_alerts.firing(self._state, link.value, link.why, self._prometheus.value)

    def _volume(self) -> tuple[float | None, str]:
        facts = self._facts()
        return facts.recorded.one(_VOLUME), facts.why(_VOLUME)


def _itself(runner: Runner) -> Runner:
    return runner
