"""What every committed dashboard keeps to."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.metrics import FEES, REBATES, TABLE, Family, Kind
from grafana import foreign, frame, generate, queries
from grafana.names import DATASOURCE_NAME, DATASOURCE_UID, FOLDERS, MARK, TEAMS, folder_of
from tests.grafana import promql

ROOT = Path(generate.__file__).parents[1]
MODELS: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(generate.FOLDER.rglob("*.json"))
}
MODERN = frozenset(
    {
        "timeseries",
        "stat",
        "gauge",
        "bargauge",
        "barchart",
        "table",
        "state-timeline",
        "heatmap",
        "piechart",
        "text",
        "row",
    }
)
OF_NOW = {"stat", "gauge", "bargauge", "barchart", "table", "piechart"}
MONEY = {FEES.name, REBATES.name}  # counters that are shown as they stand, because they add up with PnL gauges
WINDOWS = {"$__rate_interval", "$__range"}

PUBLIC = "public"  # without choices, links and marks
ROLES = {name: model for name, model in MODELS.items() if name != PUBLIC}

each_dashboard = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
each_for_its_roles = pytest.mark.parametrize("model", ROLES.values(), ids=ROLES)


def _panels(model: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for panel in model["panels"]:
        yield panel
        yield from panel.get("panels", [])


def _content(model: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in _panels(model) if panel["type"] != "row"]


def _targets(model: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(panel["title"], target) for panel in _content(model) for target in panel["targets"]]


def _expressions(model: dict[str, Any]) -> list[str]:
    noted = [note["expr"] for note in model["annotations"]["list"] if "expr" in note]
    return [target["expr"] for _, target in _targets(model)] + noted


def _family(name: str) -> Family | None:
    base = re.sub(r"_(bucket|sum|count)$", "", name)
    return next(
        (
            each
            for each in (*TABLE, *foreign.TABLE)
            if each.name == name or (each.name == base and each.kind is Kind.HISTOGRAM)
        ),
        None,
    )


def _recorded() -> set[str]:
    files = sorted((ROOT / "prometheus" / "rules" / "recording").glob("*.yml"))
    groups = [group for path in files for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]]
    return {rule["record"] for group in groups for rule in group["rules"]}


def test_there_is_a_dashboard_of_each_code() -> None:
    """The committed files are exactly the dashboards that the code knows."""
    assert set(MODELS) == set(generate.DASHBOARDS)


@each_dashboard
def test_frame_is_that_of_a_modern_dashboard(model: dict[str, Any]) -> None:
    """Each dashboard has a uid of at most 40 characters, is not editable, and refreshes at least every 30 s."""
    assert re.fullmatch(r"[a-z0-9-]{1,40}", model["uid"])
    assert model["schemaVersion"] >= 39
    assert (model["editable"], model["time"]["to"]) == (False, "now")
    assert model["refresh"] in {"5s", "30s"}
    assert set(model["tags"]) == {"trading", MARK}
    assert model["title"].lower() not in {folder.title.lower() for folder in FOLDERS}
    assert not {"rows", "__inputs", "id", "version"} & set(model)


@each_dashboard
def test_panel_ids_are_unique(model: dict[str, Any]) -> None:
    """No two panels of a dashboard share an id."""
    ids = [panel["id"] for panel in _panels(model)]
    assert len(ids) == len(set(ids))


@each_dashboard
def test_panels_do_not_overlap(model: dict[str, Any]) -> None:
    """No two panels share a cell of the grid, and none leaves it."""
    for one, other in combinations([panel["gridPos"] for panel in _panels(model)], 2):
        apart = (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        )
        assert apart, (one, other)
    assert all(0 <= panel["gridPos"]["x"] <= 24 - panel["gridPos"]["w"] for panel in _panels(model))


@each_dashboard
def test_panels_are_of_current_types(model: dict[str, Any]) -> None:
    """Every panel is of a type that needs no Angular and that Grafana 9.4 and later have."""
    assert {panel["type"] for panel in _panels(model)} <= MODERN


@each_dashboard
def test_panels_explain_themselves(model: dict[str, Any]) -> None:
    """Every panel has a title of its own, a description of some length, and a unit; none shows zero for no data."""
    titles = [panel["title"] for panel in _content(model)]
    assert len(titles) == len(set(titles))
    for panel in _content(model):
        assert len(panel["description"]) > 60, panel["title"]
        if panel["type"] != "text":
            defaults = panel["fieldConfig"]["defaults"]
            assert defaults["unit"], panel["title"]
            assert defaults["noValue"] == "no data", panel["title"]


@each_dashboard
def test_targets_read_the_chosen_data_source(model: dict[str, Any]) -> None:
    """Every panel and target names the data source's variable, a letter of its own, and either range or instant."""
    chosen = any(each["name"] == "datasource" for each in model["templating"]["list"])
    source = {"type": "prometheus", "uid": "${datasource}" if chosen else DATASOURCE_UID}
    for panel in _content(model):
        assert panel["datasource"] == source
        letters = [target["refId"] for target in panel["targets"]]
        assert len(set(letters)) == len(letters)
        assert all(re.fullmatch("[A-Z]", letter) for letter in letters)
    for title, target in _targets(model):
        assert target["datasource"] == source, title
        assert target["range"] is not target["instant"], title
        assert not {"step", "intervalFactor", "metric", "target", "query"} & set(target), title


