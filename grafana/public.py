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


def private(model: dict[str, Any]) -> list[str]:
    """Return what a dashboard asks for that is not public: each word of its queries that is not known to be harmless.

    Its variables and annotations count as well, since they are queries of everything.
    """
    asked = {word for expr in _expressions(model) for word in _WORD.findall(expr)}
    return sorted(asked - _HARMLESS - set(SERIES))


def _expressions(model: dict[str, Any]) -> Iterator[str]:
    """Give every query, wherever it stands in a dashboard."""
    for panel in model["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))
        yield from _expressions({"panels": panel.get("panels", ())})
    yield from (note["expr"] for note in model.get("annotations", {}).get("list", ()) if "expr" in note)
    yield from (str(variable["query"]) for variable in model.get("templating", {}).get("list", ()))
