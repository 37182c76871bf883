"""Names in PromQL, found by a small reader: enough to hold dashboards against the metric table."""

from __future__ import annotations

import re
from dataclasses import dataclass

_STRING = re.compile(r'"[^"]*"')
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_SELECTOR = re.compile(r"([a-zA-Z_:][\w:]*)\s*\{([^}]*)\}")
_MATCHER = re.compile(r"([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)")
_WINDOW = re.compile(r"\[([^\]]*)\]")
_NAME = re.compile(r"(?<![\w:.$])([a-zA-Z_:][\w:]*)(?!\w)(?!\s*\()")
_WORDS = frozenset({"and", "or", "unless", "bool", "NaN", "offset"})


@dataclass(frozen=True)
class Names:
    """What an expression names: metrics, their matchers' labels, labels of groupings, windows of ranges."""

    metrics: frozenset[str]
    matched: frozenset[tuple[str, str]]
    grouped: frozenset[str]
    windows: frozenset[str]


def names(expr: str) -> Names:
    """Return the names in a PromQL expression."""
    bare = _STRING.sub('""', expr)
    windows = frozenset(_WINDOW.findall(bare))
    grouped = frozenset(
        label.strip() for group in _GROUPING.findall(bare) for label in group.split(",") if label.strip()
    )
    matched = frozenset(
        (metric, label) for metric, inside in _SELECTOR.findall(bare) for label in _MATCHER.findall(inside)
    )
    rest = re.sub(r"\{[^}]*\}", " ", _WINDOW.sub(" ", _GROUPING.sub(" ", bare)))
    return Names(frozenset(_NAME.findall(rest)) - _WORDS, matched, grouped, windows)
