"""Panels come out in the shapes that current Grafana writes itself."""

from __future__ import annotations

from grafana import panels
from grafana.panels import Draw, Look, Panel, Place
from grafana.queries import Query


def _json(panel: Panel) -> panels.Json:
    return panels.place(panel, 7, Place(1, 2, 3, 4))


def test_panel_has_no_key_that_is_not_set() -> None:
    """A panel has its id, place and content, and none of the empty keys that grafanalib adds."""
    made = _json(panels.text("Words", "Why.", "**Hello**"))
    assert made == {
        "id": 7,
        "type": "text",
        "title": "Words",
        "description": "Why.",
        "datasource": {"type": "prometheus", "uid": "${datasource}"},
        "targets": [],
        "fieldConfig": {"defaults": {}, "overrides": []},
        "options": {"mode": "markdown", "content": "**Hello**"},
        "gridPos": {"x": 1, "y": 2, "w": 3, "h": 4},
    }


def test_target_has_the_keys_of_a_prometheus_query() -> None:
    """A target has a letter, its data source, expression, legend, format and one of range and instant."""
    made = _json(panels.timeseries("Lines", "Why.", Query("up", "a"), Query("down"), look=Look()))
    source = {"type": "prometheus", "uid": "${datasource}"}
    common = {"datasource": source, "format": "time_series", "editorMode": "code", "range": True, "instant": False}
    assert made["targets"] == [
        common | {"refId": "A", "expr": "up", "legendFormat": "a"},
        common | {"refId": "B", "expr": "down", "legendFormat": "__auto"},
    ]


def test_first_threshold_is_null() -> None:
    """Thresholds keep their order and numbers, and the first has a null, from minus infinity."""
    steps = ((None, "green"), (0, "yellow"), (0.9, "red"))
    made = _json(panels.gauge("Dial", "Why.", Query("up"), look=Look(steps=steps, low=0, high=1)))
    defaults = made["fieldConfig"]["defaults"]
    assert defaults["thresholds"]["steps"] == [
        {"color": "green", "value": None},
        {"color": "yellow", "value": 0},
        {"color": "red", "value": 0.9},
    ]
    assert (defaults["min"], defaults["max"]) == (0, 1)


def test_missing_value_gets_words_and_a_colour_of_its_own() -> None:
    """A figure without a value reads "no data" in orange, whatever colour a small value would have."""
    made = _json(panels.stat("Up", "Why.", Query("up"), look=Look(words={"1": ("up", "green")})))
    words, unknown = made["fieldConfig"]["defaults"]["mappings"]
    assert words == {"type": "value", "options": {"1": {"text": "up", "color": "green", "index": 0}}}
    assert unknown["options"] == {"match": "null+nan", "result": {"text": "no data", "color": "orange", "index": 1}}