@each_dashboard
def test_figures_of_this_moment_are_instant(model: dict[str, Any]) -> None:
    """Figures are instant queries, so that one from before an outage is not shown as if it were true now."""
    for panel in _content(model):
        for target in panel["targets"]:
            assert target["instant"] is (panel["type"] in OF_NOW), panel["title"]


@each_dashboard
def test_thresholds_have_one_open_start(model: dict[str, Any]) -> None:
    """Thresholds begin with null, which is a JSON null and not a word, and rise from there."""
    for panel in _content(model):
        fields = panel["fieldConfig"]
        own = [fields["defaults"]["thresholds"]] if "thresholds" in fields["defaults"] else []
        overrides = [each for override in fields["overrides"] for each in override["properties"]]
        own += [each["value"] for each in overrides if each["id"] == "thresholds"]
        for thresholds in own:
            first, *rest = [step["value"] for step in thresholds["steps"]]
            assert first is None
            assert rest == sorted(set(rest))


@each_dashboard
def test_times_are_not_rounded_to_whole_hours(model: dict[str, Any]) -> None:
    """A time has a digit behind the point: without one Grafana writes two hours for one and a half."""
    for panel in _content(model):
        fields = panel["fieldConfig"]
        overrides = [{each["id"]: each["value"] for each in own["properties"]} for own in fields["overrides"]]
        for settings in (fields["defaults"], *(fields["defaults"] | own for own in overrides)):
            assert settings.get("unit") != "s" or settings.get("decimals") != 0, panel["title"]


@each_dashboard
def test_colours_can_be_read_on_white(model: dict[str, Any]) -> None:
    """No word and no line is of a plain yellow, which a light page swallows."""
    for panel in _content(model):
        fields = panel["fieldConfig"]
        own = [each for override in fields["overrides"] for each in override["properties"]]
        words = [each for each in own if each["id"] in {"mappings", "color"}]
        told = json.dumps([fields["defaults"].get("mappings"), fields["defaults"].get("color"), words])
        assert '"yellow"' not in told, panel["title"]


@each_dashboard
def test_overrides_name_what_is_there(model: dict[str, Any]) -> None:
    """Every override by name has a series with that legend, a column of that heading, or a label's value."""
    components = {"spread", "inventory", "currency", "fees", "rebates", "funding"}
    values = {"maker", "taker", "unknown", "buy", "sell"} | components
    for panel in _content(model):
        legends = {target["legendFormat"] for target in panel["targets"]}
        renamed = [each["options"].get("renameByName", {}) for each in panel.get("transformations", [])]
        headings = {heading for names in renamed for heading in names.values()}
        for override in panel["fieldConfig"]["overrides"]:
            assert override["matcher"]["options"] in legends | headings | values, panel["title"]


@each_dashboard
def test_names_in_queries_exist(model: dict[str, Any]) -> None:
    """Every metric in a query is in the metric table, a recording rule, or Prometheus' own; labels fit it."""
    recorded = _recorded()
    for expr in _expressions(model):
        found = promql.names(expr)
        assert found.metrics, expr
        for name in found.metrics:
            assert _family(name) or name in recorded, (name, expr)
        for name, label in found.matched:
            family = _family(name)
            allowed = {*family.labels, "le"} if family else set(queries.level_of(name))
            assert label in allowed, (name, label)
        assert found.grouped <= _labels_of(found.metrics) | {"le", "instance"}, expr


