"""The OpenAPI document of the HTTP API, out of the shapes of its answers."""

from __future__ import annotations

import inspect
from typing import Any, NamedTuple

import msgspec

from exporter import __version__
from exporter.live.alerts import Alerts
from exporter.live.exchanges import Exchanges
from exporter.live.figures import Figures, Performance
from exporter.live.operations import OperationsOverview
from exporter.live.ring import MINUTES, STEP
from exporter.live.summary import ExecutiveSummary
from exporter.live.targets import Targets
from exporter.web.shapes import Health, Message

Json = dict[str, Any]

_REF = "#/components/schemas/{name}"
_ABOUT = (
    "What the exporter measures, and what Prometheus and Alertmanager make of it. Every key is always there; what is "
    "not known is null, and missing says why. Averages are of the last minute where nothing else is said."
)


class _Path(NamedTuple):
    summary: str
    answer: Any
    parameter: Json | None = None


_HISTORY: Json = {"type": "integer", "minimum": 1, "maximum": MINUTES, "default": MINUTES}
_TRENDS: Json = {"type": "integer", "enum": [30, 60], "default": 60}

_PATHS = {
    "/api/executive-summary": _Path("What the system is worth", ExecutiveSummary),
    "/api/operations-overview": _Path("How well the system works", OperationsOverview, _TRENDS),
    "/api/performance-metrics": _Path("What is measured now", Performance),
    "/api/performance-history": _Path(
        f"What was measured, every {STEP:g} seconds, the oldest first", list[Figures], _HISTORY
    ),
    "/api/exchanges": _Path("How each exchange is", Exchanges),
    "/api/alerts": _Path("What fires", Alerts),
    "/api/targets": _Path("What figures are held against", Targets),
}


def document(*, guarded: bool) -> Json:
    """The document; ``guarded`` says that a token is asked for."""
    kinds = [path.answer for path in _PATHS.values()] + [Health, Message]
    schemas, components = msgspec.json.schema_components(kinds, ref_template=_REF)
    answers = dict(zip(_PATHS, schemas, strict=False))
    security: Json = {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}} if guarded else {}
    return {
        "openapi": "3.1.0",
        "info": {"title": "trading-exporter", "version": __version__, "description": _ABOUT},
        "paths": {
            **{name: {"get": _operation(path, answers[name], guarded=guarded)} for name, path in _PATHS.items()},
            "/health": {"get": _health()},
        },
        "components": {"schemas": {name: _described(part) for name, part in components.items()}} | security,
    }


def _operation(path: _Path, answer: Json, *, guarded: bool) -> Json:
    found: Json = {"summary": path.summary, "responses": {"200": _response("The answer.", answer)}}
    if path.parameter is not None:
        found["parameters"] = [{"name": "duration_minutes", "in": "query", "schema": path.parameter}]
        found["responses"]["400"] = _response("What was asked for cannot be given.", _ref(Message))
    if guarded:
        found["security"] = [{"bearer": []}]
        found["responses"]["401"] = {
            "description": "The token of web.bearer_token is needed.",
            "headers": {"WWW-Authenticate": {"schema": {"type": "string"}}},
            "content": {"application/json": {"schema": _ref(Message)}},
        }
    else:
        found["responses"]["403"] = _response("Asked under a public name that is not in web.hosts.", _ref(Message))
    return found


def _health() -> Json:
    answers = {"200": "It works, or is degraded.", "503": "A part of its own is down."}
    return {
        "summary": "How the exporter is",
        "responses": {status: _response(text, _ref(Health)) for status, text in answers.items()},
    }


def _response(description: str, schema: Json) -> Json:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _ref(kind: type) -> Json:
    return {"$ref": _REF.format(name=kind.__name__)}


def _described(part: Json) -> Json:
    """A schema with its description in one line."""
    return part | {"description": " ".join(inspect.cleandoc(part.get("description", "")).replace("``", "`").split())}