def test_series_look_overrides_only_what_it_says() -> None:
    """A series' own look becomes an override by name with nothing in it that equals a plain look."""
    limit = {"limit": panels.LIMIT, "cost": Look(unit="currencyUSD", decimals=2)}
    made = _json(panels.timeseries("Lines", "Why.", Query("up"), look=Look(unit="s"), series=limit))
    dashed, cost = made["fieldConfig"]["overrides"]
    assert dashed["matcher"] == {"id": "byName", "options": "limit"}
    assert dashed["properties"] == [
        {"id": "color", "value": {"mode": "fixed", "fixedColor": "orange"}},
        {"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [6, 6]}},
        {"id": "custom.fillOpacity", "value": 0},
    ]
    assert cost["properties"] == [{"id": "unit", "value": "currencyUSD"}, {"id": "decimals", "value": 2}]


def test_a_count_among_shares_is_written_as_one() -> None:
    """A series that says that it has no unit does not take its panel's, which would make 100 % of one."""
    looks = {"Exceeded": Look(unit="none", decimals=0), "Fullest": Look(decimals=2)}
    made = _json(panels.stat("Limits", "Why.", Query("up"), look=Look(unit="percentunit"), series=looks))
    exceeded, fullest = made["fieldConfig"]["overrides"]
    assert exceeded["properties"] == [{"id": "unit", "value": "none"}, {"id": "decimals", "value": 0}]
    assert fullest["properties"] == [{"id": "decimals", "value": 2}]
    assert _json(panels.stat("Up", "Why.", Query("up"), look=Look()))["fieldConfig"]["defaults"]["unit"] == "none"


def test_band_is_filled_between_its_edges() -> None:
    """The upper edge of a band is filled down to the lower one, and both are thin lines."""
    edges = {"to": Look(thin=True, fill_to="from"), "from": Look(thin=True)}
    made = _json(
        panels.timeseries("Band", "Why.", Query("high", "to"), Query("low", "from"), look=Look(), series=edges)
    )
    upper, lower = made["fieldConfig"]["overrides"]
    assert upper["properties"] == [
        {"id": "custom.lineWidth", "value": 1},
        {"id": "custom.fillOpacity", "value": 15},
        {"id": "custom.fillBelowTo", "value": "from"},
    ]
    assert lower["properties"] == [{"id": "custom.lineWidth", "value": 1}, {"id": "custom.fillOpacity", "value": 0}]


def test_charts_have_no_more_points_than_are_seen() -> None:
    """A chart has a least step, a coarse one a longer one, and a figure of now has none."""
    chart = panels.timeseries("Lines", "Why.", Query("up"), look=Look())
    assert _json(chart)["interval"] == panels.STEP
    assert _json(panels.coarse(chart))["interval"] == panels.LONG_STEP
    assert "interval" not in _json(panels.stat("Up", "Why.", Query("up"), look=Look()))


def test_table_joins_its_queries() -> None:
    """A table of two queries merges them by label and heads their values; of one, it only heads them."""
    two = _json(panels.table("T", "Why.", {"Size": Query("a"), "Cost": Query("b")}, look=Look()))
    one = _json(panels.table("T", "Why.", {"Size": Query("a")}, look=Look()))
    assert [each["id"] for each in two["transformations"]] == ["merge", "organize"]
    assert [each["id"] for each in one["transformations"]] == ["organize"]
    names = two["transformations"][1]["options"]["renameByName"]
    assert (names["Value #A"], names["Value #B"], names["symbol"]) == ("Size", "Cost", "Symbol")
    assert one["transformations"][0]["options"]["renameByName"]["Value"] == "Size"
    assert {target["format"] for target in two["targets"]} == {"table"}


def test_groups_of_bars_stand_in_the_order_of_the_first_query() -> None:
    """A bar chart joins its queries, sorts by the first, leaves that out, and heads the others."""
    made = _json(panels.barchart("B", "Why.", {"horizon": Query("a"), "Gain": Query("b")}, look=Look(unit="s")))
    merged, ordered, organized = made["transformations"]
    assert (merged["id"], made["options"]["xField"]) == ("merge", "horizon")
    assert (ordered["id"], ordered["options"]["sort"]) == ("sortBy", [{"field": "Value #A"}])
    assert organized["options"]["excludeByName"] == {"Time": True, "Value #A": True}
    assert organized["options"]["renameByName"] == {"Value #B": "Gain"}
    assert {(target["format"], target["instant"]) for target in made["targets"]} == {("table", True)}


def test_table_is_headed_as_asked_and_leaves_labels_out() -> None:
    """A label of a table gets the heading that is given, and without one it has no column."""
    plain = panels.table("T", "Why.", {"Size": Query("a"), "Cost": Query("b")}, look=Look())
    made = _json(panels.headed(plain, {"resource": "Resource", "instance": ""}))
    merge, organize = made["transformations"]
    assert merge["id"] == "merge"
    assert organize["options"]["excludeByName"] == {"Time": True, "instance": True}
    assert organize["options"]["renameByName"].items() >= {"resource": "Resource", "Value #A": "Size"}.items()


def test_cells_that_open_something_are_links() -> None:
    """A column whose look has an address links each of its cells to it, in a window of its own."""
    series = {"Alert": Look(opens="https://example.com/#${__value.text}")}
    made = _json(panels.table("T", "Why.", {"For": Query("a")}, look=Look(), series=series))
    ((found,),) = [each["properties"] for each in made["fieldConfig"]["overrides"]]
    assert found["id"] == "links"
    (link,) = found["value"]
    assert (link["url"], link["targetBlank"]) == ("https://example.com/#${__value.text}", True)


def test_cards_are_filled_with_the_colour_of_their_value() -> None:
    """A filled stat differs from a plain one in where its colour is, and in nothing else."""
    plain = panels.stat("Up", "Why.", Query("up"), look=Look())
    made, before = _json(panels.filled(plain)), _json(plain)
    assert (before["options"]["colorMode"], made["options"]["colorMode"]) == ("value", "background")
    assert made | {"options": {}} == before | {"options": {}}


def test_bars_stack_and_lines_take_the_colour_of_their_value() -> None:
    """Drawing settings become the field settings of lines and bars."""
    bars = _json(panels.timeseries("B", "Why.", Query("a"), look=Look(), draw=Draw(bars=True, stacked=True)))
    line = _json(panels.timeseries("L", "Why.", Query("a"), look=Look(), draw=Draw(by_value=True, legend=False)))
    custom = bars["fieldConfig"]["defaults"]["custom"]
    assert (custom["drawStyle"], custom["stacking"]["mode"]) == ("bars", "normal")
    defaults = line["fieldConfig"]["defaults"]
    assert (defaults["color"], defaults["custom"]["gradientMode"]) == ({"mode": "thresholds"}, "scheme")
    assert line["options"]["legend"]["showLegend"] is False