def _labels_of(metrics: frozenset[str]) -> set[str]:
    found = ((family.labels if (family := _family(name)) else queries.level_of(name)) for name in metrics)
    return {label for labels in found for label in labels}


@each_dashboard
def test_counters_are_rates(model: dict[str, Any]) -> None:
    """Counters are always inside rate or increase, save money that adds up with gauges; gauges never are."""
    for expr in _expressions(model):
        for found in re.finditer(r"(\w*\(?)(trading_\w+)", expr):
            before, family = found[1], _family(found[2])
            assert family is not None
            rated = before in {"rate(", "increase("}
            expected = family.kind is not Kind.GAUGE
            assert rated is expected or (family.name in MONEY and not rated), expr


@each_dashboard
def test_windows_follow_the_dashboard(model: dict[str, Any]) -> None:
    """No query has a window of fixed length."""
    for expr in _expressions(model):
        assert promql.names(expr).windows <= WINDOWS, expr


@each_dashboard
def test_variables_filter_all_queries(model: dict[str, Any]) -> None:
    """Every selector of ours is filtered by each variable whose label it has."""
    variables = {each["name"] for each in model["templating"]["list"]} - {"datasource"}
    for expr in _expressions(model):
        for name, inside in re.findall(r"(trading_\w+)(\{[^}]*\})?", expr):
            family = _family(name)
            assert family is not None
            for label in variables & set(family.labels):
                assert f'{label}=~"${label}"' in inside, expr


@each_for_its_roles
def test_choices_are_offered(model: dict[str, Any]) -> None:
    """A role's dashboard has five variables; those of labels allow several values and begin with all."""
    source, *labels = model["templating"]["list"]
    assert (source["name"], source["type"], source["query"]) == ("datasource", "datasource", "prometheus")
    assert source["current"] == {"selected": True, "text": DATASOURCE_NAME, "value": DATASOURCE_UID}
    assert [each["name"] for each in labels] == ["exchange", "account", "symbol", "strategy"]
    for each in labels:
        assert (each["multi"], each["includeAll"], each["allValue"]) == (True, True, ".+")
        assert each["query"]["query"] == each["definition"]
        ((names, label),) = re.findall(r'^label_values\(\{__name__=~"([\w|]+)".*\}, (\w+)\)$', each["definition"])
        assert label == each["name"]
        for name in names.split("|"):
            family = _family(name)
            assert family is not None
            assert label in family.labels


@each_dashboard
def test_three_questions_are_answered_first(model: dict[str, Any]) -> None:
    """The first three panels answer the reader's three questions on the first screen of a desktop and of a phone."""
    assert model["description"].count("?") == 3
    first, others = model["panels"][:3], model["panels"][3:]
    assert {panel["type"] for panel in first} <= {"stat", "gauge", "bargauge", "state-timeline", "table"}
    assert max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in first) <= 13
    assert sum(panel["gridPos"]["h"] for panel in first) <= 13  # stacked, on a phone
    until_first_row = next(panel["gridPos"]["y"] for panel in others if panel["type"] == "row")
    assert until_first_row <= 19


@each_dashboard
def test_what_all_exporters_tell_alike_counts_once(model: dict[str, Any]) -> None:
    """Caches, incidents, machines, levels of the business and prices are not added up over exporters."""
    alike = r"(?:cache|incident|incidents|host|business_level|position_average_price\w*\{[^}]*\}\))"
    added_up = re.compile(rf"sum(?: by \((.*?)\) )?\((?:\w+\()?trading_{alike}(?!\w*_bucket)")
    for expr in _expressions(model):
        for labels in added_up.findall(expr):
            assert "instance" in labels, expr


@each_dashboard
def test_what_is_of_all_is_not_held_against_what_is_chosen(model: dict[str, Any]) -> None:
    """A figure of everything together stands in no query that the choices filter."""
    for expr in _expressions(model):
        if re.search(r"\b(system:|trading_portfolio_)", expr):
            assert '=~"$' not in expr, expr


