"""Library panels and alert rules, which only other people have here."""

from __future__ import annotations

from tests.grafana.standin.state import Grafana, Reply, Request, Route


def _library(grafana: Grafana, _: Request) -> Reply:
    return 200, {"result": {"totalCount": len(grafana.library), "elements": grafana.library, "page": 1}}


def _rules(grafana: Grafana, _: Request) -> Reply:
    return 200, {"some folder": [{"name": "group", "rules": [{"grafana_alert": rule} for rule in grafana.rules]}]}


ROUTES: tuple[Route, ...] = (
    ("GET", r"/api/library-elements", "library.panels:read", _library),
    ("GET", r"/api/ruler/grafana/api/v1/rules", "alert.rules:read", _rules),
)
