"""Panels that put the answers of several queries into one table, by the labels that they share."""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import replace

from grafana.panels.looks import NO_SERIES, Json, Look, SeriesLooks, color_of, fields_of, legend_of, words_of
from grafana.panels.panel import Panel, targets_of
from grafana.queries import Query

_HEADED = ("exchange", "account", "symbol", "strategy", "currency", "bot", "alertname", "severity", "reason")


def table(
    title: str,
    description: str,
    columns: Mapping[str, Query],
    *,
    look: Look,
    series: SeriesLooks = NO_SERIES,
) -> Panel:
    """Return a table: a row for each label set, a column for each label and each of ``columns``.

    The keys of ``columns`` are the headings; labels are headed by their own name, capitalised. Rows are
    sorted by the first of ``columns``, greatest first.
    """
    custom = {"align": "auto", "cellOptions": {"type": "auto"}, "displayMode": "auto"}
    options = {"showHeader": True, "sortBy": [{"displayName": next(iter(columns)), "desc": True}]}
    targets = targets_of(tuple(columns.values()), instant=True, shape="table")
    fields = fields_of(look, series, custom=custom)
    return Panel("table", title, description, targets, fields, options, _merged(tuple(columns)))


def headed(panel: Panel, headings: Mapping[str, str]) -> Panel:
    """Return the table with these headings of its labels; one whose heading is empty is left out."""
    *before, last = panel.transformations
    organize = last["options"]
    left_out = dict.fromkeys((label for label, heading in headings.items() if not heading), True)
    options = {
        "excludeByName": organize["excludeByName"] | left_out,
        "renameByName": organize["renameByName"] | {label: text for label, text in headings.items() if text},
    }
    return replace(panel, transformations=(*before, last | {"options": options}))


def barchart(
    title: str,
    description: str,
    columns: Mapping[str, Query],
    *,
    look: Look,
    series: SeriesLooks = NO_SERIES,
) -> Panel:
    """Return groups of upright bars, a bar for each of ``columns`` but the first.

    The key of that one is a label, each of whose values has a group; the groups stand in its order, the least first.
    """
    options = {
        "xField": next(iter(columns)),
        "orientation": "auto",
        "showValue": "auto",
        "stacking": "none",
        "legend": legend_of(shown=True),
        "tooltip": {"mode": "single", "sort": "none"},
        "groupWidth": 0.7,
        "barWidth": 0.97,
    }
    targets = targets_of(tuple(columns.values()), instant=True, shape="table")
    fields = fields_of(look, series, color=color_of(look) or {"mode": "palette-classic"}, mappings=words_of(look))
    return Panel("barchart", title, description, targets, fields, options, _ordered(tuple(columns)))


def _merged(headings: tuple[str, ...]) -> tuple[Json, ...]:
    """Join the queries' answers by their labels and head the columns; one query's value has no letter."""
    values = ["Value"] if len(headings) == 1 else [f"Value #{letter}" for letter in string.ascii_uppercase]
    labels = {name: name.capitalize() for name in _HEADED}
    renamed = labels | dict(zip(values, headings, strict=False))
    organize = {"excludeByName": {"Time": True}, "renameByName": renamed}
    joined: tuple[Json, ...] = ({"id": "merge", "options": {}},) if len(headings) > 1 else ()
    return (*joined, {"id": "organize", "options": organize})


def _ordered(headings: tuple[str, ...]) -> tuple[Json, ...]:
    """Join the queries' answers by their labels in the order of the first, which is left out then."""
    values = [f"Value #{letter}" for letter in string.ascii_uppercase]
    organize = {
        "excludeByName": {"Time": True, values[0]: True},
        "renameByName": dict(zip(values[1:], headings[1:], strict=False)),
    }
    return (
        {"id": "merge", "options": {}},
        {"id": "sortBy", "options": {"fields": {}, "sort": [{"field": values[0]}]}},
        {"id": "organize", "options": organize},
    )
