"""What the dashboards have around their panels: choices, links to each other, marks of alerts and deployments."""

from __future__ import annotations

from collections.abc import Sequence

from exporter import metrics
from grafana import foreign, layout, panels, queries
from grafana.layout import Section
from grafana.names import TAG
from grafana.panels import Frame, Json, Panel

RUNBOOK_URL = "https://github.com/trading-exporter/trading-exporter/blob/main/docs/runbook.md"
FIRING = queries.everywhere(foreign.ALERTS, alertname="=~Trading.+", alertstate="firing")
URGENT = queries.applying(foreign.ALERTS, alertname="=~Trading.+", alertstate="firing", severity="=~critical|warning")
WATCHDOG = queries.everywhere(foreign.ALERTS, alertname="TradingWatchdog", alertstate="firing")
SCRAPED = f"max({queries.everywhere(foreign.UP, job=foreign.EXPORTER_JOB)} == 1)"


def counted(alerts: str) -> str:
    """Return how many of the alerts there are.

    None is zero only while the watchdog shows that rules are evaluated, and an exporter is there for them to read.
    """
    return f"count({alerts}) or 0 * count({WATCHDOG}) and {SCRAPED}"


def uid_of(name: str) -> str:
    """Return the uid of a role's dashboard, which never changes: others link to it."""
    return f"trading-{name}"


def explained(panel: Panel, name: str) -> Panel:
    """Return a summary with a link to the dashboard that explains it, over the same time and for the same choices."""
    return panels.leading(panel, name.capitalize(), f"/d/{uid_of(name)}?${{__url_time_range}}&${{__all_variables}}")


Questions = tuple[str, str, str]


def dashboard(
    name: str, questions: Questions, sections: Sequence[Section], *, refresh: str = "5s", span: str = "1h"
) -> Json:
    """Return the dashboard of a role; its first three panels answer the three ``questions`` of its reader."""
    frame = Frame(uid_of(name), name.capitalize(), " ".join(questions), refresh, span)
    extras = {
        "variables": variables(),
        "links": [
            panels.tag_links("Dashboards", TAG),
            panels.span_link("Last week", frame.uid, "7d", "The same over the last seven days"),
            panels.link("Runbook", RUNBOOK_URL, "What each alert means and what to do"),
        ],
        "annotations": marks(),
    }
    return panels.dashboard(frame, layout.arrange(sections), extras)


def public(name: str, questions: Questions, sections: Sequence[Section], *, refresh: str, span: str) -> Json:
    """Return a dashboard for everybody: no choices, no links, no marks, the data source fixed."""
    frame = Frame(uid_of(name), name.capitalize(), " ".join(questions), refresh, span)
    return panels.with_fixed_source(panels.dashboard(frame, layout.arrange(sections), {}))


def variables() -> list[Json]:
    """Return the choices at the top: data source, exchange, account, symbol, strategy."""
    of_exchange = {"exchange": "=~$exchange"}
    markets = (metrics.MARKET_DATA_TIMESTAMP, metrics.POSITION_BASE)  # some are known through a bot alone
    values = {
        "exchange": queries.label_values((metrics.EXCHANGE_UP, metrics.POSITION_BASE), "exchange"),
        "account": queries.label_values((metrics.POSITION_BASE,), "account", **of_exchange),
        "symbol": queries.label_values(markets, "symbol", **of_exchange),
        "strategy": queries.label_values((metrics.POSITION_BASE,), "strategy", **of_exchange),
    }
    labels = [panels.label_variable(name, name.capitalize(), query) for name, query in values.items()]
    return [panels.data_source_variable(), *labels]


def marks() -> list[Json]:
    """Return the marks in every chart: alerts that fire, deployments that were told, starts of the exporter."""
    told = queries.select(metrics.BUSINESS_LEVEL, name="deployment")
    started = queries.select(foreign.PROCESS_START, job=foreign.EXPORTER_JOB)
    return [
        panels.alert_annotation(URGENT),
        panels.time_annotation("Deployments", f"1000 * {told}", "Deployment"),
        panels.time_annotation("Exporter", f"1000 * {started}", "The exporter started"),
    ]