@each_dashboard
def test_no_alerts_is_said_only_while_there_could_be_some(model: dict[str, Any]) -> None:
    """Where the watchdog stands for zero alerts, an exporter must be scraped as well: without one none can fire."""
    for expr in _expressions(model):
        _, watched, rest = expr.partition('0 * count(ALERTS{alertname="TradingWatchdog"')
        assert not watched or ' and max(up{job="trading-exporter"} == 1)' in rest, expr


@each_dashboard
def test_legends_tell_series_apart(model: dict[str, Any]) -> None:
    """A legend has every label by which its query is put together, so that no two lines have one name."""
    for panel in _content(model):
        if panel["type"] in {"table", "barchart"}:
            continue
        for target in panel["targets"]:
            grouped = re.match(r"(?:10*0 \* |60 \* |0 - |1 - )?\(?\w+ by \(([^)]*)\)", target["expr"])
            labels = set(grouped[1].split(", ")) if grouped else set()
            named = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
            assert labels - {"le"} <= named, (panel["title"], target["legendFormat"])


@pytest.mark.parametrize("reader", TEAMS)
def test_links_lead_where_the_reader_may_go(reader: str) -> None:
    """Whoever has a dashboard as home may open every dashboard that its panels lead to."""
    names = {model["uid"]: name for name, model in MODELS.items()}
    urls = [link["url"] for panel in _content(MODELS[reader]) for link in panel.get("links", ())]
    for url in urls:
        readers = folder_of(names[url.removeprefix("/d/").partition("?")[0]]).teams
        assert not readers or reader in readers, url


def test_every_family_is_shown() -> None:
    """No metric of the table is missing from the dashboards, but those that repeat the configuration."""
    shown = {name for model in MODELS.values() for expr in _expressions(model) for name in promql.names(expr).metrics}
    families = {family.name for name in shown if (family := _family(name))}
    measured = {family.name for family in TABLE if not family.name.startswith("trading_target_")}
    assert measured - families == set()


@each_for_its_roles
def test_runbook_is_the_one_of_the_alerts(model: dict[str, Any]) -> None:
    """A role's dashboard links to the page that the alerts' runbook_url names, and to the other dashboards."""
    assert frame.RUNBOOK_URL in [link["url"] for link in model["links"]]
    assert [link["tags"] for link in model["links"] if link["type"] == "dashboards"] == [["trading"]]
    files = sorted((ROOT / "prometheus" / "rules" / "alerts").glob("*.yml"))
    urls = re.findall(r"runbook_url: (\S+)", "".join(path.read_text(encoding="utf-8") for path in files))
    assert urls
    assert {url.partition("#")[0].strip("\"'") for url in urls} == {frame.RUNBOOK_URL}


def test_jobs_are_those_that_are_scraped() -> None:
    """The jobs whose ``up`` is shown are those of prometheus.yml."""
    config = yaml.safe_load((ROOT / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    shown = {foreign.EXPORTER_JOB, foreign.PROMETHEUS_JOB, foreign.ALERTMANAGER_JOB}
    assert shown == {job["job_name"] for job in config["scrape_configs"]}


@each_dashboard
def test_typed_models_of_grafana_know_every_key(model: dict[str, Any]) -> None:
    """A round trip through Grafana's own typed models of dashboards and panels loses and changes no value."""
    reason = "grafana-foundation-sdk is not installed"
    plugins = pytest.importorskip("grafana_foundation_sdk.cog.plugins", reason=reason)
    encoder = pytest.importorskip("grafana_foundation_sdk.cog.encoder", reason=reason)
    typed = pytest.importorskip("grafana_foundation_sdk.models.dashboard", reason=reason)
    plugins.register_default_plugins()
    back = json.loads(json.dumps(typed.Dashboard.from_json(model), cls=encoder.JSONEncoder))
    assert list(_lost(model, back, "dashboard")) == []


def _lost(have: Any, back: Any, path: str) -> Iterator[str]:
    if isinstance(have, dict) and isinstance(back, dict):
        for key, value in have.items():
            yield from _lost(value, back[key], f"{path}.{key}") if key in back else (f"{path}.{key}",)
    elif isinstance(have, list) and isinstance(back, list) and len(have) == len(back):
        for index, (one, other) in enumerate(zip(have, back, strict=True)):
            yield from _lost(one, other, f"{path}[{index}]")
    elif have != back:
        yield path
