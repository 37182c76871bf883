"""How values are written and coloured, as field settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
NO_DATA = "no data"


@dataclass(frozen=True, slots=True)
class Look:
    """How a panel's values, or those of one series or column, are written and coloured.

    Without a ``unit`` a panel's are plain numbers, and those of one series or column are like the others of the panel.
    ``steps`` are thresholds as (from, colour), the first one from minus infinity (``None``). ``words``
    replace single values by a text in a colour. ``color`` is a fixed colour; without it stats, gauges and
    state timelines are coloured by ``steps`` and lines by the palette. ``dashed`` is for limits among lines,
    ``tinted`` for columns of a table whose text takes the value's colour, ``opens`` for those whose cells are
    links: its address, in which ``${__value.text}`` stands for what the cell says. ``thin`` lines are the edges of a
    band; the upper one names in ``fill_to`` the legend of the lower one.
    """

    unit: str = ""
    decimals: int | None = None
    steps: Sequence[tuple[float | None, str]] = ((None, "text"),)
    words: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    color: str = ""
    low: float | None = None
    high: float | None = None
    dashed: bool = False
    tinted: bool = False
    opens: str = ""
    thin: bool = False
    fill_to: str = ""


@dataclass(frozen=True, slots=True)
class Draw:
    """How a time series panel draws: as lines or bars, ``stacked`` or not, ``fill`` from 0 to 100.

    ``by_value`` colours each line by the thresholds it passes instead of by series.
    """

    bars: bool = False
    stacked: bool = False
    fill: int = 6
    by_value: bool = False
    legend: bool = True


SeriesLooks = Mapping[str, Look]
NO_SERIES: SeriesLooks = {}
LINES = Draw()
LIMIT = Look(color="orange", dashed=True)
# How many there are of what there should be none of.
FAULTS = Look(unit="none", decimals=0, steps=((None, "green"), (1, "red")), words={"0": ("none", "green")})


def fields_of(look: Look, series: SeriesLooks = NO_SERIES, **replaced: Any) -> Json:
    """Return the field settings of a panel; ``replaced`` are those of its defaults that its kind has otherwise."""
    defaults = {
        "unit": "none",
        "noValue": NO_DATA,
        "mappings": _mappings(look),
        "thresholds": _thresholds(look),
        "color": color_of(look) or {"mode": "thresholds"},
    }
    overrides = [
        {"matcher": {"id": "byName", "options": name}, "properties": _properties(own)} for name, own in series.items()
    ]
    return {"defaults": defaults | _numbers(look) | replaced, "overrides": overrides}


def words_of(look: Look) -> list[Json]:
    """Return the words for single values."""
    options = {
        value: {"text": text, "color": color, "index": index}
        for index, (value, (text, color)) in enumerate(look.words.items())
    }
    return [{"type": "value", "options": options}] if options else []


def color_of(look: Look) -> Json | None:
    """Return the one colour of a look, if it has one."""
    return {"mode": "fixed", "fixedColor": look.color} if look.color else None


def lines_of(draw: Draw) -> Json:
    """Return the settings by which a time series is drawn."""
    return {
        "drawStyle": "bars" if draw.bars else "line",
        "lineWidth": 0 if draw.bars else 2,
        "fillOpacity": 70 if draw.bars else draw.fill,
        "gradientMode": "scheme" if draw.by_value else "none",
        "showPoints": "auto",
        "spanNulls": False,
        "stacking": {"mode": "normal" if draw.stacked else "none", "group": "A"},
        "thresholdsStyle": {"mode": "off"},
    }


def legend_of(*, shown: bool) -> Json:
    """Return a legend below the panel, or none."""
    return {"displayMode": "list", "placement": "bottom", "showLegend": shown}


def _properties(look: Look) -> list[Json]:
    """Return what of a look differs from a plain one, as the properties of an override."""
    plain = Look()
    found: Json = _numbers(look)
    if look.steps != plain.steps:
        found["thresholds"] = _thresholds(look)
    if look.words:
        found["mappings"] = _mappings(look)
    if look.color:
        found["color"] = color_of(look)
    if look.dashed:
        found |= {"custom.lineStyle": {"fill": "dash", "dash": [6, 6]}, "custom.fillOpacity": 0}
    if look.thin:
        found |= {"custom.lineWidth": 1, "custom.fillOpacity": 0}
    if look.fill_to:
        found |= {"custom.fillBelowTo": look.fill_to, "custom.fillOpacity": 15}
    if look.opens:
        found["links"] = [{"title": "Open", "url": look.opens, "targetBlank": True}]
    if look.tinted:
        found |= {"custom.cellOptions": {"type": "color-text"}, "custom.displayMode": "color-text"}
    return [{"id": key, "value": value} for key, value in found.items()]


def _numbers(look: Look) -> Json:
    given = {"unit": look.unit or None, "decimals": look.decimals, "min": look.low, "max": look.high}
    return {key: value for key, value in given.items() if value is not None}


def _thresholds(look: Look) -> Json:
    return {
        "mode": "absolute",
        "steps": [{"color": color, "value": start} for start, color in look.steps],
    }


def _mappings(look: Look) -> list[Json]:
    """Return the words for values, and for no value at all, which must not get the colour of a good one."""
    unknown = {"text": NO_DATA, "color": "orange", "index": len(look.words)}
    return [*words_of(look), {"type": "special", "options": {"match": "null+nan", "result": unknown}}]
