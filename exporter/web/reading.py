"""The OpenAPI document as a page for people; it needs nothing from anywhere else."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

Json = dict[str, Any]

POLICY = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
}

_HEAD = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}: the HTTP API</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; padding: 0 1rem }}
h2 {{ border-top: 1px solid color-mix(in srgb, currentColor 25%, transparent); margin-top: 2.5rem; padding-top: 1rem }}
code {{ font-size: .92em }}
table {{ border-collapse: collapse; table-layout: fixed; width: 100% }}
th, td {{ border-bottom: 1px solid color-mix(in srgb, currentColor 18%, transparent); overflow-wrap: anywhere;
  padding: .3rem .6rem .3rem 0; text-align: left; vertical-align: top }}
th:first-child {{ width: 36% }}
th:nth-child(2) {{ width: 18% }}
@media (max-width: 40rem) {{ table {{ font-size: .85rem }} th:nth-child(2) {{ width: 21% }} }}
</style>
<main>
<h1>{title} {version}: the HTTP API</h1>
<p>{about}</p>
"""


def page(document: Json) -> str:
    """All of it as HTML."""
    info = document["info"]
    head = _HEAD.format(title=escape(info["title"]), version=escape(info["version"]), about=escape(info["description"]))
    return head + "\n".join(_body(document)) + "\n</main>\n</html>\n"


def _body(document: Json) -> Iterator[str]:
    schemas = document["components"]["schemas"]
    yield '<nav aria-label="Addresses"><ul>'
    for path, methods in document["paths"].items():
        yield f'<li><a href="#{_anchor(path)}"><code>{path}</code></a> {escape(methods["get"]["summary"])}</li>'
    yield "</ul></nav>"
    yield '<p>For programs: <a href="openapi.json">openapi.json</a></p>'
    for path, methods in document["paths"].items():
        yield from _operation(path, methods["get"], schemas)


def _operation(path: str, operation: Json, schemas: Json) -> Iterator[str]:
    yield f'<h2 id="{_anchor(path)}"><code>GET {path}</code></h2>'
    yield f"<p>{escape(operation['summary'])}.</p>"
    if "security" in operation:
        yield "<p>Needs the header <code>Authorization: Bearer TOKEN</code>.</p>"
    for each in operation.get("parameters", ()):
        schema = each["schema"]
        among = " or ".join(map(str, schema["enum"])) if "enum" in schema else f"1 to {schema['maximum']}"
        yield f"<p><code>?{escape(each['name'])}=</code> {among}; {schema['default']} unless given.</p>"
    yield '<table><thead><tr><th scope="col">key</th><th scope="col">type</th>'
    yield '<th scope="col">meaning</th></tr></thead><tbody>'
    answer = operation["responses"]["200"]["content"]["application/json"]["schema"]
    yield from _rows(answer, schemas, "")
    yield "</tbody></table>"


def _rows(schema: Json, schemas: Json, place: str) -> Iterator[str]:
    """A row for each key, and below it those of what it holds."""
    found, more = _struct(schema, schemas)
    for name, part in (found or {}).get("properties", {}).items():
        below, _ = _struct(part, schemas)
        text = part.get("description") or (below or {}).get("description", "")
        key = escape(f"{place}{more}{name}")
        key = key.replace(".", "<wbr>.")  # where a long one is broken first
        yield f"<tr><td><code>{key}</code></td><td>{_kind(part)}</td><td>{escape(text)}</td></tr>"
        yield from _rows(part, schemas, f"{place}{more}{name}.")


def _struct(schema: Json, schemas: Json) -> tuple[Json | None, str]:
    """The object that a schema leads to, and what stands between it and there."""
    for each in (schema, *schema.get("anyOf", ())):
        if "$ref" in each:
            return schemas[each["$ref"].rpartition("/")[2]], ""
        if "$ref" in each.get("items", {}):
            return schemas[each["items"]["$ref"].rpartition("/")[2]], "[]."
        if isinstance(each.get("additionalProperties"), dict) and "$ref" in each["additionalProperties"]:
            return schemas[each["additionalProperties"]["$ref"].rpartition("/")[2]], "NAME."
    return None, ""


def _kind(part: Json) -> str:
    """Its type in words."""
    if "anyOf" in part:
        return " or ".join(_kind(each) for each in part["anyOf"])
    if "enum" in part:
        return " or ".join("null" if value is None else f"“{escape(str(value))}”" for value in part["enum"])
    if part.get("format") == "date-time":
        return "time"
    kind: str = part.get("type", "object")
    return "list" if kind == "array" else kind


def _anchor(path: str) -> str:
    return path.strip("/").replace("/", "-")
