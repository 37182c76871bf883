"""What strangers may see: these recorded series, and nothing else.

Each is one figure of everything together, without a label that could name an account, a strategy or a symbol;
``exchange`` is the one label, of the exchanges' status. ``prometheus/rules/recording/public.yml`` says how they come
about.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

SERIES = (
    "system:public_spread_improvement:ratio1d",
    "system:public_compared_quotes_seconds:increase1d",
    "system:public_quote_uptime:ratio1d",
    "system:public_volume_usd:increase1d",
    "system:public_pnl:ratio",
    "system:public_response_seconds:mean5m",
    "system:public_response_seconds:p95_5m",
    "system:public_uptime:ratio1d",
    "system:public_uptime:ratio30d",
    "system:public_since:timestamp_seconds",
    "exchange:public_status:level",
)
_HARMLESS = frozenset({"or", "vector", "NaN"})
_WORD = re.compile(r"[a-zA-Z_:][\w:]*")
_OF_LABEL = re.compile(r"\{\{\s*(.*?)\s*\}\}")
_VARIABLE = re.compile(r"\$\{?[a-zA-Z_]\w*|\[\[\w+")
_NAME = re.compile(r"[\w .:+-]{1,40}")
_KEY = re.compile(r"(?=[^\W_]*\d)[^\W_]{16,}")


def private(model: dict[str, Any]) -> list[str]:
    """Return what a dashboard asks for that is not public: each word of its queries that is not known to be harmless.

    Its variables and annotations count as well, since they are queries of everything; so do legends that name a
    label, and texts with a variable, behind which anything can be.
    """
    asked = {word for expr in _expressions(model) for word in _WORD.findall(expr)}
    return sorted((asked - _HARMLESS - set(SERIES)) | set(_legends(model)) | set(_variables(model)))


def labels(expr: str) -> frozenset[str]:
    """Return the labels that the answer to a public query may have: those of its series' levels."""
    levels = {name.partition(":")[0] for name in SERIES if name in _WORD.findall(expr)}
    return frozenset(levels) - {"system"}


def is_name(value: str) -> bool:
    """Whether a label's value is what a person would call an exchange, and not a key or an address."""
    return bool(_NAME.fullmatch(value)) and not _KEY.search(value)


def panels(model: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Give every panel of a dashboard, those in collapsed rows as well."""
    for panel in model["panels"]:
        yield panel
        yield from panels({"panels": panel.get("panels", ())})


def _expressions(model: dict[str, Any]) -> Iterator[str]:
    """Give every query, wherever it stands in a dashboard."""
    yield from (target["expr"] for panel in panels(model) for target in panel.get("targets", ()))
    yield from (note["expr"] for note in model.get("annotations", {}).get("list", ()) if "expr" in note)
    yield from (str(variable["query"]) for variable in model.get("templating", {}).get("list", ()))


def _legends(model: dict[str, Any]) -> Iterator[str]:
    for target in (target for panel in panels(model) for target in panel.get("targets", ())):
        named = _OF_LABEL.findall(target.get("legendFormat", ""))
        yield from (f"{{{{{label}}}}}" for label in named if label not in labels(target["expr"]))


def _variables(value: Any) -> Iterator[str]:
    """Give every variable in the texts of a dashboard, wherever it stands."""
    if isinstance(value, str):
        yield from _VARIABLE.findall(value)
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    for each in inner:
        yield from _variables(each)
